// Pinned host memory (aclrtMallocHost): ordinary memory, but known to the simulator. Only with it is an asynchronous copy asynchronous.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace sim {

struct HostBlock {
  char* start = nullptr;
  size_t size = 0;
  std::atomic<int> uses{0};  // by tasks in flight
  ~HostBlock();
  size_t mapped = 0;
  char* mapping = nullptr;
};

class HostMemory {
 public:
  // 64-byte aligned, poisoned. A read after aclrtFreeHost traps.
  void* allocate(size_t size);

  // Throws Failure: not an allocation (107000), in use by a task (207002).
  void release(const void* address);

  // The pinned allocation that holds the range; null for ordinary memory. Throws Failure when the range runs over the end of one.
  std::shared_ptr<HostBlock> find(const void* address, size_t size) const;

  uint64_t bytes() const;
  size_t allocations() const;
  void releaseAll();

 private:
  mutable std::mutex mutex_;
  std::map<const char*, std::shared_ptr<HostBlock>> blocks_;
  uint64_t bytes_ = 0;
};

}  // namespace sim
