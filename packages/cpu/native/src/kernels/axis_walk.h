// An index tensor over a data tensor of the same rank, seen from one axis: [outer, extent, inner], and where the other
// coordinates of an index element lie in the data.
//
// The index may be shorter than the data on any axis (torch.gather's rule). Where it is not, outer and inner coordinates are plain
// multiples and no table is kept.
#pragma once

#include <cstdint>
#include <vector>

#include "../tensor.h"

namespace omma {

class AxisWalk {
 public:
  AxisWalk(const Shape& data, const Shape& index, int64_t axis)
      : outer(product(index, 0, axis)), extent(index[axis]), inner(product(index, axis + 1, index.size())),
        dataExtent(data[axis]), dataInner(product(data, axis + 1, data.size())) {
    if (!same(data, index, 0, axis)) outerPlaces_ = places(data, index, 0, axis);
    if (!same(data, index, axis + 1, index.size())) innerPlaces_ = places(data, index, axis + 1, index.size());
  }

  const int64_t outer, extent, inner;
  const int64_t dataExtent, dataInner;

  // First data element of an outer coordinate.
  int64_t outerPlace(int64_t o) const { return (outerPlaces_.empty() ? o : outerPlaces_[o]) * dataExtent * dataInner; }
  int64_t innerPlace(int64_t j) const { return innerPlaces_.empty() ? j : innerPlaces_[j]; }

 private:
  static int64_t product(const Shape& shape, size_t from, size_t to) {
    int64_t count = 1;
    for (size_t axis = from; axis < to; axis++) count *= shape[axis];
    return count;
  }

  static bool same(const Shape& a, const Shape& b, size_t from, size_t to) {
    for (size_t axis = from; axis < to; axis++) {
      if (a[axis] != b[axis]) return false;
    }
    return true;
  }

  // Row-major places in the data's axes [from, to) of each coordinate of the index's.
  static std::vector<int64_t> places(const Shape& data, const Shape& index, size_t from, size_t to) {
    std::vector<int64_t> result{0};
    for (size_t axis = from; axis < to; axis++) {
      std::vector<int64_t> longer;
      longer.reserve(result.size() * index[axis]);
      for (int64_t place : result) {
        for (int64_t i = 0; i < index[axis]; i++) longer.push_back(place * data[axis] + i);
      }
      result = std::move(longer);
    }
    return result;
  }

  std::vector<int64_t> outerPlaces_, innerPlaces_;
};

}  // namespace omma
