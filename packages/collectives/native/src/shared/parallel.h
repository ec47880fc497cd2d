// Work on memory by the calling thread's OpenMP team: a device that waits for a sum lends its threads. The engine's own thread works alone, because the
// processors are the device's.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace omma {

inline int teamSize() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

// Of the calling thread, from now on.
inline void useOneThread() {
#ifdef _OPENMP
  omp_set_num_threads(1);
#endif
}

// work(begin, end) over 0 to `count`, in shares of whole blocks of `block`.
template <typename Work>
void inParallel(size_t count, size_t block, Work work) {
  const size_t blocks = (count + block - 1) / block;
  const size_t team = std::min(static_cast<size_t>(teamSize()), blocks);
  if (team <= 1) {
    if (count > 0) work(size_t{0}, count);
    return;
  }
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(static_cast<int>(team))
#endif
  for (size_t share = 0; share < team; share++) {
    const size_t begin = blocks * share / team * block;
    const size_t end = std::min(count, blocks * (share + 1) / team * block);
    if (begin < end) work(begin, end);
  }
}

inline void parallelCopy(char* to, const char* from, size_t bytes) {
  inParallel(bytes, size_t{1} << 14, [&](size_t begin, size_t end) { std::memcpy(to + begin, from + begin, end - begin); });
}

}  // namespace omma
