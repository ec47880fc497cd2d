// The model as the simulated chip computes it: the carrier with a rounding wherever the chip's number format is narrower than float32.
//
// A rounding is Cast to float16 or bfloat16 and back. A node that computes in 16 bits gets rounded inputs, computes in float32 and has its
// output rounded: what the matrix unit does (it adds up in float32), and what vector kernels are assumed to do inside. Inputs and outputs of
// the graph keep the types of the model.
#pragma once

#include "precision.h"

namespace omma::atc {

struct PortTypes {
  std::unordered_map<std::string, int32_t> inputs, outputs;  // element type by name
};

// What becomes of numbers beyond the range of float16: the largest of it, or infinity.
struct Clipping {
  bool weights = true;   // constants: --is_weight_clip
  bool results = false;  // everything else: chips that saturate
};

// The graph inside the .om. `placements` as placeNodes gives them.
onnx::GraphProto rewrite(const onnx::GraphProto& graph, const Types& types, const std::vector<Placement>& placements, const PortTypes& ports,
                         const Clipping& clipping);

}  // namespace omma::atc
