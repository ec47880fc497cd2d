// Walks over tensors whose order in memory differs: dimensions in memory order, strides, and their merging.
//
// A layout is only an order: [N, C/8, H, W, 8] for Blocked8. Seen as dimensions in memory order, every layout is row major, and
// any operand that broadcasts against it has plain strides along those dimensions. All kernels that broadcast, reduce or move
// elements use this one view.
#pragma once

#include <cstdint>
#include <vector>

#include "../tensor.h"

namespace omma {

// One dimension in memory order: its extent, and which logical axis it steps along, by how much.
struct MemoryDimension {
  int64_t extent;
  int axis;
  int64_t step;
};

// The dimensions of `shape` in the order of `layout`, outermost first. Not for Opaque.
std::vector<MemoryDimension> memoryDimensions(const Shape& shape, const Layout& layout);

// Row-major strides of the logical axes.
std::vector<int64_t> rowMajorStrides(const Shape& shape);

struct StridedDimension {
  int64_t extent;
  int64_t stride;
};

// Along the memory dimensions of a value, the strides of an operand that broadcasts to it (right-aligned, row major; 0 where its
// extent is 1), neighbours merged where one stride covers both, extents of 1 dropped.
std::vector<StridedDimension> broadcastStrides(const Shape& operand, const Shape& shape, const Layout& layout);

// Merges neighbouring dimensions that one stride covers, and drops extents of 1.
std::vector<StridedDimension> mergeDimensions(const std::vector<StridedDimension>& dimensions);

}  // namespace omma
