#include "carrier.h"

#include <cmath>
#include <cstring>

#include "failure.h"

namespace omma::atc {

using onnx::AttributeProto;
using onnx::TensorProto;

namespace {

float fromBfloat16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float out;
  std::memcpy(&out, &wide, sizeof out);
  return out;
}

float fromFloat16(uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff;
  float magnitude;
  if (exponent == 0x1f) magnitude = fraction == 0 ? INFINITY : NAN;
  else if (exponent == 0) magnitude = std::ldexp(static_cast<float>(fraction), -24);
  else magnitude = std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

void widen(TensorProto& tensor) {
  if (!isNarrow(tensor.data_type())) return;
  if (tensor.data_location() == TensorProto::EXTERNAL) throw innerError("Tensor " + tensor.name() + " with external data is not in this simulator.");
  std::vector<uint16_t> bits;
  if (tensor.raw_data().empty()) {
    for (int32_t each : tensor.int32_data()) bits.push_back(static_cast<uint16_t>(each));
  } else {
    bits.resize(tensor.raw_data().size() / sizeof(uint16_t));
    std::memcpy(bits.data(), tensor.raw_data().data(), bits.size() * sizeof(uint16_t));
  }
  std::vector<float> wide;
  for (uint16_t each : bits) wide.push_back(tensor.data_type() == TensorProto::FLOAT16 ? fromFloat16(each) : fromBfloat16(each));
  tensor.clear_int32_data();
  tensor.set_data_type(TensorProto::FLOAT);
  tensor.set_raw_data(wide.data(), wide.size() * sizeof(float));
}

void widen(onnx::ValueInfoProto& value) {
  if (isNarrow(value.type().tensor_type().elem_type())) value.mutable_type()->mutable_tensor_type()->set_elem_type(TensorProto::FLOAT);
}

}  // namespace

onnx::GraphProto carrier(const onnx::GraphProto& graph) {
  onnx::GraphProto out = graph;
  out.clear_value_info();
  for (auto& input : *out.mutable_input()) widen(input);
  for (auto& output : *out.mutable_output()) widen(output);
  for (auto& tensor : *out.mutable_initializer()) widen(tensor);
  for (auto& node : *out.mutable_node()) {
    for (AttributeProto& each : *node.mutable_attribute()) {
      if (each.has_t()) widen(*each.mutable_t());
      const bool type = (node.op_type() == "Cast" && each.name() == "to") || each.name() == "dtype";
      if (type && isNarrow(static_cast<int32_t>(each.i()))) each.set_i(TensorProto::FLOAT);
    }
  }
  return out;
}

}  // namespace omma::atc
