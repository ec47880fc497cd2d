// Ops that move elements: transpose, slice, sliceGrad, pad, expand, tile, flip. Row major; each is one strided copy.
// (concat, which also works in image layouts, and reflecting pads have files of their own.)
#include "convert.h"
#include "families.h"
#include "pad_reflect.h"
#include "strided.h"
#include "strided_copy.h"

namespace omma {
namespace {

class CopyKernel : public Kernel {
 public:
  explicit CopyKernel(StridedCopy copy) : copy_(std::move(copy)) {}
  void run(const RunArguments& arguments) override { copy_.run(arguments.inputs[0], arguments.outputs[0]); }

 private:
  StridedCopy copy_;
};

// Fills the output, then copies the input to its place.
class PlaceKernel : public Kernel {
 public:
  PlaceKernel(const TensorSpec& output, StridedCopy copy, double value)
      : output_(output), copy_(std::move(copy)), bits_(elementBits(output.dtype, value)) {}
  void run(const RunArguments& arguments) override {
    fillElements(output_.dtype, arguments.outputs[0], output_.elements(), bits_);
    copy_.run(arguments.inputs[0], arguments.outputs[0]);
  }

 private:
  TensorSpec output_;
  StridedCopy copy_;
  uint32_t bits_;
};

std::unique_ptr<Kernel> createTranspose(const NodeSpec& node) {
  const std::vector<int64_t> from = rowMajorStrides(node.inputs[0].shape), to = rowMajorStrides(node.outputs[0].shape);
  const std::vector<int64_t> permutation = node.attrs.at("permutation").integers();
  std::vector<CopyDimension> dimensions;
  for (size_t axis = 0; axis < permutation.size(); axis++) {
    dimensions.push_back({node.outputs[0].shape[axis], from[permutation[axis]], to[axis]});
  }
  return std::make_unique<CopyKernel>(StridedCopy(node.inputs[0].dtype, dimensions));
}

std::unique_ptr<Kernel> createSlice(const NodeSpec& node) {
  const std::vector<int64_t> from = rowMajorStrides(node.inputs[0].shape), to = rowMajorStrides(node.outputs[0].shape);
  const std::vector<int64_t> starts = node.attrs.at("starts").integers(), steps = node.attrs.at("steps").integers();
  std::vector<CopyDimension> dimensions;
  int64_t offset = 0;
  for (size_t axis = 0; axis < starts.size(); axis++) {
    dimensions.push_back({node.outputs[0].shape[axis], from[axis] * steps[axis], to[axis]});
    offset += starts[axis] * from[axis];
  }
  return std::make_unique<CopyKernel>(StridedCopy(node.inputs[0].dtype, dimensions, offset));
}

std::unique_ptr<Kernel> createSliceGrad(const NodeSpec& node) {
  const std::vector<int64_t> from = rowMajorStrides(node.inputs[0].shape), to = rowMajorStrides(node.outputs[0].shape);
  const std::vector<int64_t> starts = node.attrs.at("starts").integers(), steps = node.attrs.at("steps").integers();
  std::vector<CopyDimension> dimensions;
  int64_t offset = 0;
  for (size_t axis = 0; axis < starts.size(); axis++) {
    dimensions.push_back({node.inputs[0].shape[axis], from[axis], to[axis] * steps[axis]});
    offset += starts[axis] * to[axis];
  }
  return std::make_unique<PlaceKernel>(node.outputs[0], StridedCopy(node.inputs[0].dtype, dimensions, 0, offset), 0.0);
}

std::unique_ptr<Kernel> createPad(const NodeSpec& node) {
  std::vector<int64_t> before;
  for (const Attribute& pair : node.attrs.at("pads").list()) before.push_back(pair.integers().at(0));
  if (node.attrs.at("mode").string() == "reflect") return createPadReflect(node, before);
  const std::vector<int64_t> from = rowMajorStrides(node.inputs[0].shape), to = rowMajorStrides(node.outputs[0].shape);
  std::vector<CopyDimension> dimensions;
  int64_t offset = 0;
  for (size_t axis = 0; axis < before.size(); axis++) {
    dimensions.push_back({node.inputs[0].shape[axis], from[axis], to[axis]});
    offset += before[axis] * to[axis];
  }
  const double value = node.attrs.at("value").number();
  return std::make_unique<PlaceKernel>(node.outputs[0], StridedCopy(node.inputs[0].dtype, dimensions, 0, offset), value);
}

std::unique_ptr<Kernel> createExpand(const NodeSpec& node) {
  const Shape &source = node.inputs[0].shape, &target = node.outputs[0].shape;
  const std::vector<int64_t> from = rowMajorStrides(source), to = rowMajorStrides(target);
  const size_t missing = target.size() - source.size();
  std::vector<CopyDimension> dimensions;
  for (size_t axis = 0; axis < target.size(); axis++) {
    const bool repeats = axis < missing || source[axis - missing] == 1;
    dimensions.push_back({target[axis], repeats ? 0 : from[axis - missing], to[axis]});
  }
  return std::make_unique<CopyKernel>(StridedCopy(node.inputs[0].dtype, dimensions));
}

std::unique_ptr<Kernel> createTile(const NodeSpec& node) {
  const Shape& source = node.inputs[0].shape;
  const std::vector<int64_t> from = rowMajorStrides(source), to = rowMajorStrides(node.outputs[0].shape);
  const std::vector<int64_t> repeats = node.attrs.at("repeats").integers();
  std::vector<CopyDimension> dimensions;
  for (size_t axis = 0; axis < source.size(); axis++) {
    dimensions.push_back({repeats[axis], 0, to[axis] * source[axis]});
    dimensions.push_back({source[axis], from[axis], to[axis]});
  }
  return std::make_unique<CopyKernel>(StridedCopy(node.inputs[0].dtype, dimensions));
}

std::unique_ptr<Kernel> createFlip(const NodeSpec& node) {
  const Shape& shape = node.inputs[0].shape;
  const std::vector<int64_t> strides = rowMajorStrides(shape);
  std::vector<bool> flipped(shape.size(), false);
  for (int64_t axis : node.attrs.at("axes").integers()) flipped[axis] = true;
  std::vector<CopyDimension> dimensions;
  int64_t offset = 0;
  for (size_t axis = 0; axis < shape.size(); axis++) {
    dimensions.push_back({shape[axis], flipped[axis] ? -strides[axis] : strides[axis], strides[axis]});
    if (flipped[axis]) offset += (shape[axis] - 1) * strides[axis];
  }
  return std::make_unique<CopyKernel>(StridedCopy(node.inputs[0].dtype, dimensions, offset));
}

}  // namespace

void registerViews(KernelTable& table) {
  table.add("transpose", {nullptr, nullptr, createTranspose, nullptr});
  table.add("slice", {nullptr, nullptr, createSlice, nullptr});
  table.add("sliceGrad", {nullptr, nullptr, createSliceGrad, nullptr});
  table.add("pad", {nullptr, nullptr, createPad, nullptr});
  table.add("expand", {nullptr, nullptr, createExpand, nullptr});
  table.add("tile", {nullptr, nullptr, createTile, nullptr});
  table.add("flip", {nullptr, nullptr, createFlip, nullptr});
}

}  // namespace omma
