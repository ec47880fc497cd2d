// A graph node as one oneDNN primitive: the primitive, and which operand it wants in which memory format.
//
// Builders choose formats (`format_tag::any` wherever oneDNN may choose) and leave reorders to the planner. When oneDNN lacks a
// primitive for 16-bit floats on this processor, builders make it for float32; the operands' formats then say float32, and the
// planner converts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernel.h"
#include "onednn_compat.h"

namespace omma {

struct PrimitivePort {
  int arg;             // DNNL_ARG_...
  size_t index;        // which input or output of the node
  onednn::desc desc;
};

struct PrimitiveNode {
  dnnl::primitive primitive;
  std::vector<PrimitivePort> inputs;
  std::vector<PrimitivePort> outputs;
  // The residual of a sum post-op: this input is overwritten by output 0. -1: none.
  int accumulatesInto = -1;
  // Pooling keeps the places of its maxima for the backward pass.
  onednn::desc workspace;
  bool hasWorkspace = false;
  onednn::desc scratchpad;
  std::string implementation;
  double flops = 0;
  // Keeps the forward descriptor for a backward builder (pooling).
  dnnl::primitive_desc_base forward;
};

// What builders need besides the node.
struct PrimitiveContext {
  dnnl::engine engine;
  // Forward of a pooling pair: make it for training, with a workspace.
  bool wantWorkspace = false;
  // Layouts in which the inputs lie already, as descriptors; used where following them beats letting oneDNN choose.
  std::vector<onednn::desc> offered;
};

PrimitiveNode makeConvolution(const NodeSpec& node, const PrimitiveContext& context);
PrimitiveNode makeConvolutionInputGrad(const NodeSpec& node, const PrimitiveContext& context);
PrimitiveNode makeConvolutionWeightGrad(const NodeSpec& node, const PrimitiveContext& context);
PrimitiveNode makeMatmul(const NodeSpec& node, const PrimitiveContext& context);
PrimitiveNode makePooling(const NodeSpec& node, const PrimitiveContext& context);
PrimitiveNode makePoolingGrad(const NodeSpec& node, const PrimitiveContext& context);

using PrimitiveBuilder = PrimitiveNode (*)(const NodeSpec&, const PrimitiveContext&);
// The builder for an op, or nullptr when oneDNN does not take it.
PrimitiveBuilder primitiveBuilder(const std::string& op);
// Empty, or why oneDNN does not take this node.
std::string refusePrimitive(const NodeSpec& node);

// Attributes every primitive has here: scratchpad given by the caller, because all primitives share one.
inline dnnl::primitive_attr userScratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

// Makes a primitive in the node's own types; where oneDNN has none for 16-bit floats, in float32.
template <typename Make>
auto withFallback(DType type, Make make) -> decltype(make(type)) {
  if (type == DType::Float32) return make(type);
  if (type == DType::Float16) return make(DType::Float32);
  try {
    return make(type);
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented) throw;
  }
  return make(DType::Float32);
}

}  // namespace omma
