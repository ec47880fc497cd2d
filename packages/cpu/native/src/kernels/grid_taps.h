// Taps of a coordinate in [-1, 1] for grid sampling: modes, padding and alignment as torch.nn.functional.grid_sample.
#pragma once

#include <cstdint>

#include "../attributes.h"
#include "sample_taps.h"

namespace omma {

class GridTaps {
 public:
  explicit GridTaps(const Attribute& attrs);
  SampleTaps of(float coordinate, int64_t extent) const;

 private:
  enum class Mode { Bilinear, Nearest, Bicubic };
  enum class Padding { Zeros, Border, Reflection };
  // In pixels, and how it moves with the coordinate.
  struct Position {
    float value, slope;
  };

  Position bounded(Position position, int64_t extent) const;
  SampleTaps cubic(Position position, int64_t extent) const;

  Mode mode_;
  Padding padding_;
  bool alignCorners_;
};

}  // namespace omma
