// Convolutions: forward (with bias, residual and activation fused), gradient by input, gradient by weight.
#include <algorithm>

#include "layouts.h"
#include "primitives/activation.h"
#include "primitives/primitive_node.h"

namespace omma {

namespace {

using onednn::desc;
using onednn::dims;

struct Geometry {
  dims src, weights, dst;
  onednn::Window window;
  int64_t groups;
};

Geometry geometryOf(const Attribute& attrs, const Shape& src, const Shape& weights, const Shape& dst) {
  Geometry g;
  g.src = src;
  g.dst = dst;
  g.groups = attrs.at("groups").integer();
  g.weights = weights;
  if (g.groups != 1) {
    g.weights = {g.groups, weights[0] / g.groups, weights[1], weights[2], weights[3]};
  }
  const std::vector<int64_t> padding = attrs.at("padding").integers();
  g.window.kernel = {weights[2], weights[3]};
  g.window.stride = attrs.at("stride").integers();
  g.window.dilation = attrs.at("dilation").integers();
  g.window.padBegin = {padding[0], padding[1]};
  g.window.padEnd = {padding[2], padding[3]};
  for (int64_t& d : g.window.dilation) d -= 1;
  return g;
}

desc anyDesc(const dims& shape, DType type) { return desc(shape, onednnType(type), onednn::tag::any); }

double flopsOf(const Geometry& g) {
  double flops = 2.0 * static_cast<double>(elementsOf(g.dst));
  return flops * static_cast<double>(elementsOf(g.weights)) / static_cast<double>(g.dst[1]);
}

template <typename Pd>
void finish(PrimitiveNode& node, const Pd& pd, const Geometry& g) {
  node.scratchpad = pd.scratchpad_desc();
  node.implementation = pd.impl_info_str();
  node.flops = flopsOf(g);
}

dnnl::convolution_forward::primitive_desc forwardHint(const Geometry& g, DType type, const PrimitiveContext& context) {
  return onednn::convolutionForward(context.engine, dnnl::prop_kind::forward_training, anyDesc(g.src, type),
                                    anyDesc(g.weights, type), nullptr, anyDesc(g.dst, type), g.window,
                                    userScratchpad());
}

}  // namespace

// conv2d(x, w, b?) and fusedConv2d(x, w, b?, residual?) {bias, residual, activation}: y = activation(conv + bias + residual)
PrimitiveNode makeConvolution(const NodeSpec& spec, const PrimitiveContext& context) {
  const bool fused = spec.op == "fusedConv2d";
  const bool hasBias = fused ? spec.attrs.at("bias").boolean() : spec.inputs.size() > 2;
  const bool hasResidual = fused && spec.attrs.at("residual").boolean();
  const Geometry g = geometryOf(spec.attrs, spec.inputs[0].shape, spec.inputs[1].shape, spec.outputs[0].shape);

  dnnl::primitive_attr attr = userScratchpad();
  dnnl::post_ops ops;
  if (hasResidual) ops.append_sum(1.f);
  if (fused) appendActivation(ops, spec.attrs.at("activation"));
  if (ops.len() > 0) attr.set_post_ops(ops);

  return withFallback(spec.outputs[0].dtype, [&](DType type) {
    const desc bias({g.dst[1]}, onednnType(DType::Float32), onednn::tag::a);
    const auto pd = onednn::convolutionForward(context.engine, dnnl::prop_kind::forward_inference, anyDesc(g.src, type),
                                               anyDesc(g.weights, type), hasBias ? &bias : nullptr,
                                               anyDesc(g.dst, type), g.window, attr);
    PrimitiveNode node;
    node.primitive = dnnl::convolution_forward(pd);
    node.inputs = {{DNNL_ARG_SRC, 0, pd.src_desc()}, {DNNL_ARG_WEIGHTS, 1, pd.weights_desc()}};
    if (hasBias) node.inputs.push_back({DNNL_ARG_BIAS, 2, pd.bias_desc()});
    node.outputs = {{DNNL_ARG_DST, 0, pd.dst_desc()}};
    if (hasResidual) node.accumulatesInto = hasBias ? 3 : 2;
    finish(node, pd, g);
    return node;
  });
}

// conv2dInputGrad(dy, w)
PrimitiveNode makeConvolutionInputGrad(const NodeSpec& spec, const PrimitiveContext& context) {
  const Geometry g = geometryOf(spec.attrs, spec.outputs[0].shape, spec.inputs[1].shape, spec.inputs[0].shape);
  return withFallback(spec.outputs[0].dtype, [&](DType type) {
    const auto pd = onednn::convolutionBackwardData(context.engine, anyDesc(g.src, type), anyDesc(g.weights, type),
                                                    anyDesc(g.dst, type), g.window, forwardHint(g, type, context),
                                                    userScratchpad());
    PrimitiveNode node;
    node.primitive = dnnl::convolution_backward_data(pd);
    node.inputs = {{DNNL_ARG_DIFF_DST, 0, pd.diff_dst_desc()}, {DNNL_ARG_WEIGHTS, 1, pd.weights_desc()}};
    node.outputs = {{DNNL_ARG_DIFF_SRC, 0, pd.diff_src_desc()}};
    finish(node, pd, g);
    return node;
  });
}

// conv2dWeightGrad(x, dy) -> float32
PrimitiveNode makeConvolutionWeightGrad(const NodeSpec& spec, const PrimitiveContext& context) {
  const Geometry g = geometryOf(spec.attrs, spec.inputs[0].shape, spec.outputs[0].shape, spec.inputs[1].shape);
  return withFallback(spec.inputs[0].dtype, [&](DType type) {
    const auto pd = onednn::convolutionBackwardWeights(
        context.engine, anyDesc(g.src, type), anyDesc(g.weights, DType::Float32), anyDesc(g.dst, type), g.window,
        forwardHint(g, type, context), userScratchpad());
    PrimitiveNode node;
    node.primitive = dnnl::convolution_backward_weights(pd);
    node.inputs = {{DNNL_ARG_SRC, 0, pd.src_desc()}, {DNNL_ARG_DIFF_DST, 1, pd.diff_dst_desc()}};
    node.outputs = {{DNNL_ARG_DIFF_WEIGHTS, 0, pd.diff_weights_desc()}};
    finish(node, pd, g);
    return node;
  });
}

}  // namespace omma
