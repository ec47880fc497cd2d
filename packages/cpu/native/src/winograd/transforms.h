// The six small matrices of F(4x4, 3x3), applied to a vector of channels at a time.
//
// Interpolation points 0, 1, -1, 2, -2 and infinity, as Lavin and Gray give them. Each function applies one matrix along one direction of
// a small tile held in vectors; the caller does rows, then columns.
#pragma once

#include "winograd/winograd.h"

namespace omma {

typedef float WinogradVector __attribute__((vector_size(kWinogradBlock * sizeof(float))));
// The same in memory, where it may lie at any address among floats.
typedef float WinogradMemory __attribute__((vector_size(kWinogradBlock * sizeof(float)), aligned(4), may_alias));

// B^T d: six values of the input to six.
inline void winogradInput(const WinogradVector d[6], WinogradVector out[6]) {
  const WinogradVector even = d[4] - 4.0f * d[2];
  const WinogradVector odd = d[3] - 4.0f * d[1];
  const WinogradVector evenTwo = d[4] - d[2];
  const WinogradVector oddTwo = 2.0f * (d[3] - d[1]);
  out[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = evenTwo + oddTwo;
  out[4] = evenTwo - oddTwo;
  out[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

// A^T m: six values in transformed space to four of the output.
inline void winogradOutput(const WinogradVector m[6], WinogradVector out[4]) {
  const WinogradVector sum1 = m[1] + m[2];
  const WinogradVector difference1 = m[1] - m[2];
  const WinogradVector sum2 = m[3] + m[4];
  const WinogradVector difference2 = m[3] - m[4];
  out[0] = m[0] + sum1 + sum2;
  out[1] = difference1 + 2.0f * difference2;
  out[2] = sum1 + 4.0f * sum2;
  out[3] = difference1 + 8.0f * difference2 + m[5];
}

// A y: four values of the output's gradient to six.
inline void winogradOutputGrad(const WinogradVector y[4], WinogradVector out[6]) {
  const WinogradVector even = y[0] + y[2];
  const WinogradVector odd = y[1] + y[3];
  const WinogradVector evenTwo = y[0] + 4.0f * y[2];
  const WinogradVector oddTwo = 2.0f * y[1] + 8.0f * y[3];
  out[0] = y[0];
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = evenTwo + oddTwo;
  out[4] = evenTwo - oddTwo;
  out[5] = y[3];
}

// G g: three values of the weight to six.
inline void winogradWeight(const WinogradVector g[3], WinogradVector out[6]) {
  const WinogradVector outer = g[0] + g[2];
  const WinogradVector far = g[0] * (1.0f / 24) + g[2] * (1.0f / 6);
  const WinogradVector middle = g[1] * (1.0f / 12);
  out[0] = g[0] * 0.25f;
  out[1] = (outer + g[1]) * (-1.0f / 6);
  out[2] = (outer - g[1]) * (-1.0f / 6);
  out[3] = far + middle;
  out[4] = far - middle;
  out[5] = g[2];
}

// G^T u: six values in transformed space to three of the weight's gradient.
inline void winogradWeightGradient(const WinogradVector u[6], WinogradVector out[3]) {
  const WinogradVector sum1 = (u[1] + u[2]) * (-1.0f / 6);
  const WinogradVector difference1 = (u[2] - u[1]) * (1.0f / 6);
  const WinogradVector sum2 = u[3] + u[4];
  const WinogradVector difference2 = (u[3] - u[4]) * (1.0f / 12);
  out[0] = u[0] * 0.25f + sum1 + sum2 * (1.0f / 24);
  out[1] = difference1 + difference2;
  out[2] = sum1 + sum2 * (1.0f / 6) + u[5];
}

}  // namespace omma
