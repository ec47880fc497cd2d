#include "elements.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hccl {

namespace {

struct Type {
  const char* name;
  size_t size;
};

constexpr Type kTypes[] = {{"INT8", 1},   {"INT16", 2}, {"INT32", 4},  {"FP16", 2},   {"FP32", 4}, {"INT64", 8},  {"UINT64", 8},
                           {"UINT8", 1},  {"UINT16", 2}, {"UINT32", 4}, {"FP64", 8},   {"BFP16", 2}, {"INT128", 16}};
constexpr const char* kOps[] = {"SUM", "PROD", "MAX", "MIN"};

bool exists(HcclDataType type) { return type >= 0 && type <= kInt128; }

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct Bfloat16 {
  uint16_t bits;
  static float decode(Bfloat16 x) { return floatOf(static_cast<uint32_t>(x.bits) << 16); }
  static Bfloat16 encode(float value) {
    if (std::isnan(value)) return {0x7fc0};
    const uint32_t bits = bitsOf(value);
    return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
  }
};

struct Float16 {
  uint16_t bits;
  static float decode(Float16 x) {
    const float sign = (x.bits & 0x8000) != 0 ? -1.0f : 1.0f;
    const int exponent = (x.bits >> 10) & 0x1f;
    const int fraction = x.bits & 0x3ff;
    if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
    if (exponent == 31) return fraction == 0 ? sign * INFINITY : NAN;
    return sign * std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  static Float16 encode(float value) {
    if (std::isnan(value)) return {0x7e00};
    const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    const float magnitude = std::fabs(value);
    if (magnitude >= 65520.0f) return {static_cast<uint16_t>(sign | 0x7c00)};
    // nearbyint rounds to nearest even; a carry out of the fraction moves into the exponent by itself.
    if (magnitude < 0x1p-14f) return {static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(std::ldexp(magnitude, 24))))};
    const int exponent = std::ilogb(magnitude);
    const auto fraction = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
    return {static_cast<uint16_t>(sign | (((exponent + 15) << 10) + fraction - 1024))};
  }
};

template <typename T>
T combined(T a, T b, HcclReduceOp op) {
  switch (op) {
    case kSum:
      return static_cast<T>(a + b);
    case kProd:
      return static_cast<T>(a * b);
    case kMax:
      return std::max(a, b);
    default:
      return std::min(a, b);
  }
}

template <typename T>
void combineAs(void* total, const void* part, size_t count, HcclReduceOp op) {
  T* into = static_cast<T*>(total);
  const T* from = static_cast<const T*>(part);
  for (size_t i = 0; i < count; i++) into[i] = combined(into[i], from[i], op);
}

template <typename T>
void combineHalf(void* total, const void* part, size_t count, HcclReduceOp op) {
  T* into = static_cast<T*>(total);
  const T* from = static_cast<const T*>(part);
  for (size_t i = 0; i < count; i++) into[i] = T::encode(combined(T::decode(into[i]), T::decode(from[i]), op));
}

}  // namespace

size_t elementSize(HcclDataType type) { return exists(type) ? kTypes[type].size : 0; }

std::string typeName(HcclDataType type) { return exists(type) ? kTypes[type].name : std::to_string(type); }

std::string opName(HcclReduceOp op) { return op >= kSum && op <= kMin ? kOps[op] : std::to_string(op); }

std::string reductionRefusal(HcclDataType type, HcclReduceOp op, const std::string& family) {
  if (op < kSum || op > kMin) return "the operation must be SUM, PROD, MAX or MIN";
  const bool basic = type == kInt8 || type == kInt32 || type == kFp16 || type == kFp32;
  const std::string on = typeName(type) + " is not reduced on " + family;
  if (family == "Ascend910") return basic || type == kInt64 ? "" : on;
  if (family == "Ascend310P") {
    if (type == kInt16) return op == kSum ? "" : on + " by " + opName(op);
    return basic ? "" : on;
  }
  if (type == kInt16 || type == kBfp16) return op == kProd ? on + " by PROD" : "";
  return basic || type == kInt64 ? "" : on;
}

void combine(void* total, const void* part, size_t count, HcclDataType type, HcclReduceOp op) {
  switch (type) {
    case kInt8:
      return combineAs<int8_t>(total, part, count, op);
    case kInt16:
      return combineAs<int16_t>(total, part, count, op);
    case kInt32:
      // Unsigned, because a signed overflow is undefined; sums and products have the same bits. Order is another matter.
      return op == kSum || op == kProd ? combineAs<uint32_t>(total, part, count, op) : combineAs<int32_t>(total, part, count, op);
    case kInt64:
      return op == kSum || op == kProd ? combineAs<uint64_t>(total, part, count, op) : combineAs<int64_t>(total, part, count, op);
    case kFp16:
      return combineHalf<Float16>(total, part, count, op);
    case kBfp16:
      return combineHalf<Bfloat16>(total, part, count, op);
    default:
      return combineAs<float>(total, part, count, op);
  }
}

}  // namespace hccl
