// The inner loops of batch norm, over `steps` steps of `stride` elements, each step carrying K vectors of neighbouring elements.
//
// V is FloatWide, Float8 for what is left of whole vectors, or float at the ends. Coefficients come as K vectors too: in blocked layouts a channel
// block's coefficients repeat along the step, in the plain layout one channel's does. Sums stay in registers; the caller
// keeps runs short and adds the sums up in float64.
#pragma once

#include "simd8.h"

namespace omma {

// How the gradient of a fused ReLU is masked: by the sign of the ReLU's output, or of its input recomputed from x.
enum class Mask { None, FromOutput, FromInput };

template <typename V, int K>
struct Lanes {
  V v[K];
};

// sum += x - shift, squares += (x - shift)^2.
template <typename V, int K, typename T>
inline void sumSquares(const T* x, int64_t steps, int64_t stride, const Lanes<V, K>& shift, Lanes<V, K>& sum,
                       Lanes<V, K>& squares) {
  Lanes<V, K> s = sum, q = squares;
  for (int64_t step = 0; step < steps; step++) {
    for (int k = 0; k < K; k++) {
      const V d = loadAs<V>(x + step * stride + kLanesOf<V> * k) - shift.v[k];
      s.v[k] += d;
      q.v[k] += d * d;
    }
  }
  sum = s;
  squares = q;
}

// y = relu(x * scale + bias + residual), the last two where asked for.
template <bool Residual, bool Relu, bool Stream, typename V, int K, typename T>
inline void normalize(const T* x, const T* residual, T* y, int64_t steps, int64_t stride, const Lanes<V, K>& scale,
                      const Lanes<V, K>& bias) {
  for (int64_t step = 0; step < steps; step++) {
    for (int k = 0; k < K; k++) {
      const int64_t at = step * stride + kLanesOf<V> * k;
      V v = loadAs<V>(x + at) * scale.v[k] + bias.v[k];
      if (Residual) v += loadAs<V>(residual + at);
      if (Relu) v = v < 0.0f ? V{} : v;
      if constexpr (Stream && sizeof(V) == sizeof(FloatWide) && sizeof(T) == 4) {
        streamWide(y + at, v);
      } else {
        storeAs<V>(y + at, v);
      }
    }
  }
}

// Pointers of the backward pass; those that are not needed are null.
template <typename T>
struct GradPointers {
  const T* x;
  const T* dy;
  const T* more;  // added to dy
  const T* y;     // Mask::FromOutput
  T* masked;      // where the masked gradient is kept for the residual branch
  T* dx;

  GradPointers at(int64_t offset) const {
    const auto move = [&](auto* from) { return from == nullptr ? from : from + offset; };
    return {move(x), move(dy), move(more), move(y), move(masked), move(dx)};
  }
};

template <typename V, int K>
struct GradCoefficients {
  Lanes<V, K> mean, scale, bias;        // of the forward pass; the last two for Mask::FromInput
  Lanes<V, K> product, slope, constant;  // dx = g * product - (x - mean) * slope - constant
};

template <Mask M, bool Two, typename V, int K, typename T>
inline V maskedGradient(const GradPointers<T>& from, int64_t at, int k, V x, const GradCoefficients<V, K>& c) {
  V dy = loadAs<V>(from.dy + at);
  if (Two) dy += loadAs<V>(from.more + at);
  if (M == Mask::FromOutput) return loadAs<V>(from.y + at) > 0.0f ? dy : V{};
  if (M == Mask::FromInput) return x * c.scale.v[k] + c.bias.v[k] > 0.0f ? dy : V{};
  return dy;
}

// sum += g, products += g * (x - mean), where g is the masked gradient; g is kept if asked for.
template <Mask M, bool Keep, bool Two, typename V, int K, typename T>
inline void gradSums(const GradPointers<T>& from, int64_t steps, int64_t stride, const GradCoefficients<V, K>& c,
                     Lanes<V, K>& sum, Lanes<V, K>& products) {
  Lanes<V, K> s = sum, q = products;
  for (int64_t step = 0; step < steps; step++) {
    for (int k = 0; k < K; k++) {
      const int64_t at = step * stride + kLanesOf<V> * k;
      const V x = loadAs<V>(from.x + at);
      const V g = maskedGradient<M, Two>(from, at, k, x, c);
      if (Keep) storeAs<V>(from.masked + at, g);
      s.v[k] += g;
      q.v[k] += g * (x - c.mean.v[k]);
    }
  }
  sum = s;
  products = q;
}

template <Mask M, typename V, int K, typename T>
inline void gradInput(const GradPointers<T>& from, int64_t steps, int64_t stride, const GradCoefficients<V, K>& c) {
  for (int64_t step = 0; step < steps; step++) {
    for (int k = 0; k < K; k++) {
      const int64_t at = step * stride + kLanesOf<V> * k;
      const V x = loadAs<V>(from.x + at);
      const V g = maskedGradient<M, false>(from, at, k, x, c);
      storeAs<V>(from.dx + at, g * c.product.v[k] - (x - c.mean.v[k]) * c.slope.v[k] - c.constant.v[k]);
    }
  }
}

}  // namespace omma
