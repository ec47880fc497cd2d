// Max and average pooling, forward and backward. A backward max pooling reads the workspace of its forward.
#include "layouts.h"
#include "primitives/primitive_node.h"

namespace omma {

namespace {

using onednn::desc;
using onednn::dims;

onednn::Window windowOf(const Attribute& attrs, const Shape& src, const Shape& dst) {
  onednn::Window w;
  w.kernel = attrs.at("kernel").integers();
  w.stride = attrs.at("stride").integers();
  const Attribute* dilation = attrs.find("dilation");
  w.dilation = dilation == nullptr ? dims{1, 1} : dilation->integers();
  const std::vector<int64_t> padding = attrs.at("padding").integers();
  w.padBegin = {padding[0], padding[1]};
  for (int i = 0; i < 2; i++) {
    const int64_t extent = (w.kernel[i] - 1) * w.dilation[i] + 1;
    w.padEnd.push_back((dst[2 + i] - 1) * w.stride[i] + extent - src[2 + i] - w.padBegin[i]);
  }
  for (int64_t& d : w.dilation) d -= 1;
  return w;
}

bool isMax(const std::string& op) { return op == "maxPool2d" || op == "maxPool2dGrad"; }

dnnl::algorithm algorithmOf(const NodeSpec& spec) {
  if (isMax(spec.op)) return dnnl::algorithm::pooling_max;
  return spec.attrs.at("countIncludePad").boolean() ? dnnl::algorithm::pooling_avg_include_padding
                                                    : dnnl::algorithm::pooling_avg_exclude_padding;
}

// The source in the layout in which it lies: pooling is bound by memory, so it follows its neighbours.
desc followed(const PrimitiveContext& context, size_t index, const Shape& shape, DType type) {
  if (index < context.offered.size() && onednn::dtypeOf(context.offered[index]) == onednnType(type)) {
    return context.offered[index];
  }
  return plainDesc(shape, type);
}

onednn::PoolingForward::primitive_desc forwardDesc(const NodeSpec& spec, const PrimitiveContext& context,
                                                   dnnl::prop_kind prop, const Shape& srcShape, const Shape& dstShape,
                                                   const desc& src, DType type) {
  return onednn::poolingForward(context.engine, prop, algorithmOf(spec), src,
                                desc(dstShape, onednnType(type), onednn::tag::any),
                                windowOf(spec.attrs, srcShape, dstShape), userScratchpad());
}

}  // namespace

PrimitiveNode makePooling(const NodeSpec& spec, const PrimitiveContext& context) {
  const Shape& srcShape = spec.inputs[0].shape;
  const Shape& dstShape = spec.outputs[0].shape;
  return withFallback(spec.inputs[0].dtype, [&](DType type) {
    const auto prop =
        context.wantWorkspace ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const auto pd =
        forwardDesc(spec, context, prop, srcShape, dstShape, followed(context, 0, srcShape, type), type);
    PrimitiveNode node;
    node.primitive = onednn::PoolingForward(pd);
    node.inputs = {{DNNL_ARG_SRC, 0, pd.src_desc()}};
    node.outputs = {{DNNL_ARG_DST, 0, pd.dst_desc()}};
    if (context.wantWorkspace && isMax(spec.op)) {
      node.hasWorkspace = true;
      node.workspace = pd.workspace_desc();
    }
    node.scratchpad = pd.scratchpad_desc();
    node.implementation = pd.impl_info_str();
    return node;
  });
}

// maxPool2dGrad(x, dy), avgPool2dGrad(dy). offered[0] is how the forward's source lay.
PrimitiveNode makePoolingGrad(const NodeSpec& spec, const PrimitiveContext& context) {
  const size_t gradIndex = isMax(spec.op) ? 1 : 0;
  const Shape& srcShape = spec.outputs[0].shape;
  const Shape& dstShape = spec.inputs[gradIndex].shape;
  return withFallback(spec.outputs[0].dtype, [&](DType type) {
    desc src = followed(context, 0, srcShape, type);
    const auto forward =
        forwardDesc(spec, context, dnnl::prop_kind::forward_training, srcShape, dstShape, src, type);
    const auto pd = onednn::poolingBackward(context.engine, algorithmOf(spec), forward.src_desc(), forward.dst_desc(),
                                            windowOf(spec.attrs, srcShape, dstShape), forward, userScratchpad());
    PrimitiveNode node;
    node.primitive = onednn::PoolingBackward(pd);
    node.inputs = {{DNNL_ARG_DIFF_DST, gradIndex, pd.diff_dst_desc()}};
    node.outputs = {{DNNL_ARG_DIFF_SRC, 0, pd.diff_src_desc()}};
    if (isMax(spec.op)) {
      node.hasWorkspace = true;
      node.workspace = pd.workspace_desc();
    }
    node.scratchpad = pd.scratchpad_desc();
    node.implementation = pd.impl_info_str();
    return node;
  });
}

}  // namespace omma
