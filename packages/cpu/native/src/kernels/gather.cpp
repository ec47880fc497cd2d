// gather and indexSelect: elements, or whole slices, from places along an axis.
//
// They move bits without looking at them.
#include <cstring>

#include "axis_walk.h"
#include "convert.h"
#include "index.h"
#include "index_check.h"
#include "parallel.h"

namespace omma {
namespace {

template <typename W>
class Gather : public Kernel {
 public:
  explicit Gather(const NodeSpec& node) : walk_(node.inputs[0].shape, node.inputs[1].shape, node.attrs.at("axis").integer()) {}

  void run(const RunArguments& arguments) override {
    const W* x = arguments.input<W>(0);
    const int32_t* index = arguments.input<int32_t>(1);
    W* y = arguments.output<W>(0);
    checkIndices(index, walk_.outer * walk_.extent * walk_.inner, walk_.dataExtent);
    parallelFor(walk_.outer * walk_.extent, walk_.inner, [&](int64_t row) {
      const W* from = x + walk_.outerPlace(row / walk_.extent);
      for (int64_t j = 0, at = row * walk_.inner; j < walk_.inner; j++, at++) {
        y[at] = from[index[at] * walk_.dataInner + walk_.innerPlace(j)];
      }
    });
  }

 private:
  AxisWalk walk_;
};

class IndexSelect : public Kernel {
 public:
  explicit IndexSelect(const NodeSpec& node)
      : extent_(node.inputs[0].shape[node.attrs.at("axis").integer()]), count_(node.inputs[1].elements()) {
    const Shape& shape = node.inputs[0].shape;
    const size_t axis = static_cast<size_t>(node.attrs.at("axis").integer());
    for (size_t i = 0; i < axis; i++) outer_ *= shape[i];
    for (size_t i = axis + 1; i < shape.size(); i++) inner_ *= shape[i];
    slice_ = inner_ * static_cast<int64_t>(byteSize(node.inputs[0].dtype));
  }

  void run(const RunArguments& arguments) override {
    const char* x = arguments.input<char>(0);
    const int32_t* index = arguments.input<int32_t>(1);
    char* y = arguments.output<char>(0);
    checkIndices(index, count_, extent_);
    parallelFor(outer_ * count_, inner_, [&](int64_t row) {
      const int64_t from = row / count_ * extent_ + index[row % count_];
      std::memcpy(y + row * slice_, x + from * slice_, static_cast<size_t>(slice_));
    });
  }

 private:
  int64_t extent_, count_, outer_ = 1, inner_ = 1, slice_;
};

}  // namespace

std::unique_ptr<Kernel> createGather(const NodeSpec& node) {
  return withWidth(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<Gather<decltype(zero)>>(node); });
}

std::unique_ptr<Kernel> createIndexSelect(const NodeSpec& node) { return std::make_unique<IndexSelect>(node); }

}  // namespace omma
