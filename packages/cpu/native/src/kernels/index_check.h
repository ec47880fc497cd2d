// Refuses indices outside of an axis, before a kernel that trusts them runs.
//
// One pass over the indices costs little beside the elements they name, keeps the kernels' loops free of branches, and gives an
// error where torch on a GPU would stop the process.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace omma {

inline void checkIndices(const int32_t* index, int64_t count, int64_t extent) {
  int32_t least = 0, most = 0;
#pragma omp parallel for simd reduction(min : least) reduction(max : most) if (count > 65536)
  for (int64_t i = 0; i < count; i++) {
    least = std::min(least, index[i]);
    most = std::max(most, index[i]);
  }
  if (least < 0 || (count > 0 && most >= extent)) {
    throw std::runtime_error("index " + std::to_string(least < 0 ? least : most) + " lies outside of [0, " +
                             std::to_string(extent) + ")");
  }
}

}  // namespace omma
