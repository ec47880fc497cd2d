// How Winograd's kernels cut images into tiles, and the transform of their input, which the convolution and the gradient of its weight have in common.
// A tile is a 4x4 piece of output; `place` is one of the 36 positions in transformed space.
#pragma once

#include <omp.h>

#include <algorithm>

#include "winograd/products.h"
#include "winograd/transforms.h"

namespace omma {

constexpr int kPlaces = 36;

// Working memory for one group of tiles: stays in a third-level cache of a few megabytes a core.
constexpr size_t kGroupBytes = size_t{6} << 20;

inline int64_t roundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

// How tiles are grouped, and how the transformed tensors of a group lie: [36][group][channels], with 16 floats between rows and between
// places. Without them rows lie a power of two apart, and fall into a few sets of the first-level cache: 40 % slower at 256 channels.
struct Tiling {
  int64_t rows, columns, count, group;

  Tiling(const WinogradShape& s)
      : rows((s.outHeight + 3) / 4), columns((s.outWidth + 3) / 4), count(s.images * rows * columns) {
    const int64_t bytes = kPlaces * (s.inChannels + roundUp(s.outChannels, kColumns)) * static_cast<int64_t>(sizeof(float));
    const int64_t fitting = std::max<int64_t>(64, static_cast<int64_t>(kGroupBytes) / bytes);
    const int64_t groups = (count + fitting - 1) / fitting;
    group = roundUp((count + groups - 1) / groups, kRows);
  }
  bool isOneGroup() const { return group >= count; }
  static int64_t rowStride(int64_t channels) { return channels + 16; }
  int64_t placeStride(int64_t channels) const { return group * rowStride(channels) + 16; }
  int64_t elements(int64_t channels) const { return kPlaces * placeStride(channels); }
};

// Which image and which corner a tile has.
struct Corner {
  int64_t image, top, left;
  Corner(const Tiling& tiling, int64_t tile) {
    image = tile / (tiling.rows * tiling.columns);
    const int64_t rest = tile % (tiling.rows * tiling.columns);
    top = rest / tiling.columns * 4;
    left = rest % tiling.columns * 4;
  }
};

// Transforms the 6x6 input piece of one tile and channel block. `plane` is that block's image [H, W, V]; `out` its element at place 0, and
// `stride` what lies between places.
inline void transformInputTile(const WinogradShape& s, const Corner& corner, const float* plane, float* out, int64_t stride) {
  Vector rows[6][6];
  const int64_t top = corner.top - s.padTop;
  const int64_t left = corner.left - s.padLeft;
  const bool inside = top >= 0 && left >= 0 && top + 6 <= s.height && left + 6 <= s.width;
  for (int column = 0; column < 6; column++) {
    Vector d[6];
    const int64_t x = left + column;
    for (int row = 0; row < 6; row++) {
      const int64_t y = top + row;
      const bool there = inside || (y >= 0 && y < s.height && x >= 0 && x < s.width);
      d[row] = there ? load(plane + (y * s.width + x) * kBlock) : zero();
    }
    Vector t[6];
    winogradInput(d, t);
    for (int row = 0; row < 6; row++) rows[row][column] = t[row];
  }
  for (int row = 0; row < 6; row++) {
    Vector t[6];
    winogradInput(rows[row], t);
    for (int column = 0; column < 6; column++) store(out + (row * 6 + column) * stride, t[column]);
  }
}

// Inputs of the tiles [first, first + count) to `out` [36][group][C].
inline void transformInput(const WinogradShape& s, const Tiling& tiling, int64_t first, int64_t count, const float* x, float* out) {
  const int64_t blocks = s.inChannels / kBlock;
  const int64_t row = Tiling::rowStride(s.inChannels);
  const int64_t stride = tiling.placeStride(s.inChannels);
#pragma omp for schedule(static)
  for (int64_t tile = 0; tile < count; tile++) {
    const Corner corner(tiling, first + tile);
    for (int64_t block = 0; block < blocks; block++) {
      const float* plane = x + (corner.image * blocks + block) * s.height * s.width * kBlock;
      transformInputTile(s, corner, plane, out + tile * row + block * kBlock, stride);
    }
  }
}

}  // namespace omma
