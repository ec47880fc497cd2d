// Memory that the processes of one machine map together: a control block a rank, and room for what a rank lets the others read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace omma {

// What a rank is about to do, so that the others notice when they do something else.
struct Call {
  uint32_t kind = 0;
  uint32_t dtype = 0;
  uint32_t op = 0;
  uint32_t root = 0;
  uint64_t count = 0;
};

struct alignas(128) Control {
  // How many meetings this rank has come to.
  std::atomic<uint64_t> arrived;
  // Set when it comes to none any more.
  std::atomic<uint32_t> gone;
  // Of the collective under way; written before the arrival that tells of it.
  Call call;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free, "an atomic with a lock works in one process only");

class Segment {
 public:
  // Bytes of a tensor that go through the memory at once: small enough to stay in the caches of all ranks, large enough that two meetings are cheap beside it.
  static constexpr size_t kChunk = size_t{1} << 20;

  // Makes the memory for `size` ranks under `name`, which nobody may have taken. Throws std::runtime_error.
  static Segment make(const std::string& name, int size);
  // Maps what another process has made. Throws std::runtime_error where it is not there, as on another machine.
  static Segment open(const std::string& name, int size);
  Segment(Segment&& other) noexcept;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment();

  // The name ends; the memory goes when the last one unmaps it.
  static void unlink(const std::string& name);

  Control& control(int rank) const;
  // kChunk bytes that `rank` writes before it meets the others, who read them before they meet again.
  char* given(int rank) const;
  // kChunk / size bytes and a little more: its part of a result, written between two meetings, read after the second.
  char* result(int rank) const;

 private:
  Segment(int file, const std::string& name, int size, bool fresh);

  char* memory_ = nullptr;
  size_t bytes_ = 0;
  int size_ = 0;
};

}  // namespace omma
