// The element type and the shape of every value of a model, for one set of input shapes.
//
// Shapes come from ONNX Runtime, which loads the carrier with every value declared an output: one implementation of ONNX's inference, and
// a check of the model at once. Which 16-bit type a value has is settled here, over the model as it was written.
#pragma once

#include <unordered_map>

#include "model.h"

namespace omma::atc {

struct ValueType {
  int32_t elementType = 0;  // of the model as written
  Dims dims;
};

using Types = std::unordered_map<std::string, ValueType>;

// `inputDims` by name of the input. Throws Failure when ONNX Runtime refuses the model, when a shape cannot be known beforehand, when a
// value has no elements, when a node mixes floating types.
Types inferTypes(const onnx::ModelProto& model, const std::unordered_map<std::string, Dims>& inputDims);

}  // namespace omma::atc
