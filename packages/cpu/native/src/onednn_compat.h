// Everything that differs between oneDNN 2 (2.6 and later) and oneDNN 3, behind one set of functions.
//
// Version 3 removed operation descriptors (primitive descriptors are made from the parameters directly), hid the memory
// descriptor's fields behind getters, and changed the arguments of eltwise post-ops.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

namespace omma::onednn {

using dims = dnnl::memory::dims;
using desc = dnnl::memory::desc;
using dtype = dnnl::memory::data_type;
using tag = dnnl::memory::format_tag;

struct Window {
  dims kernel, stride, dilation, padBegin, padEnd;  // dilation 0 means none, as oneDNN counts
};

// A descriptor's blocking: strides of the outer dimensions, then the inner blocks from the outermost to the innermost.
struct Blocking {
  bool known;  // false for formats that are not plain or blocked
  dims shape, padded, strides, innerSizes, innerDims;
};

#if DNNL_VERSION_MAJOR >= 3

inline Blocking blockingOf(const desc& d) {
  const bool known = d.get_format_kind() == dnnl::memory::format_kind::blocked;
  if (!known) return {false, d.get_dims(), {}, {}, {}, {}};
  return {true, d.get_dims(), d.get_padded_dims(), d.get_strides(), d.get_inner_blks(), d.get_inner_idxs()};
}
inline dtype dtypeOf(const desc& d) { return d.get_data_type(); }
// Version 3 cannot change the element type of a descriptor with inner blocks.
inline bool withDtype(const desc&, dtype, desc&) { return false; }

inline void appendEltwise(dnnl::post_ops& ops, dnnl::algorithm kind, float alpha, float beta) {
  ops.append_eltwise(kind, alpha, beta);
}
constexpr float hardSwishAlpha = 1.f / 6, hardSwishBeta = 0.5f;

inline dnnl::convolution_forward::primitive_desc convolutionForward(const dnnl::engine& engine, dnnl::prop_kind prop,
                                                                    const desc& src, const desc& weights,
                                                                    const desc* bias, const desc& dst,
                                                                    const Window& w,
                                                                    const dnnl::primitive_attr& attr) {
  const auto direct = dnnl::algorithm::convolution_direct;
  if (bias != nullptr) {
    return {engine, prop, direct, src, weights, *bias, dst, w.stride, w.dilation, w.padBegin, w.padEnd, attr};
  }
  return {engine, prop, direct, src, weights, dst, w.stride, w.dilation, w.padBegin, w.padEnd, attr};
}
inline dnnl::convolution_backward_data::primitive_desc convolutionBackwardData(
    const dnnl::engine& engine, const desc& src, const desc& weights, const desc& dst, const Window& w,
    const dnnl::convolution_forward::primitive_desc& hint, const dnnl::primitive_attr& attr) {
  return {engine,   dnnl::algorithm::convolution_direct, src,      weights, dst, w.stride, w.dilation,
          w.padBegin, w.padEnd, hint, attr};
}
inline dnnl::convolution_backward_weights::primitive_desc convolutionBackwardWeights(
    const dnnl::engine& engine, const desc& src, const desc& weights, const desc& dst, const Window& w,
    const dnnl::convolution_forward::primitive_desc& hint, const dnnl::primitive_attr& attr) {
  return {engine,   dnnl::algorithm::convolution_direct, src,      weights, dst, w.stride, w.dilation,
          w.padBegin, w.padEnd, hint, attr};
}
inline dnnl::matmul::primitive_desc matmul(const dnnl::engine& engine, const desc& a, const desc& b, const desc* bias,
                                           const desc& dst, const dnnl::primitive_attr& attr) {
  if (bias != nullptr) return {engine, a, b, *bias, dst, attr};
  return {engine, a, b, dst, attr};
}
inline dnnl::pooling_forward::primitive_desc poolingForward(const dnnl::engine& engine, dnnl::prop_kind prop,
                                                            dnnl::algorithm kind, const desc& src, const desc& dst,
                                                            const Window& w, const dnnl::primitive_attr& attr) {
  return {engine, prop, kind, src, dst, w.stride, w.kernel, w.dilation, w.padBegin, w.padEnd, attr};
}
inline dnnl::pooling_backward::primitive_desc poolingBackward(const dnnl::engine& engine, dnnl::algorithm kind,
                                                              const desc& src, const desc& dst, const Window& w,
                                                              const dnnl::pooling_forward::primitive_desc& hint,
                                                              const dnnl::primitive_attr& attr) {
  return {engine, kind, src, dst, w.stride, w.kernel, w.dilation, w.padBegin, w.padEnd, hint, attr};
}
using PoolingForward = dnnl::pooling_forward;
using PoolingBackward = dnnl::pooling_backward;

#else

inline Blocking blockingOf(const desc& d) {
  const dnnl_memory_desc_t& data = d.data;
  const auto list = [&](const dnnl_dim_t* from, int count) { return dims(from, from + count); };
  Blocking out{data.format_kind == dnnl_blocked, list(data.dims, data.ndims), list(data.padded_dims, data.ndims),
               {}, {}, {}};
  if (!out.known) return out;
  const dnnl_blocking_desc_t& blocking = data.format_desc.blocking;
  out.strides = list(blocking.strides, data.ndims);
  out.innerSizes = list(blocking.inner_blks, blocking.inner_nblks);
  out.innerDims = list(blocking.inner_idxs, blocking.inner_nblks);
  return out;
}
inline dtype dtypeOf(const desc& d) { return d.data_type(); }
inline bool withDtype(const desc& from, dtype type, desc& out) {
  out = from;
  out.data.data_type = static_cast<dnnl_data_type_t>(type);
  return true;
}

inline void appendEltwise(dnnl::post_ops& ops, dnnl::algorithm kind, float alpha, float beta) {
  ops.append_eltwise(1.f, kind, alpha, beta);
}
constexpr float hardSwishAlpha = 0, hardSwishBeta = 0;

inline dnnl::convolution_forward::primitive_desc convolutionForward(const dnnl::engine& engine, dnnl::prop_kind prop,
                                                                    const desc& src, const desc& weights,
                                                                    const desc* bias, const desc& dst,
                                                                    const Window& w,
                                                                    const dnnl::primitive_attr& attr) {
  const auto direct = dnnl::algorithm::convolution_direct;
  if (bias != nullptr) {
    return {{prop, direct, src, weights, *bias, dst, w.stride, w.dilation, w.padBegin, w.padEnd}, attr, engine};
  }
  return {{prop, direct, src, weights, dst, w.stride, w.dilation, w.padBegin, w.padEnd}, attr, engine};
}
inline dnnl::convolution_backward_data::primitive_desc convolutionBackwardData(
    const dnnl::engine& engine, const desc& src, const desc& weights, const desc& dst, const Window& w,
    const dnnl::convolution_forward::primitive_desc& hint, const dnnl::primitive_attr& attr) {
  return {{dnnl::algorithm::convolution_direct, src, weights, dst, w.stride, w.dilation, w.padBegin, w.padEnd},
          attr, engine, hint};
}
inline dnnl::convolution_backward_weights::primitive_desc convolutionBackwardWeights(
    const dnnl::engine& engine, const desc& src, const desc& weights, const desc& dst, const Window& w,
    const dnnl::convolution_forward::primitive_desc& hint, const dnnl::primitive_attr& attr) {
  return {{dnnl::algorithm::convolution_direct, src, weights, dst, w.stride, w.dilation, w.padBegin, w.padEnd},
          attr, engine, hint};
}
inline dnnl::matmul::primitive_desc matmul(const dnnl::engine& engine, const desc& a, const desc& b, const desc* bias,
                                           const desc& dst, const dnnl::primitive_attr& attr) {
  if (bias != nullptr) return {{a, b, *bias, dst}, attr, engine};
  return {{a, b, dst}, attr, engine};
}
inline dnnl::pooling_v2_forward::primitive_desc poolingForward(const dnnl::engine& engine, dnnl::prop_kind prop,
                                                               dnnl::algorithm kind, const desc& src, const desc& dst,
                                                               const Window& w, const dnnl::primitive_attr& attr) {
  return {{prop, kind, src, dst, w.stride, w.kernel, w.dilation, w.padBegin, w.padEnd}, attr, engine};
}
inline dnnl::pooling_v2_backward::primitive_desc poolingBackward(const dnnl::engine& engine, dnnl::algorithm kind,
                                                                 const desc& src, const desc& dst, const Window& w,
                                                                 const dnnl::pooling_v2_forward::primitive_desc& hint,
                                                                 const dnnl::primitive_attr& attr) {
  return {{kind, src, dst, w.stride, w.kernel, w.dilation, w.padBegin, w.padEnd}, attr, engine, hint};
}
using PoolingForward = dnnl::pooling_v2_forward;
using PoolingBackward = dnnl::pooling_v2_backward;

#endif

}  // namespace omma::onednn
