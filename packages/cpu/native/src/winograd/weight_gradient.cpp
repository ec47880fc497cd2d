// See winograd.h: the gradient of the weight. The names are those of tiling.h.
#include "winograd/kernels.h"
#include "winograd/tiling.h"
#include "winograd/winograd.h"

namespace omma {

namespace {

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

// Sums of kBlock input channels, `rowStride` apart, and a vector of output channels back to plain OIHW; `place` lies between places.
void transformSums(const WinogradShape& s, const float* sums, int64_t rowStride, int64_t place, float* dw) {
  Vector kernels[kBlock * kTaps];
  for (int64_t c = 0; c < kBlock; c++) {
    const float* from = sums + c * rowStride;
    Vector rows[3][6];
    for (int column = 0; column < 6; column++) {
      Vector u[6];
      for (int row = 0; row < 6; row++) u[row] = load(from + (row * 6 + column) * place);
      Vector t[3];
      winogradWeightGradient(u, t);
      for (int row = 0; row < 3; row++) rows[row][column] = t[row];
    }
    for (int row = 0; row < 3; row++) winogradWeightGradient(rows[row], kernels + c * kTaps + row * 3);
  }
  unpackKernels(kernels, dw, s.inChannels * kTaps);
}

// sums [36][C][K] back to plain OIHW.
void transformWeightGrad(const WinogradShape& s, const float* sums, float* dw) {
#pragma omp for schedule(static)
  for (int64_t k = 0; k < s.outChannels; k += kBlock) {
    for (int64_t c = 0; c < s.inChannels; c += kBlock) {
      const float* from = sums + c * s.outChannels + k;
      transformSums(s, from, s.outChannels, s.inChannels * s.outChannels, dw + (k * s.inChannels + c) * kTaps);
    }
  }
}

// Input channels whose sums with a panel of output channels a thread makes at a time: they and both operands stay in a second-level cache.
constexpr int64_t kSlice = 64;
// Between the places of such sums [36][kSlice][kColumns].
constexpr int64_t kSliceStride = kSlice * kColumns + 16;

// Where all tiles are one group the sums are complete at once, and become gradients where they lie: all of them, four times the weight's size, never reach memory.
void makeWeightGrad(const WinogradShape& s, const Tiling& tiling, const float* input, const float* outputGrad, float* sums, float* dw) {
  const int64_t slices = (s.inChannels + kSlice - 1) / kSlice;
  const int64_t panels = (s.outChannels + kColumns - 1) / kColumns;
  const int64_t aStride = Tiling::rowStride(s.inChannels);
  const int64_t bStride = Tiling::rowStride(s.outChannels);
  float* own = sums + omp_get_thread_num() * kPlaces * kSliceStride;
#pragma omp for schedule(static)
  for (int64_t item = 0; item < slices * panels; item++) {
    const int64_t begin = item / panels * kSlice;
    const int64_t column = item % panels * kColumns;
    const int64_t rows = std::min(kSlice, s.inChannels - begin);
    const int64_t columns = std::min<int64_t>(kColumns, s.outChannels - column);
    for (int64_t place = 0; place < kPlaces; place++) {
      const float* a = input + place * tiling.placeStride(s.inChannels) + begin;
      const float* b = outputGrad + place * tiling.placeStride(s.outChannels) + column;
      float* c = own + place * kSliceStride;
      for (int64_t depth = 0; depth < tiling.count; depth += kDepth) {
        const int64_t length = std::min(kDepth, tiling.count - depth);
        const auto accumulate = columns == kColumns ? accumulateRows<2> : accumulateRows<1>;
        accumulate(rows, a + depth * aStride, aStride, b + depth * bStride, bStride, length, c, kColumns, depth > 0);
      }
    }
    for (int64_t k = 0; k < columns; k += kBlock) {
      for (int64_t c = 0; c < rows; c += kBlock) {
        transformSums(s, own + c * kColumns + k, kColumns, kSliceStride, dw + ((column + k) * s.inChannels + begin + c) * kTaps);
      }
    }
  }
}

// Floats for the sums of a weight's gradient.
int64_t sumElements(const WinogradShape& s, const Tiling& tiling) {
  if (tiling.isOneGroup()) return omp_get_max_threads() * kPlaces * kSliceStride;
  return kPlaces * s.inChannels * s.outChannels;
}

}  // namespace

size_t winogradWeightGradScratch(const WinogradShape& s) {
  const Tiling tiling(s);
  return static_cast<size_t>(tiling.elements(s.inChannels) + tiling.elements(s.outChannels) + sumElements(s, tiling)) * sizeof(float);
}

void winogradWeightGrad(const WinogradShape& s, const float* x, const float* dy, float* dw, void* scratch) {
  const Tiling tiling(s);
  float* sums = static_cast<float*>(scratch);
  float* input = sums + sumElements(s, tiling);
  float* outputGrad = input + tiling.elements(s.inChannels);
  if (tiling.isOneGroup()) {
#pragma omp parallel
    {
      transformInput(s, tiling, 0, tiling.count, x, input);
      transformOutputGrad(s, tiling, 0, tiling.count, dy, outputGrad);
      makeWeightGrad(s, tiling, input, outputGrad, sums, dw);
    }
    return;
  }
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
