#include "registry.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <new>

namespace sim {

namespace {

constexpr size_t kRangeBytes = size_t{1} << 36;
constexpr size_t kStep = 64;

std::atomic<size_t> given{0};

char* range() {
  static char* const start = [] {
    void* mapped = mmap(nullptr, kRangeBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    return static_cast<char*>(mapped);
  }();
  return start;
}

}  // namespace

void* newHandle() {
  const size_t offset = kStep * given.fetch_add(1);
  if (offset >= kRangeBytes) throw std::bad_alloc();
  return range() + offset;
}

bool wasHandle(const void* handle) {
  const auto address = reinterpret_cast<uintptr_t>(handle), start = reinterpret_cast<uintptr_t>(range());
  return address >= start && address < start + kStep * given.load() && (address - start) % kStep == 0;
}

std::string describeDeadHandle(const void* handle) {
  char out[96];
  std::snprintf(out, sizeof out, "%p (%s)", handle, wasHandle(handle) ? "destroyed already, or of another kind" : "not a handle of this library");
  return out;
}

}  // namespace sim
