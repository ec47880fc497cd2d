#include "deviceMemory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "failure.h"
#include "layout.h"
#include "text.h"
#include "trap.h"

namespace sim {

namespace {

constexpr size_t kGuardBytes = 64;
constexpr size_t kGranule = 32;
constexpr unsigned char kGuard = 0xfb;

uint64_t roundUp(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

}  // namespace

DeviceMemory::DeviceMemory(int32_t device, uint64_t totalBytes)
    : device_(device), total_(totalBytes), range_(roundUp(4 * totalBytes, kPage)) {
  file_ = memfd_create("ascend-simulator-device", MFD_CLOEXEC);
  if (file_ < 0 || ftruncate(file_, static_cast<off_t>(range_)) != 0) throw std::bad_alloc();
  void* handedOut = mmap(nullptr, range_, PROT_NONE, MAP_SHARED | MAP_NORESERVE, file_, 0);
  void* alias = mmap(nullptr, range_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file_, 0);
  if (handedOut == MAP_FAILED || alias == MAP_FAILED) throw std::bad_alloc();
  handedOut_ = static_cast<char*>(handedOut);
  alias_ = static_cast<char*>(alias);
  trapHostAccess(handedOut_, range_, device_);
}

DeviceMemory::~DeviceMemory() {
  releaseTrap(handedOut_);
  munmap(handedOut_, range_);
  munmap(alias_, range_);
  close(file_);
}

// Next fit: an address comes back only when all others have been used.
uint64_t DeviceMemory::place(size_t bytes) {
  uint64_t at = cursor_;
  for (int round = 0; round < 2; round++) {
    auto next = blocks_.lower_bound(at);
    if (next != blocks_.begin()) {
      const auto& before = std::prev(next)->second;
      at = std::max(at, before->pages + before->pageBytes);
    }
    for (; next != blocks_.end() && at + bytes > next->first; ++next) at = next->first + next->second->pageBytes;
    if (at + bytes <= range_) {
      cursor_ = at + bytes;
      return at;
    }
    at = 0;
  }
  throw Failure(acl::kRtMemoryAllocation, kDriverMemory, "The simulated device's addresses are used up by fragmentation");
}

void* DeviceMemory::allocate(size_t size, bool extra) {
  require(size <= total_, acl::kRtMemoryAllocation, kDriverMemory,
          "device " + number(device_) + " has " + number(total_) + " bytes, " + number(size) + " were asked for");
  auto block = std::make_shared<DeviceBlock>();
  block->size = size;
  block->accounted = roundUp(size, kGranule) + (extra ? kGranule : 0);
  block->pageBytes = roundUp(kAlignment + block->accounted + kGuardBytes, kPage);
  const std::lock_guard<std::mutex> lock(mutex_);
  require(used_ + block->accounted <= total_, acl::kRtMemoryAllocation, kDriverMemory,
          "device " + number(device_) + " has " + number(total_ - used_) + " of " + number(total_) + " bytes left, " + number(size) + " were asked for");
  block->pages = place(block->pageBytes);
  block->offset = block->pages + kAlignment;  // not aligned to 128
  std::memset(alias_ + block->offset, kPoison, block->accounted);
  std::memset(alias_ + block->offset + block->accounted, kGuard, kGuardBytes);
  used_ += block->accounted;
  blocks_.emplace(block->pages, block);
  return handedOut_ + block->offset;
}

void DeviceMemory::release(const void* address) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(handedOut_);
  const auto found = blocks_.find(offset - kAlignment);
  require(found != blocks_.end(), acl::kRtParamInvalid, kRuntimeArgument,
          "no allocation of device " + number(device_) + " starts at " + hex(address) + ": it was freed already, lies inside one, or is none of this device's");
  const DeviceBlock& block = *found->second;
  require(block.uses == 0, acl::kRtMemoryFree, kRuntimeArgument,
          "the memory at " + hex(address) + " is in use by a task of a stream: synchronise the stream before aclrtFree");
  const auto* guard = reinterpret_cast<const unsigned char*>(alias_ + block.offset + block.accounted);
  const bool intact = std::all_of(guard, guard + kGuardBytes, [](unsigned char byte) { return byte == kGuard; });
  freePages(block);
  used_ -= block.accounted;
  blocks_.erase(found);
  require(intact, acl::kRtMemoryFree, kRuntimeArgument, "something wrote behind the " + number(block.size) + " bytes at " + hex(address));
}

bool DeviceMemory::contains(const void* address) const {
  const char* at = static_cast<const char*>(address);
  return at >= handedOut_ && at < handedOut_ + range_;
}

DeviceRange DeviceMemory::find(const void* address, size_t size) const {
  if (!contains(address)) return {};
  const uint64_t offset = static_cast<uint64_t>(static_cast<const char*>(address) - handedOut_);
  const std::lock_guard<std::mutex> lock(mutex_);
  auto next = blocks_.upper_bound(offset);
  if (next == blocks_.begin()) return {};
  const std::shared_ptr<DeviceBlock>& block = std::prev(next)->second;
  const bool inside = offset >= block->offset && offset - block->offset <= block->size && size <= block->size - (offset - block->offset);
  return inside ? DeviceRange{block, alias_ + offset} : DeviceRange{};
}

uint64_t DeviceMemory::usedBytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return used_;
}

size_t DeviceMemory::allocations() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return blocks_.size();
}

void DeviceMemory::releaseAll() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& entry : blocks_) freePages(*entry.second);
  blocks_.clear();
  used_ = 0;
}

void DeviceMemory::freePages(const DeviceBlock& block) {
  fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(block.pages), static_cast<off_t>(block.pageBytes));
}

}  // namespace sim
