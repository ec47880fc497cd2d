// See reduce.h.
#include "reduce.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include "omma_collectives.h"

namespace omma {

namespace {

struct Sum {
  template <typename T>
  static T of(T a, T b) {
    return static_cast<T>(a + b);
  }
};
struct Product {
  template <typename T>
  static T of(T a, T b) {
    return static_cast<T>(a * b);
  }
};
// A NaN on any rank is a NaN on all, so that an overflow is seen everywhere.
struct Maximum {
  template <typename T>
  static T of(T a, T b) {
    return a != a ? a : (b > a || b != b ? b : a);
  }
};
struct Minimum {
  template <typename T>
  static T of(T a, T b) {
    return a != a ? a : (b < a || b != b ? b : a);
  }
};

// Numbers as they lie in memory, and as they are combined.
template <typename T>
struct Plain {
  using Stored = T;
  static T load(T value) { return value; }
  static T store(T value) { return value; }
};

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

struct BFloat16 {
  using Stored = uint16_t;
  static float load(uint16_t value) { return fromBits(static_cast<uint32_t>(value) << 16); }
  static uint16_t store(float value) {
    const uint32_t bits = bitsOf(value);
    if (value != value) return static_cast<uint16_t>(bits >> 16 | 0x40);
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
};

struct Float16 {
  using Stored = uint16_t;
  static float load(uint16_t half) {
    const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
    const uint32_t exponent = half >> 10 & 0x1f;
    const uint32_t fraction = half & 0x3ff;
    if (exponent == 31) return fromBits(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0) return (sign != 0 ? -1.0f : 1.0f) * std::ldexp(static_cast<float>(fraction), -24);
    return fromBits(sign | (exponent + 112) << 23 | fraction << 13);
  }
  static uint16_t store(float value) {
    const uint32_t bits = bitsOf(value);
    const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
    const float magnitude = std::fabs(value);
    if (value != value) return sign | 0x7e00;
    if (magnitude >= 65520.0f) return sign | 0x7c00;
    // Below the smallest normal number: a whole number of 2^-24, rounded by the processor.
    if (magnitude < 6.103515625e-05f) return static_cast<uint16_t>(sign | static_cast<int>(std::nearbyint(std::ldexp(magnitude, 24))));
    const uint32_t rounded = (bits & 0x7fffffff) + 0xfff + (bits >> 13 & 1);
    return static_cast<uint16_t>(sign | ((rounded >> 13) - (112 << 10)));
  }
};

template <typename Kind, typename Op>
void combine(void* c, const void* a, const void* b, size_t count) {
  using Stored = typename Kind::Stored;
  auto* to = static_cast<Stored*>(c);
  const auto* x = static_cast<const Stored*>(a);
  const auto* y = static_cast<const Stored*>(b);
  for (size_t i = 0; i < count; i++) to[i] = Kind::store(Op::of(Kind::load(x[i]), Kind::load(y[i])));
}

template <typename Kind>
ReduceFunction byOp(int op) {
  switch (op) {
    case OMMA_SUM:
      return combine<Kind, Sum>;
    case OMMA_PROD:
      return combine<Kind, Product>;
    case OMMA_MAX:
      return combine<Kind, Maximum>;
    case OMMA_MIN:
      return combine<Kind, Minimum>;
    default:
      throw std::runtime_error("unknown reduction " + std::to_string(op));
  }
}

}  // namespace

ReduceFunction reduceFunction(int dtype, int op) {
  switch (dtype) {
    case OMMA_FLOAT32:
      return byOp<Plain<float>>(op);
    case OMMA_FLOAT16:
      return byOp<Float16>(op);
    case OMMA_BFLOAT16:
      return byOp<BFloat16>(op);
    case OMMA_INT32:
      return byOp<Plain<int32_t>>(op);
    case OMMA_UINT32:
      return byOp<Plain<uint32_t>>(op);
    case OMMA_UINT8:
    case OMMA_BOOL:
      return byOp<Plain<uint8_t>>(op);
    default:
      throw std::runtime_error("unknown dtype " + std::to_string(dtype));
  }
}

}  // namespace omma
