// Layouts and oneDNN memory descriptors: which layout a descriptor is, and which descriptor a layout has.
//
// Two descriptors that put the same elements in the same order are the same layout here, however oneDNN spells them
// (nchw and nChw8c with H = W = 1, for example), so that no reorder is made where none is needed.
#pragma once

#include <map>
#include <string>

#include "onednn_compat.h"
#include "tensor.h"

namespace omma {

// One shape of a value in memory: its element type there, and its layout.
struct Form {
  DType dtype;
  Layout layout;
  bool operator==(const Form& other) const { return dtype == other.dtype && layout == other.layout; }
  bool operator!=(const Form& other) const { return !(*this == other); }
};

onednn::dtype onednnType(DType type);
DType fromOnednnType(onednn::dtype type);
onednn::desc plainDesc(const Shape& shape, DType type);

// A table of the opaque layouts met so far. One a device; used on its worker thread only.
class Layouts {
 public:
  Layout layoutOf(const onednn::desc& desc);
  Form formOf(const onednn::desc& desc) { return {fromOnednnType(onednn::dtypeOf(desc)), layoutOf(desc)}; }
  onednn::desc descOf(const Form& form, const Shape& shape) const;
  size_t bytesOf(const Form& form, const Shape& shape) const;
  // True for opaque layouts that hold more elements than the shape has. Plain kernels never see them.
  bool isPadded(const Layout& layout) const;
  // `layout`, or Plain when it is the same order for this shape.
  static Layout normalised(const Layout& layout, const Shape& shape);

 private:
  struct Opaque {
    onednn::desc desc;
    std::map<DType, onednn::desc> others;
    bool padded;
  };
  std::map<std::string, int> ids_;
  std::vector<Opaque> opaque_;
};

}  // namespace omma
