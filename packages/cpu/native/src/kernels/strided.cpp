#include "strided.h"

#include <stdexcept>

namespace omma {

std::vector<MemoryDimension> memoryDimensions(const Shape& shape, const Layout& layout) {
  std::vector<MemoryDimension> result;
  const int block = layout.block();
  if (layout.kind == Layout::Plain) {
    for (size_t axis = 0; axis < shape.size(); axis++) result.push_back({shape[axis], static_cast<int>(axis), 1});
  } else if (layout.kind == Layout::NHWC) {
    result = {{shape[0], 0, 1}, {shape[2], 2, 1}, {shape[3], 3, 1}, {shape[1], 1, 1}};
  } else if (block > 0) {
    result = {{shape[0], 0, 1}, {shape[1] / block, 1, block}, {shape[2], 2, 1}, {shape[3], 3, 1}, {block, 1, 1}};
  } else {
    throw std::runtime_error("an opaque layout has no dimensions");
  }
  return result;
}

std::vector<int64_t> rowMajorStrides(const Shape& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

std::vector<StridedDimension> mergeDimensions(const std::vector<StridedDimension>& dimensions) {
  std::vector<StridedDimension> merged;
  for (const StridedDimension& next : dimensions) {
    if (next.extent == 1) continue;
    if (!merged.empty() && merged.back().stride == next.stride * next.extent) {
      merged.back() = {merged.back().extent * next.extent, next.stride};
    } else {
      merged.push_back(next);
    }
  }
  return merged;
}

std::vector<StridedDimension> broadcastStrides(const Shape& operand, const Shape& shape, const Layout& layout) {
  const std::vector<int64_t> strides = rowMajorStrides(operand);
  const size_t missing = shape.size() - operand.size();
  std::vector<StridedDimension> dimensions;
  for (const MemoryDimension& dimension : memoryDimensions(shape, layout)) {
    const size_t axis = static_cast<size_t>(dimension.axis);
    const bool repeats = axis < missing || operand[axis - missing] == 1;
    dimensions.push_back({dimension.extent, repeats ? 0 : strides[axis - missing] * dimension.step});
  }
  return mergeDimensions(dimensions);
}

}  // namespace omma
