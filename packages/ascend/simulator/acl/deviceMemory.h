// The memory of one simulated device: apart from the host's, so that code which would work on a host only fails here too.
//
// One memory file, mapped twice: the addresses handed out belong to a mapping without any access (a host read or write traps, see trap.h),
// the simulator works through the second one. Fresh memory is full of 0xff bytes (NaN in every float type), freed memory is given back to
// the system and its addresses are not used again until the range (four times the device's memory) is through; a guard behind each
// allocation is checked when it is freed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace sim {

// One live allocation.
struct DeviceBlock {
  uint64_t offset = 0;      // of the address handed out, in the memory file
  size_t size = 0;          // as asked for
  size_t accounted = 0;     // rounded up to 32, and 32 more where the function adds them
  uint64_t pages = 0;       // first page's offset
  size_t pageBytes = 0;
  std::atomic<int> uses{0};  // by tasks in flight
};

// A range inside one allocation, as the simulator reaches it.
struct DeviceRange {
  std::shared_ptr<DeviceBlock> block;  // null: not wholly inside one live allocation
  void* alias = nullptr;
};

class DeviceMemory {
 public:
  DeviceMemory(int32_t device, uint64_t totalBytes);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  // 64-byte aligned (and no more: code that relies on more fails). Throws Failure 207001. `extra`: the 32 bytes that aclrtMalloc adds.
  void* allocate(size_t size, bool extra);

  // Throws Failure: no allocation starts here (107000), a task in flight uses it (207002), its guard was overwritten (207002).
  void release(const void* address);

  // Is it in this device's range of addresses, allocated or not?
  bool contains(const void* address) const;

  DeviceRange find(const void* address, size_t size) const;

  uint64_t totalBytes() const { return total_; }
  uint64_t usedBytes() const;
  size_t allocations() const;

  // As a device reset: everything, also what is in use.
  void releaseAll();

 private:
  void freePages(const DeviceBlock& block);
  uint64_t place(size_t bytes);

  const int32_t device_;
  const uint64_t total_;
  const uint64_t range_;
  char* handedOut_ = nullptr;
  char* alias_ = nullptr;
  int file_ = -1;
  mutable std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<DeviceBlock>> blocks_;  // by first page
  uint64_t cursor_ = 0;
  uint64_t used_ = 0;
};

}  // namespace sim
