// Ops along one axis of a row-major tensor see it as [outer, extent, inner].
#pragma once

#include "../kernel.h"

namespace omma {

struct AxisView {
  int64_t outer = 1;
  int64_t extent = 1;
  int64_t inner = 1;

  AxisView(const Shape& shape, int64_t axis) {
    for (int64_t i = 0; i < static_cast<int64_t>(shape.size()); i++) {
      (i < axis ? outer : i == axis ? extent : inner) *= shape[i];
    }
  }
  int64_t lines() const { return outer * inner; }
  // The first element of a line; its elements lie `inner` apart.
  int64_t start(int64_t line) const { return line / inner * extent * inner + line % inner; }
};

}  // namespace omma
