// See memory.h.
#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

namespace omma {

namespace {

constexpr size_t hugePage = size_t{2} << 20;

size_t roundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

void adviseHugePages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#ifdef MADV_HUGEPAGE
  madvise(data, bytes, MADV_HUGEPAGE);
#endif
}

[[noreturn]] void notEnough(size_t bytes) {
  throw std::runtime_error("cannot get " + std::to_string(bytes >> 20) + " MiB of memory");
}

// Maps `bytes` at a multiple of the huge page size.
char* mapAligned(size_t bytes, int protection) {
  void* raw = mmap(nullptr, bytes + hugePage, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  char* start = static_cast<char*>(raw);
  char* aligned = reinterpret_cast<char*>(roundUp(reinterpret_cast<uintptr_t>(start), hugePage));
  if (aligned > start) munmap(start, aligned - start);
  char* end = start + bytes + hugePage;
  if (end > aligned + bytes) munmap(aligned + bytes, end - (aligned + bytes));
  return aligned;
}

size_t readNumber(const char* path) {
  std::ifstream file(path);
  size_t value = 0;
  return file >> value ? value : std::numeric_limits<size_t>::max();
}

}  // namespace

void MemoryCount::add(size_t bytes) {
  const int64_t now = live_ += static_cast<int64_t>(bytes);
  int64_t before = peak_;
  while (now > before && !peak_.compare_exchange_weak(before, now)) {
  }
}

Block::Block(std::shared_ptr<MemoryCount> count, size_t bytes)
    : count_(std::move(count)), bytes_(bytes), mapped_(bytes >= 2 * hugePage), data_(nullptr) {
  if (mapped_) {
    data_ = mapAligned(roundUp(bytes, hugePage), PROT_READ | PROT_WRITE);
    if (data_ != nullptr) adviseHugePages(data_, roundUp(bytes, hugePage));
  } else {
    const size_t size = roundUp(std::max<size_t>(bytes, 1), 64);
    data_ = std::aligned_alloc(64, size);
    if (data_ != nullptr) std::memset(data_, 0, size);
  }
  if (data_ == nullptr) notEnough(bytes);
  count_->add(bytes_);
}

Block::~Block() {
  if (mapped_) {
    munmap(data_, roundUp(bytes_, hugePage));
  } else {
    std::free(data_);
  }
  count_->remove(bytes_);
}

Arena::Arena(std::shared_ptr<MemoryCount> count) : count_(std::move(count)) {
  // Reserving addresses costs nothing; as much as the machine has memory, or what an address limit leaves.
  reserved_ = roundUp(static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE)), hugePage);
  while (reserved_ >= hugePage && (data_ = mapAligned(reserved_, PROT_NONE)) == nullptr) {
    reserved_ = roundUp(reserved_ / 2, hugePage);
    if (reserved_ == hugePage) break;
  }
  if (data_ == nullptr) notEnough(hugePage);
}

Arena::~Arena() {
  munmap(data_, reserved_);
  count_->remove(usable_);
}

void Arena::require(size_t bytes) {
  const size_t wanted = roundUp(bytes, hugePage);
  if (wanted <= usable_) return;
  if (wanted > reserved_ || mprotect(data_ + usable_, wanted - usable_, PROT_READ | PROT_WRITE) != 0) notEnough(bytes);
  adviseHugePages(data_ + usable_, wanted - usable_);
  count_->add(wanted - usable_);
  usable_ = wanted;
}

void Arena::shrink(size_t bytes) {
  const size_t wanted = roundUp(bytes, hugePage);
  if (wanted >= usable_) return;
  madvise(data_ + wanted, usable_ - wanted, MADV_DONTNEED);
  mprotect(data_ + wanted, usable_ - wanted, PROT_NONE);
  count_->remove(usable_ - wanted);
  usable_ = wanted;
}

size_t availableMemory() {
  size_t available = std::numeric_limits<size_t>::max();
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("MemAvailable:", 0) == 0) available = std::stoull(line.substr(13)) << 10;
  }
  const size_t limit = readNumber("/sys/fs/cgroup/memory.max");
  const size_t used = readNumber("/sys/fs/cgroup/memory.current");
  if (limit != std::numeric_limits<size_t>::max() && used < limit) available = std::min(available, limit - used);
  return available;
}

}  // namespace omma
