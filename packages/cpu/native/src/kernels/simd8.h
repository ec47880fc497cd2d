// Eight float32 lanes at a time, from and to any float type; with AVX-512 also sixteen, for the kernels that 16-bit types would otherwise
// bind to their conversions (batch norm: half the time in bfloat16).
//
// For the kernels that keep accumulators in registers (batch norm, pooling, reductions), where leaving it to the auto-vectoriser
// costs spills. GCC's vector extension is used, not intrinsics: it compiles to AVX2, AVX-512VL, NEON or plain code alike.
#pragma once

#include <cstdint>
#include <cstring>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "convert.h"

namespace omma {

typedef float Float8 __attribute__((vector_size(32)));
typedef int32_t Int8 __attribute__((vector_size(32)));
typedef uint32_t UInt8x32 __attribute__((vector_size(32)));
typedef uint16_t UInt8x16 __attribute__((vector_size(16)));

inline Float8 splat8(float value) { return Float8{value, value, value, value, value, value, value, value}; }

inline Float8 load8(const float* from) {
  Float8 v;
  std::memcpy(&v, from, 32);
  return v;
}

inline Float8 load8(const BFloat16* from) {
  UInt8x16 halves;
  std::memcpy(&halves, from, 16);
  return reinterpret_cast<Float8>(__builtin_convertvector(halves, UInt8x32) << 16);
}

inline void store8(float* to, Float8 v) { std::memcpy(to, &v, 32); }

#if defined(__AVX512BF16__) && defined(__AVX512VL__)
// One instruction; it flushes subnormals to zero, which the plain code keeps.
inline void store8(BFloat16* to, Float8 v) {
  const __m128bh halves = _mm256_cvtneps_pbh(reinterpret_cast<__m256>(v));
  std::memcpy(to, &halves, 16);
}
#else
inline void store8(BFloat16* to, Float8 v) {
  const UInt8x32 bits = reinterpret_cast<UInt8x32>(v);
  const UInt8x32 rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const UInt8x32 kept = v == v ? rounded : (UInt8x32{} + 0x7fc0u);
#if defined(__AVX2__)
  // gcc narrows with a shuffle and a permutation a half; packing takes two instructions for both.
  const __m256i words = reinterpret_cast<__m256i>(kept);
  const __m128i halves = _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
#else
  const UInt8x16 halves = __builtin_convertvector(kept, UInt8x16);
#endif
  std::memcpy(to, &halves, 16);
}
#endif

#if defined(__F16C__)
inline Float8 load8(const Float16* from) {
  return reinterpret_cast<Float8>(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}
inline void store8(Float16* to, Float8 v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(reinterpret_cast<__m256>(v), 0));
}
#else
inline Float8 load8(const Float16* from) {
  Float8 v;
  for (int i = 0; i < 8; i++) v[i] = from[i];
  return v;
}
inline void store8(Float16* to, Float8 v) {
  for (int i = 0; i < 8; i++) to[i] = Float16(v[i]);
}
#endif

// Stores past the caches, for outputs that are too large to be found there again: the line need not be read first, which
// is a third of the traffic of a kernel that reads one operand. float32 only: a 16-bit kernel is bound by its conversions, and
// half-line stores slow it down (measured: 8 ms instead of 7 for a norm of 26 MB). `to` must be aligned to the vector's size in memory. Where the processor
// has no such store it is an ordinary one.
#if defined(__AVX__)
inline void stream8(float* to, Float8 v) { _mm256_stream_ps(to, reinterpret_cast<__m256>(v)); }
// Makes streamed data visible to other threads; before the end of the parallel region that streamed.
inline void endStream() { _mm_sfence(); }
#else
inline void stream8(float* to, Float8 v) { store8(to, v); }
inline void endStream() {}
#endif

// Outputs from this size on do not stay in a last-level cache until their reader comes.
constexpr size_t kStreamBytes = size_t{20} << 20;

// Sixteen lanes where the processor has them, else eight again.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
typedef float FloatWide __attribute__((vector_size(64)));

inline FloatWide loadWide(const float* from) { return reinterpret_cast<FloatWide>(_mm512_loadu_ps(from)); }
inline FloatWide loadWide(const BFloat16* from) {
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return reinterpret_cast<FloatWide>(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
inline FloatWide loadWide(const Float16* from) {
  return reinterpret_cast<FloatWide>(_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
}
inline void storeWide(float* to, FloatWide v) { _mm512_storeu_ps(to, reinterpret_cast<__m512>(v)); }
template <typename T>
inline void storeWide(T* to, FloatWide v) {
  Float8 low, high;
  std::memcpy(&low, &v, 32);
  std::memcpy(&high, reinterpret_cast<const char*>(&v) + 32, 32);
  store8(to, low);
  store8(to + 8, high);
}
#if defined(__AVX512BF16__)
inline void storeWide(BFloat16* to, FloatWide v) {
  const __m256bh halves = _mm512_cvtneps_pbh(reinterpret_cast<__m512>(v));
  std::memcpy(to, &halves, 32);
}
#endif
inline void streamWide(float* to, FloatWide v) { _mm512_stream_ps(to, reinterpret_cast<__m512>(v)); }
#else
using FloatWide = Float8;

template <typename T>
inline FloatWide loadWide(const T* from) {
  return load8(from);
}
template <typename T>
inline void storeWide(T* to, FloatWide v) {
  store8(to, v);
}
inline void streamWide(float* to, FloatWide v) { stream8(to, v); }
#endif

// Lanes of a vector, or 1.
template <typename V>
constexpr int kLanesOf = sizeof(V) / sizeof(float);

// Comparisons give all bits set where true.
inline Float8 max8(Float8 a, Float8 b) { return a > b ? a : b; }

// The same code for a vector and, at the ends of rows, for one element: V is FloatWide, Float8 or float.
template <typename V, typename T>
inline V loadAs(const T* from) {
  if constexpr (sizeof(V) == 4) {
    return static_cast<float>(*from);
  } else if constexpr (sizeof(V) == sizeof(FloatWide)) {
    return loadWide(from);
  } else {
    return load8(from);
  }
}

template <typename V, typename T>
inline void storeAs(T* to, V v) {
  if constexpr (sizeof(V) == 4) {
    *to = static_cast<T>(v);
  } else if constexpr (sizeof(V) == sizeof(FloatWide)) {
    storeWide(to, v);
  } else {
    store8(to, v);
  }
}

template <typename V>
inline V splatAs(float value) {
  if constexpr (sizeof(V) == 4) {
    return value;
  } else {
    V v;
    for (int lane = 0; lane < kLanesOf<V>; lane++) v[lane] = value;
    return v;
  }
}

// Whole arrays. gcc 12 vectorises neither conversion to a 16-bit type by itself.
template <typename T>
inline void loadFloats(const T* from, float* to, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) store8(to + i, load8(from + i));
  for (; i < count; i++) to[i] = static_cast<float>(from[i]);
}

template <typename T>
inline void storeFloats(const float* from, T* to, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) store8(to + i, load8(from + i));
  for (; i < count; i++) to[i] = static_cast<T>(from[i]);
}

inline float sum8(Float8 v) { return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])); }

}  // namespace omma
