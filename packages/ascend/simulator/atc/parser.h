// What CANN's ONNX parser does before any compiling: it refuses models that it cannot take apart, names unnamed nodes, drops inputs that are
// constants, chooses outputs (ascend.md 0.1, 3.2, 4.1).
#pragma once

#include "model.h"
#include "operators.h"
#include "options.h"

namespace omma::atc {

// One output of the compiled model.
struct OutputPort {
  std::string value;  // name in the graph
  std::string name;   // node:index:value, or node:index when --out_nodes chose it
};

struct ParsedModel {
  onnx::ModelProto model;  // its graph has the real inputs only, the chosen outputs, no dead nodes
  std::vector<OutputPort> outputs;
};

// The key under which a node's operator would have to be registered ("ai.onnx::17::Gelu") if it is not; empty if it is.
std::string unregistered(const onnx::ModelProto& model, const onnx::NodeProto& node, const OperatorTable& table);

// Throws Failure E16001, E16002, E16004, E16005, E13009, E10016.
ParsedModel parseModel(onnx::ModelProto model, const OperatorTable& table, const Options& options);

// The dims of each input: what --input_shape says, else what the model says; -1 where gears decide. Throws Failure E10016, E10049, E10001.
std::unordered_map<std::string, Dims> inputDims(const onnx::GraphProto& graph, const Options& options);

}  // namespace omma::atc
