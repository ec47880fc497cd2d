// matmul(a, b) {transposeA, transposeB} and linear(x, w, b?): transposes are strides, batches broadcast.
#include <algorithm>

#include "layouts.h"
#include "primitives/primitive_node.h"

namespace omma {

namespace {

using onednn::desc;
using onednn::dims;

// The operand as oneDNN sees it: rank filled up with 1 at the front, the last two dimensions swapped when transposed.
desc operandDesc(const Shape& shape, size_t rank, bool transposed, DType type) {
  dims extents(rank, 1), strides(rank, 1);
  int64_t stride = 1;
  for (size_t i = 0; i < rank; i++) {
    const size_t to = rank - 1 - i;
    const int64_t extent = i < shape.size() ? shape[shape.size() - 1 - i] : 1;
    extents[to] = extent;
    strides[to] = stride;
    stride *= extent;
  }
  if (transposed) {
    std::swap(extents[rank - 1], extents[rank - 2]);
    std::swap(strides[rank - 1], strides[rank - 2]);
  }
  return desc(extents, onednnType(type), strides);
}

PrimitiveNode build(const Shape& aShape, const Shape& bShape, const Shape& outShape, bool transposeA, bool transposeB,
                    bool hasBias, DType out, DType in, const PrimitiveContext& context) {
  const size_t rank = std::max({aShape.size(), bShape.size(), size_t{2}});
  return withFallback(in, [&](DType type) {
    const desc a = operandDesc(aShape, rank, transposeA, type);
    const desc b = operandDesc(bShape, rank, transposeB, type);
    const desc dst = operandDesc(outShape, rank, false, type == DType::Float32 ? DType::Float32 : out);
    dims biasShape(rank, 1), biasStrides(rank, outShape.back());
    biasShape[rank - 1] = outShape.back();
    biasStrides[rank - 1] = 1;
    const desc bias(biasShape, onednnType(DType::Float32), biasStrides);
    const auto pd = onednn::matmul(context.engine, a, b, hasBias ? &bias : nullptr, dst, userScratchpad());
    PrimitiveNode node;
    node.primitive = dnnl::matmul(pd);
    node.inputs = {{DNNL_ARG_SRC, 0, a}, {DNNL_ARG_WEIGHTS, 1, b}};
    if (hasBias) node.inputs.push_back({DNNL_ARG_BIAS, 2, bias});
    node.outputs = {{DNNL_ARG_DST, 0, dst}};
    node.scratchpad = pd.scratchpad_desc();
    node.implementation = pd.impl_info_str();
    const int64_t depth = transposeA ? aShape[aShape.size() - 2] : aShape.back();
    node.flops = 2.0 * static_cast<double>(elementsOf(outShape)) * static_cast<double>(depth);
    return node;
  });
}

}  // namespace

PrimitiveNode makeMatmul(const NodeSpec& spec, const PrimitiveContext& context) {
  const Shape& a = spec.inputs[0].shape;
  const Shape& b = spec.inputs[1].shape;
  const Shape& out = spec.outputs[0].shape;
  const DType outType = spec.outputs[0].dtype;
  if (spec.op == "matmul") {
    return build(a, b, out, spec.attrs.at("transposeA").boolean(), spec.attrs.at("transposeB").boolean(), false, outType,
                 spec.inputs[0].dtype, context);
  }
  // linear: all leading dimensions of x are rows of one matrix.
  const Shape rows = {elementsOf(a) / a.back(), a.back()};
  const Shape flat = {elementsOf(out) / out.back(), out.back()};
  return build(rows, b, flat, false, true, spec.inputs.size() > 2, outType, spec.inputs[0].dtype, context);
}

}  // namespace omma
