// Copies and fills: where an address lies, whether the copy is allowed, and the copy itself, now or on a stream.
#pragma once

#include <memory>

#include "runtime.h"

namespace sim {

// An address that the caller gave, as the simulator reaches it.
struct Place {
  Device* device = nullptr;            // null: the host's memory
  DeviceRange range;                   // on a device
  std::shared_ptr<HostBlock> pinned;   // pinned host memory; null: ordinary memory
  char* reach = nullptr;
};

// Rows of `width` bytes; one row for the copies that are not two-dimensional.
struct Rows {
  size_t width;
  size_t height;
  size_t targetPitch;
  size_t sourcePitch;
};

void copyNow(void* target, const void* source, const Rows& rows, int32_t kind);

// Returns before the copy is done, but when the host's side is not pinned: then it blocks, as the device does.
void copyOnStream(void* target, const void* source, const Rows& rows, int32_t kind, aclrtStream stream);

void fillNow(void* target, size_t limit, int32_t value, size_t count);
void fillOnStream(void* target, size_t limit, int32_t value, size_t count, aclrtStream stream);

}  // namespace sim
