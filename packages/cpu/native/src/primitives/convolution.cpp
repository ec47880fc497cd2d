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

// How a convolution's images may lie: as oneDNN likes best for this primitive alone, or in blocks of 16 channels where it can.
//
// With AVX-512 oneDNN has equally fast kernels for blocks and for NHWC, but answers `any` with NHWC forward and with blocks
// backward. A ResNet-50 step then reorders its activations 160 times, and batch norm, whose groups of channels are whole pieces of
// memory only in blocks, takes twice as long: 1.11 s a step in place of 0.90 s (float32), 0.74 in place of 0.63 (bfloat16). AMX
// multiplies 16-bit numbers in NHWC only, so those are left to oneDNN there.
enum class ImageLayout { Any, Blocked };

bool prefersBlocks(const Geometry& g, DType type) {
  const auto isa = dnnl::get_effective_cpu_isa();
  if (isa < dnnl::cpu_isa::avx512_core) return false;
  if (type != DType::Float32 && isa >= dnnl::cpu_isa::avx512_core_amx) return false;
  return g.groups == 1 || (g.groups == g.src[1] && g.groups == g.dst[1]);
}

desc imageDesc(const dims& shape, DType type, ImageLayout layout) {
  if (layout == ImageLayout::Any || shape[1] % 16 != 0) return anyDesc(shape, type);
  return desc(shape, onednnType(type), onednn::tag::aBcd16b);
}

// make(layout) gives a primitive descriptor. Blocks are taken only where oneDNN has a kernel of its own for them, not its plain loops.
template <typename Make>
auto withImageLayout(const Geometry& g, DType type, Make make) -> decltype(make(ImageLayout::Any)) {
  if (prefersBlocks(g, type)) {
    try {
      auto pd = make(ImageLayout::Blocked);
      if (std::string(pd.impl_info_str()).compare(0, 3, "ref") != 0) return pd;
    } catch (const dnnl::error& error) {
      if (error.status != dnnl_unimplemented) throw;
    }
  }
  return make(ImageLayout::Any);
}

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

dnnl::convolution_forward::primitive_desc forwardHint(const Geometry& g, DType type, ImageLayout layout,
                                                     const PrimitiveContext& context) {
  return onednn::convolutionForward(context.engine, dnnl::prop_kind::forward_training, imageDesc(g.src, type, layout),
                                    anyDesc(g.weights, type), nullptr, imageDesc(g.dst, type, layout), g.window,
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
    const auto pd = withImageLayout(g, type, [&](ImageLayout layout) {
      return onednn::convolutionForward(context.engine, dnnl::prop_kind::forward_inference, imageDesc(g.src, type, layout),
                                        anyDesc(g.weights, type), hasBias ? &bias : nullptr,
                                        imageDesc(g.dst, type, layout), g.window, attr);
    });
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
    const auto pd = withImageLayout(g, type, [&](ImageLayout layout) {
      return onednn::convolutionBackwardData(context.engine, imageDesc(g.src, type, layout), anyDesc(g.weights, type),
                                             imageDesc(g.dst, type, layout), g.window,
                                             forwardHint(g, type, layout, context), userScratchpad());
    });
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
    const auto pd = withImageLayout(g, type, [&](ImageLayout layout) {
      return onednn::convolutionBackwardWeights(context.engine, imageDesc(g.src, type, layout),
                                                anyDesc(g.weights, DType::Float32), imageDesc(g.dst, type, layout),
                                                g.window, forwardHint(g, type, layout, context), userScratchpad());
    });
    PrimitiveNode node;
    node.primitive = dnnl::convolution_backward_weights(pd);
    node.inputs = {{DNNL_ARG_SRC, 0, pd.src_desc()}, {DNNL_ARG_DIFF_DST, 1, pd.diff_dst_desc()}};
    node.outputs = {{DNNL_ARG_DIFF_WEIGHTS, 0, pd.diff_weights_desc()}};
    finish(node, pd, g);
    return node;
  });
}

}  // namespace omma
