// What happens when the host touches device memory: the process ends by SIGSEGV as it would without this, but says first what it was.
//
// A real device address is not mapped on the host either; there the same mistake is a segmentation fault without a word.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sim {

// Watches a range of addresses of a device.
void trapHostAccess(const void* start, size_t bytes, int32_t device);

void releaseTrap(const void* start);

}  // namespace sim
