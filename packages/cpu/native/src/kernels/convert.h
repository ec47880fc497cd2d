// Element types of memory as C++ types that convert to and from float32, and the switch from a DType to them.
//
// Kernels compute in float32; what lies in memory may be bfloat16 or float16. Rounding is to nearest, ties to even, the same
// bits as core's half.ts. Loops that must be fast convert eight at a time (simd8.h).
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#if defined(__F16C__)
#include <immintrin.h>
#endif

#include "../tensor.h"
#include "math.h"

namespace omma {

struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  explicit BFloat16(float value) {
    uint32_t pattern = static_cast<uint32_t>(asBits(value));
    const uint32_t rounded = (pattern + 0x7fffu + ((pattern >> 16) & 1u)) >> 16;
    bits = static_cast<uint16_t>(value != value ? 0x7fc0u : rounded);
  }
  operator float() const { return asFloat(static_cast<int32_t>(static_cast<uint32_t>(bits) << 16)); }
};

struct Float16 {
  uint16_t bits;
  Float16() = default;
#if defined(__F16C__)
  explicit Float16(float value) : bits(static_cast<uint16_t>(_cvtss_sh(value, 0))) {}
  operator float() const { return _cvtsh_ss(bits); }
#else
  explicit Float16(float value) {
    const _Float16 half = static_cast<_Float16>(value);
    std::memcpy(&bits, &half, 2);
  }
  operator float() const {
    _Float16 half;
    std::memcpy(&half, &bits, 2);
    return static_cast<float>(half);
  }
#endif
};

// Calls `body` with a value of the C++ type that stores `type`: with(type, [&](auto zero) { using T = decltype(zero); ... }).
template <typename Body>
auto withFloat(DType type, Body&& body) {
  switch (type) {
    case DType::Float32:
      return body(float{});
    case DType::BFloat16:
      return body(BFloat16{});
    case DType::Float16:
      return body(Float16{});
    default:
      throw std::runtime_error("a float type was expected");
  }
}

template <typename Body>
auto withNumber(DType type, Body&& body) {
  switch (type) {
    case DType::Int32:
      return body(int32_t{});
    case DType::UInt32:
      return body(uint32_t{});
    case DType::UInt8:
    case DType::Bool:
      return body(uint8_t{});
    default:
      return withFloat(type, body);
  }
}

// For kernels that move elements without looking at them: an unsigned integer of the element's width.
template <typename Body>
auto withWidth(DType type, Body&& body) {
  switch (byteSize(type)) {
    case 1:
      return body(uint8_t{});
    case 2:
      return body(uint16_t{});
    default:
      return body(uint32_t{});
  }
}

// The bits of `value` as an element of `type`, in the low bytes.
inline uint32_t elementBits(DType type, double value) {
  uint32_t bits = 0;
  switch (type) {
    case DType::Float32:
      return static_cast<uint32_t>(asBits(static_cast<float>(value)));
    case DType::BFloat16:
      return BFloat16(static_cast<float>(value)).bits;
    case DType::Float16:
      return Float16(static_cast<float>(value)).bits;
    case DType::Int32:
      bits = static_cast<uint32_t>(static_cast<int32_t>(value));
      return bits;
    case DType::UInt32:
      return static_cast<uint32_t>(value);
    case DType::UInt8:
      return static_cast<uint8_t>(value);
    case DType::Bool:
      return value != 0 ? 1 : 0;
  }
  return bits;
}

}  // namespace omma
