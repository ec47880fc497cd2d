// See layouts.h.
#include "layouts.h"

#include <algorithm>
#include <numeric>

namespace omma {

namespace {

onednn::desc taggedDesc(const Shape& shape, DType type, onednn::tag tag) {
  return onednn::desc(shape, onednnType(type), tag);
}

// The order of elements as a list of (dimension, extent), outermost first, without extents of 1 and with neighbours of one
// dimension joined. Equal lists are equal memory.
std::vector<int64_t> orderOf(const onednn::Blocking& blocking) {
  const size_t rank = blocking.shape.size();
  std::vector<int64_t> outer = blocking.padded;
  for (size_t i = 0; i < blocking.innerDims.size(); i++) outer[blocking.innerDims[i]] /= blocking.innerSizes[i];
  std::vector<size_t> dims(rank);
  std::iota(dims.begin(), dims.end(), 0);
  std::stable_sort(dims.begin(), dims.end(),
                   [&](size_t a, size_t b) { return blocking.strides[a] > blocking.strides[b]; });
  std::vector<int64_t> order;
  const auto append = [&](int64_t dim, int64_t extent) {
    if (extent == 1) return;
    if (!order.empty() && order[order.size() - 2] == dim) {
      order.back() *= extent;
    } else {
      order.insert(order.end(), {dim, extent});
    }
  };
  for (size_t dim : dims) append(static_cast<int64_t>(dim), outer[dim]);
  for (size_t i = 0; i < blocking.innerDims.size(); i++) append(blocking.innerDims[i], blocking.innerSizes[i]);
  return order;
}

std::vector<int64_t> orderOf(const Layout& layout, const Shape& shape) {
  std::vector<std::pair<int64_t, int64_t>> parts;
  if (layout.block() != 0) {
    const int64_t block = layout.block();
    parts = {{0, shape[0]}, {1, shape[1] / block}, {2, shape[2]}, {3, shape[3]}, {1, block}};
  } else if (layout.kind == Layout::NHWC) {
    parts = {{0, shape[0]}, {2, shape[2]}, {3, shape[3]}, {1, shape[1]}};
  } else {
    for (size_t i = 0; i < shape.size(); i++) parts.emplace_back(i, shape[i]);
  }
  std::vector<int64_t> order;
  for (auto [dim, extent] : parts) {
    if (extent == 1) continue;
    if (!order.empty() && order[order.size() - 2] == dim) {
      order.back() *= extent;
    } else {
      order.insert(order.end(), {dim, extent});
    }
  }
  return order;
}

bool fits(const Layout& layout, const Shape& shape) {
  return shape.size() == 4 && (layout.block() == 0 || shape[1] % layout.block() == 0);
}

const Layout imageLayouts[] = {{Layout::Blocked8}, {Layout::Blocked16}, {Layout::NHWC}};

}  // namespace

onednn::dtype onednnType(DType type) {
  switch (type) {
    case DType::Float32:
      return onednn::dtype::f32;
    case DType::Float16:
      return onednn::dtype::f16;
    case DType::BFloat16:
      return onednn::dtype::bf16;
    case DType::Int32:
    case DType::UInt32:
      return onednn::dtype::s32;
    case DType::UInt8:
    case DType::Bool:
      return onednn::dtype::u8;
  }
  throw std::logic_error("dtype without a oneDNN type");
}

DType fromOnednnType(onednn::dtype type) {
  switch (type) {
    case onednn::dtype::f32:
      return DType::Float32;
    case onednn::dtype::f16:
      return DType::Float16;
    case onednn::dtype::bf16:
      return DType::BFloat16;
    case onednn::dtype::s32:
      return DType::Int32;
    default:
      return DType::UInt8;
  }
}

onednn::desc plainDesc(const Shape& shape, DType type) {
  if (shape.empty()) return onednn::desc({1}, onednnType(type), onednn::dims{1});
  onednn::dims strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return onednn::desc(shape, onednnType(type), strides);
}

Layout Layouts::layoutOf(const onednn::desc& desc) {
  const onednn::Blocking blocking = onednn::blockingOf(desc);
  if (!blocking.known) throw std::runtime_error("oneDNN chose a memory format that is not blocked");
  const std::vector<int64_t> order = orderOf(blocking);
  const bool padded = blocking.padded != blocking.shape;
  if (!padded) {
    if (order == orderOf(Layout{}, blocking.shape)) return {};
    for (const Layout& layout : imageLayouts) {
      if (fits(layout, blocking.shape) && order == orderOf(layout, blocking.shape)) return layout;
    }
  }
  std::string key;
  for (int64_t extent : blocking.shape) key += std::to_string(extent) + ',';
  key += '|';
  for (int64_t part : order) key += std::to_string(part) + ',';
  const DType type = fromOnednnType(onednn::dtypeOf(desc));
  auto [found, isNew] = ids_.try_emplace(key, static_cast<int>(opaque_.size()));
  if (isNew) opaque_.push_back({desc, {}, padded});
  opaque_[found->second].others.try_emplace(type, desc);
  return {Layout::Opaque, found->second};
}

onednn::desc Layouts::descOf(const Form& form, const Shape& shape) const {
  switch (form.layout.kind) {
    case Layout::Plain:
      return plainDesc(shape, form.dtype);
    case Layout::Blocked8:
      return taggedDesc(shape, form.dtype, onednn::tag::aBcd8b);
    case Layout::Blocked16:
      return taggedDesc(shape, form.dtype, onednn::tag::aBcd16b);
    case Layout::NHWC:
      return taggedDesc(shape, form.dtype, onednn::tag::acdb);
    case Layout::Opaque:
      break;
  }
  const Opaque& entry = opaque_.at(form.layout.id);
  auto found = entry.others.find(form.dtype);
  if (found != entry.others.end()) return found->second;
  onednn::desc converted;
  if (!onednn::withDtype(entry.desc, onednnType(form.dtype), converted)) {
    throw std::runtime_error(std::string("no oneDNN descriptor for this layout in ") + nameOf(form.dtype));
  }
  return converted;
}

size_t Layouts::bytesOf(const Form& form, const Shape& shape) const {
  if (isPadded(form.layout)) {
    const Opaque& entry = opaque_.at(form.layout.id);
    const size_t unit = byteSize(fromOnednnType(onednn::dtypeOf(entry.desc)));
    return entry.desc.get_size() / unit * byteSize(form.dtype);
  }
  return static_cast<size_t>(elementsOf(shape)) * byteSize(form.dtype);
}

bool Layouts::isPadded(const Layout& layout) const {
  return layout.kind == Layout::Opaque && opaque_.at(layout.id).padded;
}

Layout Layouts::normalised(const Layout& layout, const Shape& shape) {
  if (layout.isPlain() || layout.kind == Layout::Opaque) return layout;
  return fits(layout, shape) && orderOf(layout, shape) == orderOf(Layout{}, shape) ? Layout{} : layout;
}

}  // namespace omma
