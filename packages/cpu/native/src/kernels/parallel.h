// How kernels divide work among threads: contiguous shares that depend on nothing but the sizes and the number of threads, so
// that results are the same run after run.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace omma {

// Elements below which a parallel region costs more than it saves (a fork and join takes about as long as 16k additions).
constexpr int64_t kSerialElements = 16384;

// Calls body(begin, end, thread) for each thread's share of [0, count). `cost` is the work of one item in elements; `unit` the
// granularity of shares.
template <typename Body>
void parallelRange(int64_t count, int64_t cost, int64_t unit, Body&& body) {
  if (count <= 0) return;
  const int64_t units = (count + unit - 1) / unit;
  const int64_t useful = std::max<int64_t>(1, count * std::max<int64_t>(1, cost) / kSerialElements);
  const int threads = static_cast<int>(std::min<int64_t>({omp_get_max_threads(), units, useful}));
  if (threads <= 1) {
    body(int64_t{0}, count, 0);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    const int team = omp_get_num_threads();
    const int64_t begin = std::min(count, units * thread / team * unit);
    const int64_t end = std::min(count, units * (thread + 1) / team * unit);
    if (begin < end) body(begin, end, thread);
  }
}

// The same for items that are done one by one.
template <typename Body>
void parallelFor(int64_t count, int64_t cost, Body&& body) {
  parallelRange(count, cost, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; i++) body(i);
  });
}

}  // namespace omma
