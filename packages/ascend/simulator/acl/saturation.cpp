#include "saturation.h"

#include <cstdint>

namespace sim {

namespace {

constexpr int32_t kOnnxFloat16 = 10;
constexpr uint16_t kSign = 0x8000, kExponent = 0x7c00, kMantissa = 0x03ff, kLargest = 0x7bff;

uint16_t saturated(uint16_t bits) {
  if ((bits & kExponent) != kExponent) return bits;
  const bool isNan = (bits & kMantissa) != 0;
  return isNan ? bits : static_cast<uint16_t>((bits & kSign) | kLargest);
}

}  // namespace

void saturate(const std::vector<omma::ort::Tensor>& outputs) {
  for (const omma::ort::Tensor& output : outputs) {
    if (output.elementType != kOnnxFloat16) continue;
    auto* values = static_cast<uint16_t*>(output.data);
    for (size_t i = 0; i < output.bytes / sizeof(uint16_t); i++) values[i] = saturated(values[i]);
  }
}

}  // namespace sim
