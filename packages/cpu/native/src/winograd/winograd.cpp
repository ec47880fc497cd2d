// See winograd.h: the convolution and the transform of its weight. The names are those of tiling.h.
#include "winograd/winograd.h"

#include "winograd/kernels.h"
#include "winograd/tiling.h"

namespace omma {

namespace {

// Between the places of a transformed weight [36][panels][C][kColumns]; padded as in Tiling.
int64_t weightPlaceStride(const WinogradShape& s) { return s.inChannels * roundUp(s.outChannels, kColumns) + 16; }

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

}  // namespace omma
