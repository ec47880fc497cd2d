// The device's memory: blocks that are counted, and the arena that all executables of a device share.
//
// Big blocks are mapped with huge pages where the system has them, which saves most of the page faults and misses in the
// translation cache. The arena is one reserved range of addresses that grows at its end, so pointers into it never move;
// executables run one after another, so all of them use it from offset 0.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace omma {

// Bytes held now and at most, over one device.
class MemoryCount {
 public:
  void add(size_t bytes);
  void remove(size_t bytes) { live_ -= static_cast<int64_t>(bytes); }
  int64_t live() const { return live_; }
  int64_t peak() const { return peak_; }

 private:
  std::atomic<int64_t> live_{0};
  std::atomic<int64_t> peak_{0};
};

// Memory of fixed size, aligned to 64 bytes, zero at first.
class Block {
 public:
  Block(std::shared_ptr<MemoryCount> count, size_t bytes);  // throws std::runtime_error when there is not enough
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<MemoryCount> count_;
  size_t bytes_;
  bool mapped_;
  void* data_;
};

class Arena {
 public:
  explicit Arena(std::shared_ptr<MemoryCount> count);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  // Makes at least `bytes` usable from data() on. Throws std::runtime_error when there is not enough.
  void require(size_t bytes);
  // Gives back what lies beyond `bytes`.
  void shrink(size_t bytes);
  char* data() const { return data_; }
  size_t bytes() const { return usable_; }

 private:
  std::shared_ptr<MemoryCount> count_;
  char* data_ = nullptr;
  size_t reserved_ = 0;
  size_t usable_ = 0;
};

// Bytes that this process can still take without swapping, the limit of its control group included.
size_t availableMemory();

}  // namespace omma
