// Transcendental functions in float32, written without branches so that the compiler vectorises the loops that call them.
//
// Stands at the bottom of the kernels: the elementwise interpreter, softmax and the random ops call these. libm is not used,
// because a call per element costs ten times the polynomial and gcc does not vectorise it without -ffast-math (which would
// also break infinities and NaN). Largest errors against float64, measured over every 37th float of the whole range, in ulp: exp 1.0,
// expm1 1.4, log and log1p 0.8, sigmoid 2.3, tanh 1.3, erf 1.0, atan 2.8, softplus 1.5, sin and cos 1.5 (up to 1e6), mish 4.1 (where
// its result is not subnormal). gelu is PyTorch's formula, whose 1 + erf(x) cancels for negative x: 4.5e-7 absolute. Polynomials are
// minimax fits (Cephes' coefficients where they exist).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace omma {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

inline float asFloat(int32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

inline int32_t asBits(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

// Nearest integer, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no fraction bits. Vectorises without SSE4.1.
inline float nearest(float x) { return (x + 12582912.0f) - 12582912.0f; }

// 2^n for n in [-126, 127].
inline float exponentBits(int32_t n) { return asFloat((n + 127) << 23); }

// e^r - 1 - r over r^2, for |r| <= ln2 / 2.
inline float expTail(float r) {
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  return p * r + 5.0000001201e-1f;
}

constexpr float kLog2e = 1.44269504088896341f;
constexpr float kLn2High = 0.693359375f;
constexpr float kLn2Low = -2.12194440e-4f;

// The scale is applied in two halves, so that results down to the subnormals and up to the largest float are reached.
inline float fastExp(float x) {
  float clamped = x > 89.0f ? 89.0f : x;
  clamped = clamped < -104.0f ? -104.0f : clamped;
  const float n = nearest(clamped * kLog2e);
  const float r = (clamped - n * kLn2High) - n * kLn2Low;
  const float p = expTail(r) * (r * r) + r + 1.0f;
  const int32_t whole = static_cast<int32_t>(n);
  const int32_t half = whole >> 1;
  const float y = p * exponentBits(half) * exponentBits(whole - half);
  return x != x ? x : y;
}

// e^x - 1 without cancellation near zero.
inline float fastExpm1(float x) {
  float clamped = x > 89.0f ? 89.0f : x;
  clamped = clamped < -18.0f ? -18.0f : clamped;
  const float n = nearest(clamped * kLog2e);
  const float r = (clamped - n * kLn2High) - n * kLn2Low;
  const float p = expTail(r) * (r * r) + r;
  // e^x - 1 = 2^n (p + 1) - 1 = 2^n p + (2^n - 1), and 2^n - 1 is exact while it matters. 2^128 is reached in two steps.
  const int32_t whole = static_cast<int32_t>(n);
  const int32_t half = whole >> 1;
  const float a = exponentBits(half), b = exponentBits(whole - half);
  const float big = (p + 1.0f) * a * b - 1.0f;
  const float scale = whole > 100 ? 1.0f : a * b;
  const float small = p * scale + (scale - 1.0f);
  const float y = whole > 24 ? big : small;
  return x != x ? x : y;
}

// log(1 + f) for 1 + f in [sqrt(1/2), sqrt(2)], without the leading f - f^2/2.
inline float logTail(float f) {
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  return p * f * f * f;
}

// log of a finite positive number whose logarithm is wanted together with a small relative correction `c`: log(x) + c.
inline float logCore(float x, float c) {
  const bool tiny = x < 1.17549435e-38f;
  const float scaled = tiny ? x * 16777216.0f : x;
  // Subtracting the bits of sqrt(1/2) makes the mantissa land in [sqrt(1/2), sqrt(2)).
  const int32_t shifted = asBits(scaled) - 0x3f3504f3;
  const int32_t exponent = shifted >> 23;
  const float f = asFloat((shifted & 0x007fffff) + 0x3f3504f3) - 1.0f;
  const float n = static_cast<float>(tiny ? exponent - 24 : exponent);
  float y = logTail(f) + n * kLn2Low;
  y = y + c - 0.5f * f * f;
  return (y + f) + n * kLn2High;
}

inline float fastLog(float x) {
  float y = logCore(x, 0.0f);
  y = x == kInfinity ? kInfinity : y;
  y = x == 0.0f ? -kInfinity : y;
  return x < 0.0f || x != x ? kNaN : y;
}

// log(1 + x): the rounding error of 1 + x is brought back as a relative correction.
inline float fastLog1p(float x) {
  const float u = 1.0f + x;
  const float lost = x > 1.0f ? 1.0f - (u - x) : x - (u - 1.0f);
  float y = logCore(u, lost / u);
  y = x == kInfinity ? kInfinity : y;
  y = x == -1.0f ? -kInfinity : y;
  // Below half an ulp of 1, log(1 + x) = x, and the sign of zero is kept.
  y = std::fabs(x) < 5.9e-8f ? x : y;
  return x < -1.0f || x != x ? kNaN : y;
}

inline float fastSigmoid(float x) {
  // From e^-|x|, which never overflows: 1 / (1 + e) or e / (1 + e).
  const float e = fastExp(-std::fabs(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

inline float fastTanh(float x) {
  const float a = std::fabs(x);
  // Odd polynomial below 0.625, 1 - 2 / (e^2a + 1) above.
  const float s = x * x;
  float p = -5.70498872745e-3f;
  p = p * s + 2.06390887954e-2f;
  p = p * s - 5.37397155531e-2f;
  p = p * s + 1.33314422036e-1f;
  p = p * s - 3.33332819422e-1f;
  const float small = p * s * x + x;
  const float big = 1.0f - 2.0f / (fastExp(2.0f * a) + 1.0f);
  return a < 0.625f ? small : (x < 0.0f ? -big : big);
}

// Two minimax fits (N. Juffa's): odd polynomial below 0.921875, 1 - e^(polynomial) above.
inline float fastErf(float x) {
  const float a = std::fabs(x);
  const float s = x * x;
  float q = -5.96761703e-4f;
  q = q * s + 4.99119423e-3f;
  q = q * s - 2.67681349e-2f;
  q = q * s + 1.12819925e-1f;
  q = q * s - 3.76125336e-1f;
  q = q * s + 1.28379166e-1f;
  const float small = q * x + x;
  const float c = a > 4.0f ? 4.0f : a;
  float r = -1.72853470e-5f * c + 3.83197126e-4f;
  const float u = -3.88396438e-3f * c + 2.42546219e-2f;
  r = r * (c * c) + u;
  r = r * c - 1.06777877e-1f;
  r = r * c - 6.34846687e-1f;
  r = r * c - 1.28717512e-1f;
  const float big = 1.0f - fastExp(r * c - c);
  const float y = a < 0.921875f ? small : (x < 0.0f ? -big : big);
  return x != x ? x : y;
}

// The argument is reduced in float64, where n * pi/2 is exact enough up to |x| of about 1e8.
template <bool Cosine>
inline float fastSincos(float x) {
  const double n = (static_cast<double>(x) * 0.63661977236758134308 + 6755399441055744.0) - 6755399441055744.0;
  const double reduced = (static_cast<double>(x) - n * 1.57079632679489655800) - n * 6.12323399573676603587e-17;
  const float r = static_cast<float>(reduced);
  const float s = r * r;
  const float folded = static_cast<float>(n - 4.0 * ((n * 0.25 - 0.375 + 6755399441055744.0) - 6755399441055744.0));
  const int32_t quadrant = static_cast<int32_t>(folded) + (Cosine ? 1 : 0);
  float sine = -1.9515295891e-4f;
  sine = sine * s + 8.3321608736e-3f;
  sine = sine * s - 1.6666654611e-1f;
  sine = sine * s * r + r;
  float cosine = 2.443315711809948e-5f;
  cosine = cosine * s - 1.388731625493765e-3f;
  cosine = cosine * s + 4.166664568298827e-2f;
  cosine = cosine * s * s - 0.5f * s + 1.0f;
  const float y = (quadrant & 1) ? cosine : sine;
  return (quadrant & 2) ? -y : y;
}

inline float fastSin(float x) { return fastSincos<false>(x); }
inline float fastCos(float x) { return fastSincos<true>(x); }

inline float fastAtan(float x) {
  const float a = std::fabs(x);
  const bool high = a > 2.414213562373095f;
  const bool middle = a > 0.4142135623730950f;
  const float t = high ? -1.0f / a : (middle ? (a - 1.0f) / (a + 1.0f) : a);
  const float base = high ? 1.57079632679489662f : (middle ? 0.785398163397448310f : 0.0f);
  const float s = t * t;
  float p = 8.05374449538e-2f;
  p = p * s - 1.38776856032e-1f;
  p = p * s + 1.99777106478e-1f;
  p = p * s - 3.33329491539e-1f;
  const float y = base + (p * s * t + t);
  const float limited = a == kInfinity ? 1.57079632679489662f : y;
  return x < 0.0f ? -limited : limited;
}

// log(1 + e^x), the identity above PyTorch's threshold of 20.
inline float fastSoftplus(float x) {
  const float e = fastExp(x > 20.0f ? 20.0f : x);
  return x > 20.0f ? x : fastLog1p(e);
}

// tanh(softplus(x)) = (e^2 + 2e) / (e^2 + 2e + 2) with e = e^x; equal to 1 in float32 above 20.
inline float fastMish(float x) {
  const float e = fastExp(x > 20.0f ? 20.0f : x);
  const float w = e * (e + 2.0f);
  return x > 20.0f ? x : x * (w / (w + 2.0f));
}

inline float fastGelu(float x) { return 0.5f * x * (1.0f + fastErf(x * 0.70710678118654752f)); }

inline float fastGeluTanh(float x) {
  const float inner = 0.79788456080286536f * (x + 0.044715f * x * x * x);
  return 0.5f * x * (1.0f + fastTanh(inner));
}

}  // namespace omma
