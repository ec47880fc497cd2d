// Which ops are oneDNN primitives, and what of them oneDNN does not take or does more slowly than our own kernels.
#include <unordered_map>

#include "primitives/primitive_node.h"
#include "weight_gradient/fits.h"

namespace omma {

namespace {

const std::unordered_map<std::string, PrimitiveBuilder>& builders() {
  static const std::unordered_map<std::string, PrimitiveBuilder> table = {
      {"conv2d", makeConvolution},
      {"fusedConv2d", makeConvolution},
      {"conv2dInputGrad", makeConvolutionInputGrad},
      {"conv2dWeightGrad", makeConvolutionWeightGrad},
      {"matmul", makeMatmul},
      {"linear", makeMatmul},
      {"maxPool2d", makePooling},
      {"maxPool2dGrad", makePoolingGrad},
      {"avgPool2d", makePooling},
      {"avgPool2dGrad", makePoolingGrad},
  };
  return table;
}

// oneDNN divides by the whole window where padding counts, PyTorch by what of it lies inside the padded image.
bool windowsLeaveThePadding(const NodeSpec& node) {
  const bool isGrad = node.op == "avgPool2dGrad";
  const Shape& src = isGrad ? node.outputs[0].shape : node.inputs[0].shape;
  const Shape& dst = isGrad ? node.inputs[0].shape : node.outputs[0].shape;
  const auto kernel = node.attrs.at("kernel").integers();
  const auto stride = node.attrs.at("stride").integers();
  const auto padding = node.attrs.at("padding").integers();
  for (int i = 0; i < 2; i++) {
    const int64_t end = (dst[2 + i] - 1) * stride[i] + kernel[i];
    if (end > src[2 + i] + padding[i] + padding[2 + i]) return true;
  }
  return false;
}

}  // namespace

PrimitiveBuilder primitiveBuilder(const std::string& op) {
  auto found = builders().find(op);
  return found == builders().end() ? nullptr : found->second;
}

std::string refusePrimitive(const NodeSpec& node) {
  const bool takesOne = node.op == "maxPool2d" || node.op == "avgPool2d" || node.op == "avgPool2dGrad";
  if (node.inputs.size() < (takesOne ? 1 : 2) || node.outputs.size() != 1) return "wrong number of operands";
  for (const TensorSpec& input : node.inputs) {
    if (!isFloat(input.dtype)) return std::string("no oneDNN kernel for ") + nameOf(input.dtype);
    if (input.elements() == 0) return "empty tensor";
  }
  if (node.op == "matmul" && (node.inputs[0].shape.size() < 2 || node.inputs[1].shape.size() < 2)) {
    return "matmul of vectors";
  }
  if (packedWeightGradientFits(node)) return "the packed kernel is faster";
  if (node.op == "linear" && node.inputs[1].shape.size() != 2) return "weight is not a matrix";
  const bool average = node.op == "avgPool2d" || node.op == "avgPool2dGrad";
  if (average && node.attrs.at("countIncludePad").boolean() && windowsLeaveThePadding(node)) {
    return "windows beyond the padding";
  }
  return "";
}

}  // namespace omma
