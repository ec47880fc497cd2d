// One axis of a sampling position that comes from data: the pixels inside of the image that it reads, their weights, and the
// derivatives of the weights. Grid sampling and deformable convolution share it; a point is one of these down and one across.
#pragma once

#include <cmath>
#include <cstdint>

namespace omma {

struct SampleTaps {
  int32_t count = 0;
  int32_t index[4];
  float weight[4];
  float slope[4];  // d weight / d coordinate

  void add(int64_t pixel, int64_t extent, float w, float s) {
    if (pixel < 0 || pixel >= extent) return;
    index[count] = static_cast<int32_t>(pixel);
    weight[count] = w;
    slope[count++] = s;
  }
};

struct SamplePoint {
  SampleTaps down, across;
};

// The two pixels around a position, which moves by `slope` with its coordinate. A position that is not a number has none.
inline SampleTaps linearTaps(float position, float slope, int64_t extent) {
  SampleTaps taps;
  if (!(position > -2 && position < static_cast<float>(extent + 1))) return taps;
  const float low = std::floor(position), rest = position - low;
  taps.add(static_cast<int64_t>(low), extent, 1 - rest, -slope);
  taps.add(static_cast<int64_t>(low) + 1, extent, rest, slope);
  return taps;
}

}  // namespace omma
