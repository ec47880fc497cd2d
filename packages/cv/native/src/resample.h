// Crop, resize, pad and mirror on decoded pixels, in integers: the same bits as packages/cv/src/image/resample.ts, which says how it is done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace omma {

// One axis: target i is the sum over k < taps of weights[i * taps + k] * source[first[i] + k], in units of 2^-22.
struct AxisWeights {
  int taps = 0;
  std::vector<int32_t> first;
  std::vector<int32_t> weights;
};

// What resample.ts makes of a plan; `extent` is that of the whole picture.
AxisWeights axis_weights(double start, double length, int size, int extent, bool mirrored);

// The source elements that an axis reads: [from, to).
struct Range {
  int from;
  int to;
};
Range range_of(const AxisWeights& axis);

// Pixels of a part of a picture, channels together.
struct Pixels {
  const uint8_t* data;
  // Bytes from one row to the next.
  size_t stride;
  int channels;
  // Where in the picture the part begins.
  int left;
  int top;
  // Bytes that may be read from `data` on.
  size_t size;
};

// Writes down.first.size() rows of across.first.size() pixels to `target`. The part must hold all that the axes read.
void resample(const Pixels& source, const AxisWeights& across, const AxisWeights& down, uint8_t* target);

}  // namespace omma
