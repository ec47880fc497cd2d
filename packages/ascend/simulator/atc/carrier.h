// The carrier of a model: the same graph with float32 in place of float16 and bfloat16.
//
// ONNX Runtime's CPU provider has few kernels for 16-bit types, so the simulator computes in float32 and rounds where the chip would round
// (rewrite.h). The carrier is what it computes with; types.h asks ONNX Runtime for its shapes.
#pragma once

#include "model.h"

namespace omma::atc {

onnx::GraphProto carrier(const onnx::GraphProto& graph);

}  // namespace omma::atc
