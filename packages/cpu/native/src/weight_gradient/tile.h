// What both weight gradients have in common: pairs of pixels, and a tile of the result in registers. Only for AVX-512 BF16.
//
// A pair is one channel's two neighbouring pixels, one 32-bit word. A tile is 8 rows (channels of one operand) by one or two vectors (16 or 32
// channels of the other): 16 sums cover the latency of the instruction, and with a broadcast and two vectors of the right side they leave
// half of the registers free. It loads 10 times for 16 multiplications of which the processor does two a cycle.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/convert.h"

namespace omma {

constexpr int kRows = 8;
constexpr int kLanes = 16;
constexpr int kColumns = 2 * kLanes;

// Pairs that one tile adds up at a time: so many of a column panel (16 KB) stay in the first-level cache for all rows.
constexpr int64_t kDepth = 128;
// Packed operands of a group of pixels: they stay in the second-level caches.
constexpr int64_t kGroupBytes = int64_t{2} << 20;

// Two pixels of 16 channels as 16 pairs.
inline __m512i interleave(__m512i twoPixels) {
  alignas(64) static constexpr uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                     8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_load_si512(order), twoPixels);
}

template <int Vectors>
struct Tile {
  __m512 sum[kRows][Vectors];

  // From sums[kRows][stride], or zero.
  explicit Tile(const float* sums, int64_t stride, bool add) {
#pragma GCC unroll 8
    for (int row = 0; row < kRows; row++) {
      for (int v = 0; v < Vectors; v++) {
        sum[row][v] = add ? _mm512_loadu_ps(sums + row * stride + v * kLanes) : _mm512_setzero_ps();
      }
    }
  }

  // Adds `pairs` pairs: left [pair][kLanes], of which eight rows are read, times right [pair][kColumns].
  void add(const uint32_t* left, const uint32_t* right, int64_t pairs) {
    for (int64_t pair = 0; pair < pairs; pair++, left += kLanes, right += kColumns) {
      __m512i columns[Vectors];
      for (int v = 0; v < Vectors; v++) columns[v] = _mm512_loadu_si512(right + v * kLanes);
#pragma GCC unroll 8
      for (int row = 0; row < kRows; row++) {
        const __m512i value = _mm512_set1_epi32(static_cast<int>(left[row]));
        for (int v = 0; v < Vectors; v++) {
          sum[row][v] =
              _mm512_dpbf16_ps(sum[row][v], reinterpret_cast<__m512bh>(value), reinterpret_cast<__m512bh>(columns[v]));
        }
      }
    }
  }

  void store(float* sums, int64_t stride) const {
#pragma GCC unroll 8
    for (int row = 0; row < kRows; row++) {
      for (int v = 0; v < Vectors; v++) _mm512_storeu_ps(sums + row * stride + v * kLanes, sum[row][v]);
    }
  }
};

}  // namespace omma
