#include "hostMemory.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

#include "failure.h"
#include "layout.h"
#include "text.h"

namespace sim {

HostBlock::~HostBlock() { munmap(mapping, mapped); }

void* HostMemory::allocate(size_t size) {
  const size_t mapped = (size + kAlignment + kPage - 1) / kPage * kPage;
  void* mapping = size > SIZE_MAX / 2 ? MAP_FAILED : mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(mapping != MAP_FAILED, acl::kRtMemoryAllocation, kDriverMemory, "The host has no " + number(size) + " bytes left to pin");
  auto block = std::make_shared<HostBlock>();
  block->mapping = static_cast<char*>(mapping);
  block->mapped = mapped;
  block->start = block->mapping + kAlignment;
  block->size = size;
  std::memset(block->start, kPoison, size);
  const std::lock_guard<std::mutex> lock(mutex_);
  bytes_ += size;
  blocks_.emplace(block->start, block);
  return block->start;
}

void HostMemory::release(const void* address) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = blocks_.find(static_cast<const char*>(address));
  require(found != blocks_.end(), acl::kRtParamInvalid, kRuntimeArgument, "no pinned allocation starts at " + hex(address) + ", or it was freed already");
  require(found->second->uses == 0, acl::kRtMemoryFree, kRuntimeArgument,
          "the pinned memory at " + hex(address) + " is in use by a task of a stream: synchronise the stream before aclrtFreeHost");
  bytes_ -= found->second->size;
  blocks_.erase(found);
}

std::shared_ptr<HostBlock> HostMemory::find(const void* address, size_t size) const {
  const char* at = static_cast<const char*>(address);
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto next = blocks_.upper_bound(at);
  if (next == blocks_.begin()) return nullptr;
  const std::shared_ptr<HostBlock>& block = std::prev(next)->second;
  if (at >= block->start + block->size) return nullptr;
  require(size <= static_cast<size_t>(block->start + block->size - at), acl::kRtParamInvalid, kRuntimeArgument,
          number(size) + " bytes at " + hex(address) + " run over the end of pinned memory of " + number(block->size) + " bytes");
  return block;
}

uint64_t HostMemory::bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return bytes_;
}

size_t HostMemory::allocations() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return blocks_.size();
}

void HostMemory::releaseAll() {
  const std::lock_guard<std::mutex> lock(mutex_);
  blocks_.clear();
  bytes_ = 0;
}

}  // namespace sim
