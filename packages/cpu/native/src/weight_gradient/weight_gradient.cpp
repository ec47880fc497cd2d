// See weight_gradient.h. Images are taken in groups whose packed operands stay in the caches; a group is packed, then multiplied. A pair is
// one channel's two neighbouring pixels of a row, one 32-bit word.
#include "weight_gradient/weight_gradient.h"

#include <stdexcept>

#include "kernels/convert.h"
#include "onednn_compat.h"

#if defined(__AVX512BF16__) && defined(__AVX512BW__)

#include <algorithm>

#include "weight_gradient/pointwise.h"
#include "weight_gradient/tile.h"

namespace omma {

namespace {

// Output channels of one piece of work.
constexpr int64_t kSlice = 64;

int64_t roundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

// A convolution that mixes no pixels, as one row an image where images are small: an odd row would waste half a pair.
WeightGradientShape flattened(const WeightGradientShape& shape) {
  WeightGradientShape s = shape;
  if (isPointwise(s) && s.height * s.width <= 2 * kDepth) {
    s.width = s.outWidth = s.height * s.width;
    s.height = s.outHeight = 1;
  }
  return s;
}

// A group is some images, or a band of output rows of one image where a whole one is too large.
struct Group {
  int64_t firstImage, images, firstRow, rows;
};

// Where the packed operands of a group lie, in words.
//  - output gradients: [K / kLanes][image][row][pair][kLanes]
//  - inputs: [kernel column][C / kColumns][image][row][pair][kColumns]; rows are those of the input that some output row reads,
//    padding included, so a kernel row is an offset.
struct Packing {
  int64_t pairs, rowStep, images, rows, inputRows;
  int64_t gradientPanel, inputPanel, inputColumn;
  // A thread's share goes along the channels of the larger operand, as it does in packing: most of what it reads it has packed itself,
  // and does not come out of another core's cache. With 64 and 256 channels it halved the time of the products on two cores.
  bool byOutput;

  explicit Packing(const WeightGradientShape& s) {
    pairs = (s.outWidth + 1) / 2;
    rowStep = s.kernelHeight == 1 ? 1 : s.strideHeight;
    const int64_t columns = roundUp(s.inChannels, kColumns);
    const auto bytes = [&](int64_t band) {
      return 4 * pairs * (s.outChannels * band + s.kernelWidth * columns * inputRowsOf(s, band));
    };
    rows = s.outHeight;
    while (rows > 1 && bytes(rows) > kGroupBytes) rows = (rows + 1) / 2;
    images = rows < s.outHeight ? 1 : std::clamp<int64_t>(kGroupBytes / bytes(rows), 1, s.images);
    inputRows = inputRowsOf(s, rows);
    gradientPanel = images * rows * pairs * kLanes;
    inputPanel = images * inputRows * pairs * kColumns;
    inputColumn = inputPanel * (columns / kColumns);
    byOutput = gradientWords(s) >= inputWords(s);
  }
  int64_t gradientWords(const WeightGradientShape& s) const { return s.outChannels / kLanes * gradientPanel; }
  int64_t inputWords(const WeightGradientShape& s) const { return s.kernelWidth * inputColumn; }

  // Rows of the input that `band` rows of the output read.
  static int64_t inputRowsOf(const WeightGradientShape& s, int64_t band) {
    return s.kernelHeight == 1 ? band : (band - 1) * s.strideHeight + (s.kernelHeight - 1) * s.dilationHeight + 1;
  }
};

// Row of the input that row `row` of a group's packed input is.
int64_t inputRow(const WeightGradientShape& s, const Group& g, int64_t row) {
  return g.firstRow * s.strideHeight + (s.kernelHeight == 1 ? row * s.strideHeight : row) - s.padTop;
}

__m256i pixel(const BFloat16* row, int64_t at, int64_t width) {
  if (at < 0 || at >= width) return _mm256_setzero_si256();
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + at * kLanes));
}

// Calls emit(pair, 16 words) for the pairs of pixels start, start + step, ... of one row of 16 channels; `count` pixels, the last pair
// filled up with zero.
template <typename Emit>
void forPairs(const BFloat16* row, int64_t width, int64_t start, int64_t step, int64_t count, Emit emit) {
  for (int64_t i = 0; i < count; i += 2) {
    const int64_t first = start + i * step;
    const bool both = i + 1 < count;
    if (step == 1 && both && first >= 0 && first + 1 < width) {
      emit(i / 2, interleave(_mm512_loadu_si512(row + first * kLanes)));
      continue;
    }
    const __m256i second = both ? pixel(row, first + step, width) : _mm256_setzero_si256();
    emit(i / 2, interleave(_mm512_inserti64x4(_mm512_castsi256_si512(pixel(row, first, width)), second, 1)));
  }
}

void packGradients(const WeightGradientShape& s, const Packing& p, const Group& g, const BFloat16* dy, uint32_t* out) {
  const int64_t blocks = s.outChannels / kLanes;
#pragma omp for schedule(static)
  for (int64_t item = 0; item < g.images * blocks; item++) {
    const int64_t image = item % g.images;
    const int64_t block = item / g.images;
    const BFloat16* plane = dy + ((g.firstImage + image) * blocks + block) * s.outHeight * s.outWidth * kLanes;
    uint32_t* to = out + block * p.gradientPanel + image * p.rows * p.pairs * kLanes;
    for (int64_t row = 0; row < g.rows; row++, to += p.pairs * kLanes) {
      forPairs(plane + (g.firstRow + row) * s.outWidth * kLanes, s.outWidth, 0, 1, s.outWidth,
               [&](int64_t pair, __m512i words) { _mm512_storeu_si512(to + pair * kLanes, words); });
    }
  }
}

void packInputs(const WeightGradientShape& s, const Packing& p, const Group& g, const BFloat16* x, uint32_t* out) {
  const int64_t blocks = s.inChannels / kLanes;
  const int64_t rows = Packing::inputRowsOf(s, g.rows);
#pragma omp for schedule(static)
  for (int64_t item = 0; item < g.images * blocks; item++) {
    const int64_t image = item % g.images;
    const int64_t block = item / g.images;
    const BFloat16* plane = x + ((g.firstImage + image) * blocks + block) * s.height * s.width * kLanes;
    for (int64_t column = 0; column < s.kernelWidth; column++) {
      uint32_t* to = out + column * p.inputColumn + block / 2 * p.inputPanel + block % 2 * kLanes +
                     image * p.inputRows * p.pairs * kColumns;
      const int64_t start = column * s.dilationWidth - s.padLeft;
      for (int64_t row = 0; row < rows; row++, to += p.pairs * kColumns) {
        const int64_t y = inputRow(s, g, row);
        if (y < 0 || y >= s.height) {
          for (int64_t pair = 0; pair < p.pairs; pair++) _mm512_storeu_si512(to + pair * kColumns, _mm512_setzero_si512());
          continue;
        }
        forPairs(plane + y * s.width * kLanes, s.width, start, s.strideWidth, s.outWidth,
                 [&](int64_t pair, __m512i words) { _mm512_storeu_si512(to + pair * kColumns, words); });
      }
    }
  }
}

// A block of pairs: `images` times `rows` rows.
struct Block {
  int64_t images, rows, pairs;
};

// Strides of both operands, in words.
struct Strides {
  int64_t gradientRow, gradientImage, inputRow, inputImage;
};

// sums[kRows][Vectors] (+)= gradients * inputs over a block.
template <int Vectors>
void multiplyBlock(const uint32_t* gradients, const uint32_t* inputs, const Block& block, const Strides& strides, float* sums,
                   int64_t stride, bool add) {
  Tile<Vectors> tile(sums, stride, add);
  for (int64_t image = 0; image < block.images; image++) {
    for (int64_t row = 0; row < block.rows; row++) {
      tile.add(gradients + image * strides.gradientImage + row * strides.gradientRow,
               inputs + image * strides.inputImage + row * strides.inputRow, block.pairs);
    }
  }
  tile.store(sums, stride);
}

// sums [kernel row and column][K][C] (+)= what a packed group adds.
void multiplyGroup(const WeightGradientShape& s, const Packing& p, const Group& g, const uint32_t* gradients, const uint32_t* inputs,
                   float* sums) {
  const Strides strides{p.pairs * kLanes, p.rows * p.pairs * kLanes, p.rowStep * p.pairs * kColumns,
                        p.inputRows * p.pairs * kColumns};
  const int64_t rows = std::clamp<int64_t>(kDepth / p.pairs, 1, g.rows);
  const int64_t images = rows < g.rows ? 1 : std::max<int64_t>(1, kDepth / (g.rows * p.pairs));
  const int64_t panels = roundUp(s.inChannels, kColumns) / kColumns;
  const int64_t slices = (s.outChannels + kSlice - 1) / kSlice;
  const int64_t taps = s.kernelHeight * s.kernelWidth;
  const bool byOutput = p.byOutput;
  const int64_t inner = byOutput ? panels : slices;
  // Without a stride one row's pairs follow the other's on both sides.
  const bool joined = p.rowStep == 1;
  const bool firstGroup = g.firstImage == 0 && g.firstRow == 0;
#pragma omp for schedule(static)
  for (int64_t item = 0; item < taps * panels * slices; item++) {
    const int64_t tap = item / inner % taps;
    const int64_t outer = item / inner / taps;
    const int64_t slice = (byOutput ? outer : item % inner) * kSlice;
    const int64_t panel = byOutput ? item % inner : outer;
    const int64_t end = std::min(slice + kSlice, s.outChannels);
    const bool whole = (panel + 1) * kColumns <= s.inChannels;
    const uint32_t* b = inputs + tap % s.kernelWidth * p.inputColumn + panel * p.inputPanel +
                        tap / s.kernelWidth * s.dilationHeight * p.pairs * kColumns;
    for (int64_t image = 0; image < g.images; image += images) {
      for (int64_t row = 0; row < g.rows; row += rows) {
        const int64_t band = std::min(rows, g.rows - row);
        const Block block{std::min(images, g.images - image), joined ? 1 : band, joined ? band * p.pairs : p.pairs};
        const bool add = !firstGroup || image > 0 || row > 0;
        const uint32_t* right = b + image * strides.inputImage + row * strides.inputRow;
        for (int64_t k = slice; k < end; k += kRows) {
          const uint32_t* left = gradients + k / kLanes * p.gradientPanel + k % kLanes + image * strides.gradientImage +
                                 row * strides.gradientRow;
          float* to = sums + (tap * s.outChannels + k) * s.inChannels + panel * kColumns;
          if (whole) {
            multiplyBlock<2>(left, right, block, strides, to, s.inChannels, add);
          } else {
            multiplyBlock<1>(left, right, block, strides, to, s.inChannels, add);
          }
        }
      }
    }
  }
}

// sums [taps][K][C] to plain OIHW, shared out as they were made.
void unpack(const WeightGradientShape& s, const Packing& p, const float* sums, float* dw) {
  const int64_t taps = s.kernelHeight * s.kernelWidth;
  const int64_t stride = s.outChannels * s.inChannels;
  const int64_t blocks = s.outChannels / kLanes;
  const int64_t panels = roundUp(s.inChannels, kColumns) / kColumns;
  const int64_t inner = p.byOutput ? panels : blocks;
#pragma omp for schedule(static)
  for (int64_t item = 0; item < blocks * panels; item++) {
    const int64_t block = p.byOutput ? item / inner : item % inner;
    const int64_t panel = p.byOutput ? item % inner : item / inner;
    const int64_t end = std::min((panel + 1) * kColumns, s.inChannels);
    for (int64_t k = block * kLanes; k < (block + 1) * kLanes; k++) {
      for (int64_t c = panel * kColumns; c < end; c++) {
        const int64_t at = k * s.inChannels + c;
        for (int64_t tap = 0; tap < taps; tap++) dw[at * taps + tap] = sums[tap * stride + at];
      }
    }
  }
}

int64_t sumsOf(const WeightGradientShape& s) {
  const int64_t taps = s.kernelHeight * s.kernelWidth;
  return taps == 1 ? 0 : taps * s.outChannels * s.inChannels;
}

}  // namespace

bool hasPackedWeightGradient() {
  const auto isa = dnnl::get_effective_cpu_isa();
  return isa >= dnnl::cpu_isa::avx512_core_bf16 && isa < dnnl::cpu_isa::avx512_core_amx;
}

size_t weightGradientScratch(const WeightGradientShape& shape) {
  if (isEvenPointwise(shape)) return pointwiseScratch(shape);
  const WeightGradientShape s = flattened(shape);
  const Packing p(s);
  return 4 * static_cast<size_t>(sumsOf(s) + p.gradientWords(s) + p.inputWords(s));
}

void weightGradient(const WeightGradientShape& shape, const BFloat16* x, const BFloat16* dy, float* dw, void* scratch) {
  if (isEvenPointwise(shape)) return pointwiseWeightGradient(shape, x, dy, dw, scratch);
  const WeightGradientShape s = flattened(shape);
  const Packing p(s);
  float* sums = sumsOf(s) == 0 ? dw : static_cast<float*>(scratch);
  uint32_t* gradients = static_cast<uint32_t*>(scratch) + sumsOf(s);
  uint32_t* inputs = gradients + p.gradientWords(s);
#pragma omp parallel
  {
    for (int64_t image = 0; image < s.images; image += p.images) {
      for (int64_t row = 0; row < s.outHeight; row += p.rows) {
        const Group group{image, std::min(p.images, s.images - image), row, std::min(p.rows, s.outHeight - row)};
        packGradients(s, p, group, dy, gradients);
        packInputs(s, p, group, x, inputs);
        multiplyGroup(s, p, group, gradients, inputs, sums);
      }
    }
    if (sums != dw) unpack(s, p, sums, dw);
  }
}

}  // namespace omma

#else

namespace omma {

bool hasPackedWeightGradient() { return false; }

size_t weightGradientScratch(const WeightGradientShape&) { return 0; }

void weightGradient(const WeightGradientShape&, const BFloat16*, const BFloat16*, float*, void*) {
  throw std::logic_error("weightGradient: this build has no AVX-512 BF16");
}

}  // namespace omma

#endif
