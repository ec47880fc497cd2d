// 3x3 kernels of plain OIHW weights as vectors over output channels, and back: square transpositions in registers. Element by element, with a
// scalar load and store each, this took longer than the transforms themselves.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "winograd/products.h"

namespace omma {

// Weights of a 3x3 kernel.
constexpr int kTaps = 9;

typedef int32_t WinogradLanes __attribute__((vector_size(kWinogradBlock * sizeof(int32_t))));

// Exchanges blocks of Step x Step beside the diagonal, between rows that lie Step apart.
template <int Step>
inline void exchange(Vector rows[kBlock]) {
  WinogradLanes low, high;
  for (int lane = 0; lane < kBlock; lane++) {
    const bool own = lane / Step % 2 == 0;
    low[lane] = own ? lane : kBlock + lane - Step;
    high[lane] = own ? lane + Step : kBlock + lane;
  }
#pragma GCC unroll 16
  for (int row = 0; row < kBlock; row++) {
    if (row / Step % 2 != 0) continue;
    const Vector a = rows[row], b = rows[row + Step];
    rows[row] = __builtin_shuffle(a, b, low);
    rows[row + Step] = __builtin_shuffle(a, b, high);
  }
}

inline void transpose(Vector rows[kBlock]) {
  exchange<1>(rows);
  exchange<2>(rows);
  exchange<4>(rows);
  if constexpr (kBlock == 16) exchange<8>(rows);
}

// A row of kernels, kBlock of them, for each of kBlock output channels, `stride` floats apart: to [kernel][tap], over output channels.
inline void packKernels(const float* weight, int64_t stride, Vector kernels[kBlock * kTaps]) {
  for (int part = 0; part < kTaps; part++) {
    Vector* rows = kernels + part * kBlock;
    for (int lane = 0; lane < kBlock; lane++) rows[lane] = load(weight + lane * stride + part * kBlock);
    transpose(rows);
  }
}

// The way back. Destroys `kernels`.
inline void unpackKernels(Vector kernels[kBlock * kTaps], float* weight, int64_t stride) {
  for (int part = 0; part < kTaps; part++) {
    Vector* rows = kernels + part * kBlock;
    transpose(rows);
    for (int lane = 0; lane < kBlock; lane++) store(weight + lane * stride + part * kBlock, rows[lane]);
  }
}

// kBlock kernels that lie one behind the other, turned by 180 degrees: to [tap] over them.
inline void packTurned(const float* weight, Vector kernel[kTaps]) {
  constexpr int together = std::min(kTaps, kBlock);
  Vector rows[kBlock];
  for (int lane = 0; lane < kBlock; lane++) {
    rows[lane] = zero();
    std::memcpy(&rows[lane], weight + lane * kTaps, together * sizeof(float));
  }
  transpose(rows);
  for (int tap = 0; tap < together; tap++) kernel[kTaps - 1 - tap] = rows[tap];
  for (int tap = together; tap < kTaps; tap++) {
    for (int lane = 0; lane < kBlock; lane++) kernel[kTaps - 1 - tap][lane] = weight[lane * kTaps + tap];
  }
}

}  // namespace omma
