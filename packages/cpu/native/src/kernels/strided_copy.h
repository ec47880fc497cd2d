// Moves elements between two regular patterns of places: what transpose, slice, expand, tile, flip, pad and concat come down to.
#pragma once

#include <cstdint>
#include <vector>

#include "../tensor.h"

namespace omma {

// Extent, and the distance between neighbours at the source and at the target, in elements. A source stride may be 0
// (repeat) or negative (flip); target strides are positive.
struct CopyDimension {
  int64_t extent;
  int64_t from;
  int64_t to;
};

class StridedCopy {
 public:
  // Dimensions outermost first, in the order of the target.
  StridedCopy(DType dtype, const std::vector<CopyDimension>& dimensions, int64_t fromOffset = 0, int64_t toOffset = 0);
  void run(const void* from, void* to) const;

 private:
  template <typename T>
  void copy(const T* from, T* to) const;
  template <typename T>
  void copyRows(const T* from, T* to) const;
  template <typename T>
  void copyTiles(const T* from, T* to) const;

  DType dtype_;
  std::vector<CopyDimension> outer_;
  CopyDimension inner_{1, 1, 1};
  CopyDimension crossed_{1, 1, 1};  // where the innermost dimension is strided at the source: the one that is not
  int64_t fromOffset_, toOffset_, rows_ = 1;
};

// Sets `count` elements to the element whose bits are `bits`.
void fillElements(DType dtype, void* to, int64_t count, uint32_t bits);

}  // namespace omma
