// What device memory and pinned memory have in common.
#pragma once

#include <cstddef>

namespace sim {

inline constexpr size_t kAlignment = 64;  // of allocations, and of every buffer that a model reads or writes
inline constexpr size_t kPage = 4096;
inline constexpr int kPoison = 0xff;  // the bytes of memory that nobody has written: NaN in every float type

}  // namespace sim
