// See winograd.h. Names in here: a tile is a 4x4 piece of output; `place` is one of the 36 positions in transformed space.
#include "winograd/winograd.h"

#include <omp.h>

#include <algorithm>

#include "winograd/kernels.h"
#include "winograd/products.h"
#include "winograd/transforms.h"

namespace omma {

namespace {

constexpr int kPlaces = 36;

// Working memory for one group of tiles: stays in a third-level cache of a few megabytes a core.
constexpr size_t kGroupBytes = size_t{6} << 20;

int64_t roundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

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
  static int64_t rowStride(int64_t channels) { return channels + 16; }
  int64_t placeStride(int64_t channels) const { return group * rowStride(channels) + 16; }
  int64_t elements(int64_t channels) const { return kPlaces * placeStride(channels); }
};

// Between the places of a transformed weight [36][panels][C][kColumns]; padded as in Tiling.
int64_t weightPlaceStride(const WinogradShape& s) { return s.inChannels * roundUp(s.outChannels, kColumns) + 16; }

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
void transformInput(const WinogradShape& s, const Tiling& tiling, int64_t first, int64_t count, const float* x, float* out) {
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

// Gradients of the outputs of the tiles to `out` [36][group][K].
void transformOutputGrad(const WinogradShape& s, const Tiling& tiling, int64_t first, int64_t count, const float* dy, float* out) {
  const int64_t blocks = s.outChannels / kBlock;
  const int64_t rowStride = Tiling::rowStride(s.outChannels);
  const int64_t stride = tiling.placeStride(s.outChannels);
#pragma omp for schedule(static)
  for (int64_t tile = 0; tile < count; tile++) {
    const Corner corner(tiling, first + tile);
    for (int64_t block = 0; block < blocks; block++) {
      const float* plane = dy + (corner.image * blocks + block) * s.outHeight * s.outWidth * kBlock;
      Vector rows[6][4];
      for (int column = 0; column < 4; column++) {
        Vector d[4];
        const int64_t left = corner.left + column;
        for (int row = 0; row < 4; row++) {
          const int64_t top = corner.top + row;
          const bool there = top < s.outHeight && left < s.outWidth;
          d[row] = there ? load(plane + (top * s.outWidth + left) * kBlock) : zero();
        }
        Vector t[6];
        winogradOutputGrad(d, t);
        for (int row = 0; row < 6; row++) rows[row][column] = t[row];
      }
      float* to = out + tile * rowStride + block * kBlock;
      for (int row = 0; row < 6; row++) {
        Vector t[6];
        winogradOutputGrad(rows[row], t);
        for (int column = 0; column < 6; column++) store(to + (row * 6 + column) * stride, t[column]);
      }
    }
  }
}

// The 36 products [count, C] x [C, K]. Work is divided by place and column panel.
void multiplyForward(const WinogradShape& s, const Tiling& tiling, int64_t count, const float* input, const float* weight, float* out) {
  const int64_t panels = (s.outChannels + kColumns - 1) / kColumns;
  const int64_t padded = panels * kColumns;
#pragma omp for schedule(static)
  for (int64_t item = 0; item < kPlaces * panels; item++) {
    const int64_t place = item / panels;
    const int64_t panel = item % panels;
    const float* a = input + place * tiling.placeStride(s.inChannels);
    const float* b = weight + place * weightPlaceStride(s) + panel * s.inChannels * kColumns;
    float* c = out + place * tiling.placeStride(padded) + panel * kColumns;
    multiplyRows<2>(count, a, Tiling::rowStride(s.inChannels), b, kColumns, s.inChannels, c, Tiling::rowStride(padded));
  }
}

void transformOutput(const WinogradShape& s, const Tiling& tiling, int64_t first, int64_t count, const float* products, float* y,
                     const WinogradEpilogue& epilogue) {
  const int64_t blocks = s.outChannels / kBlock;
  const int64_t padded = roundUp(s.outChannels, kColumns);
  const int64_t rowStride = Tiling::rowStride(padded);
  const int64_t stride = tiling.placeStride(padded);
#pragma omp for schedule(static)
  for (int64_t tile = 0; tile < count; tile++) {
    const Corner corner(tiling, first + tile);
    for (int64_t block = 0; block < blocks; block++) {
      const float* from = products + tile * rowStride + block * kBlock;
      Vector rows[4][6];
      for (int column = 0; column < 6; column++) {
        Vector m[6];
        for (int row = 0; row < 6; row++) m[row] = load(from + (row * 6 + column) * stride);
        Vector t[4];
        winogradOutput(m, t);
        for (int row = 0; row < 4; row++) rows[row][column] = t[row];
      }
      const int64_t offset = (corner.image * blocks + block) * s.outHeight * s.outWidth * kBlock;
      const Vector bias = epilogue.bias == nullptr ? zero() : load(epilogue.bias + block * kBlock);
      for (int row = 0; row < 4 && corner.top + row < s.outHeight; row++) {
        Vector t[4];
        winogradOutput(rows[row], t);
        for (int column = 0; column < 4 && corner.left + column < s.outWidth; column++) {
          const int64_t at = offset + ((corner.top + row) * s.outWidth + corner.left + column) * kBlock;
          Vector value = t[column] + bias;
          if (epilogue.residual != nullptr) value += load(epilogue.residual + at);
          if (epilogue.relu) value = value > 0.0f ? value : zero();
          store(y + at, value);
        }
      }
    }
  }
}

// Tiles that are summed at a time: their rows of both sides stay in the first-level cache.
constexpr int64_t kDepth = 128;

void multiplyWeightGrad(const WinogradShape& s, const Tiling& tiling, int64_t count, const float* input, const float* outputGrad,
                        float* sums, bool add) {
  // A slice of the tiles' rows that stays in the first-level cache while all columns pass.
  const int64_t slice = roundUp(96, kRows);
  const int64_t slices = (s.inChannels + slice - 1) / slice;
  const int64_t aStride = Tiling::rowStride(s.inChannels);
  const int64_t bStride = Tiling::rowStride(s.outChannels);
#pragma omp for schedule(static)
  for (int64_t item = 0; item < kPlaces * slices; item++) {
    const int64_t place = item / slices;
    const int64_t begin = item % slices * slice;
    const int64_t rows = std::min(slice, s.inChannels - begin);
    const float* a = input + place * tiling.placeStride(s.inChannels) + begin;
    const float* b = outputGrad + place * tiling.placeStride(s.outChannels);
    float* c = sums + (place * s.inChannels + begin) * s.outChannels;
    for (int64_t depth = 0; depth < count; depth += kDepth) {
      const int64_t length = std::min(kDepth, count - depth);
      const bool more = add || depth > 0;
      int64_t column = 0;
      for (; column + kColumns <= s.outChannels; column += kColumns) {
        accumulateRows<2>(rows, a + depth * aStride, aStride, b + depth * bStride + column, bStride, length, c + column, s.outChannels, more);
      }
      for (; column < s.outChannels; column += kBlock) {
        accumulateRows<1>(rows, a + depth * aStride, aStride, b + depth * bStride + column, bStride, length, c + column, s.outChannels, more);
      }
    }
  }
}

// sums [36][C][K] back to plain OIHW.
void transformWeightGrad(const WinogradShape& s, const float* sums, float* dw) {
  const int64_t stride = s.inChannels * s.outChannels;
#pragma omp for schedule(static)
  for (int64_t k = 0; k < s.outChannels; k += kBlock) {
    for (int64_t first = 0; first < s.inChannels; first += kBlock) {
      Vector kernels[kBlock * kTaps];
      for (int64_t c = 0; c < kBlock; c++) {
        const float* from = sums + (first + c) * s.outChannels + k;
        Vector rows[3][6];
        for (int column = 0; column < 6; column++) {
          Vector u[6];
          for (int row = 0; row < 6; row++) u[row] = load(from + (row * 6 + column) * stride);
          Vector t[3];
          winogradWeightGradient(u, t);
          for (int row = 0; row < 3; row++) rows[row][column] = t[row];
        }
        for (int row = 0; row < 3; row++) winogradWeightGradient(rows[row], kernels + c * kTaps + row * 3);
      }
      unpackKernels(kernels, dw + (k * s.inChannels + first) * kTaps, s.inChannels * kTaps);
    }
  }
}

// The kernels between one input channel and a vector of output channels.
void transformKernels(const Vector kernels[kTaps], float* to, int64_t stride) {
  Vector rows[6][3];
  for (int column = 0; column < 3; column++) {
    const Vector d[3] = {kernels[column], kernels[3 + column], kernels[6 + column]};
    Vector t[6];
    winogradWeight(d, t);
    for (int row = 0; row < 6; row++) rows[row][column] = t[row];
  }
  for (int row = 0; row < 6; row++) {
    Vector t[6];
    winogradWeight(rows[row], t);
    for (int column = 0; column < 6; column++) store(to + (row * 6 + column) * stride, t[column]);
  }
}

// The kernels from a vector of input channels, from `c` on, to a vector of output channels, from `k` on; none beyond the last one.
void packFrom(const WinogradShape& s, const float* weight, bool transposed, int64_t c, int64_t k, Vector kernels[kBlock * kTaps]) {
  if (k >= s.outChannels) {
    std::fill_n(kernels, kBlock * kTaps, zero());
  } else if (!transposed) {
    packKernels(weight + (k * s.inChannels + c) * kTaps, s.inChannels * kTaps, kernels);
  } else {
    for (int64_t i = 0; i < kBlock; i++) packTurned(weight + ((c + i) * s.outChannels + k) * kTaps, kernels + i * kTaps);
  }
}

}  // namespace

size_t winogradWeightElements(const WinogradShape& s) {
  return static_cast<size_t>(kPlaces * weightPlaceStride(s));
}

size_t winogradForwardScratch(const WinogradShape& s) {
  const Tiling tiling(s);
  return static_cast<size_t>(tiling.elements(s.inChannels) + tiling.elements(roundUp(s.outChannels, kColumns))) * sizeof(float);
}

size_t winogradWeightGradScratch(const WinogradShape& s) {
  const Tiling tiling(s);
  const int64_t sums = kPlaces * s.inChannels * s.outChannels;
  return static_cast<size_t>(tiling.elements(s.inChannels) + tiling.elements(s.outChannels) + sums) * sizeof(float);
}

void winogradTransformWeight(const WinogradShape& s, const float* weight, bool transposed, float* out) {
  const int64_t panels = (s.outChannels + kColumns - 1) / kColumns;
  const int64_t stride = weightPlaceStride(s);
#pragma omp parallel for schedule(static)
  for (int64_t panel = 0; panel < panels; panel++) {
    Vector kernels[2][kBlock * kTaps];
    for (int64_t first = 0; first < s.inChannels; first += kBlock) {
      for (int half = 0; half < 2; half++) packFrom(s, weight, transposed, first, panel * kColumns + half * kBlock, kernels[half]);
      for (int64_t c = 0; c < kBlock; c++) {
        float* to = out + (panel * s.inChannels + first + c) * kColumns;
        // Both halves of a panel's row at once, so that whole cache lines are written.
        for (int half = 0; half < 2; half++) transformKernels(kernels[half] + c * kTaps, to + half * kBlock, stride);
      }
    }
  }
}

void winogradForward(const WinogradShape& s, const float* x, const float* transformed, float* y, const WinogradEpilogue& epilogue,
                     void* scratch) {
  const Tiling tiling(s);
  float* input = static_cast<float*>(scratch);
  float* products = input + tiling.elements(s.inChannels);
#pragma omp parallel
  for (int64_t first = 0; first < tiling.count; first += tiling.group) {
    const int64_t count = std::min(tiling.group, tiling.count - first);
    transformInput(s, tiling, first, count, x, input);
    multiplyForward(s, tiling, count, input, transformed, products);
    transformOutput(s, tiling, first, count, products, y, epilogue);
  }
}

void winogradWeightGrad(const WinogradShape& s, const float* x, const float* dy, float* dw, void* scratch) {
  const Tiling tiling(s);
  float* sums = static_cast<float*>(scratch);
  float* input = sums + kPlaces * s.inChannels * s.outChannels;
  float* outputGrad = input + tiling.elements(s.inChannels);
#pragma omp parallel
  {
    for (int64_t first = 0; first < tiling.count; first += tiling.group) {
      const int64_t count = std::min(tiling.group, tiling.count - first);
      transformInput(s, tiling, first, count, x, input);
      transformOutputGrad(s, tiling, first, count, dy, outputGrad);
      multiplyWeightGrad(s, tiling, count, input, outputGrad, sums, first > 0);
    }
    transformWeightGrad(s, sums, dw);
  }
}

}  // namespace omma
