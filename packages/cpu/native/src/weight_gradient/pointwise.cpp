// See pointwise.h. The sums have the packed operand's channels as rows and the other one's as columns; they are turned at the end where
// the packed one is not dy.
#include "weight_gradient/pointwise.h"

#if defined(__AVX512BF16__) && defined(__AVX512BW__)

#include <algorithm>

#include "weight_gradient/tile.h"

namespace omma {

namespace {

// Rows of one piece of work.
constexpr int64_t kSlice = 256;

struct Product {
  int64_t images, pairs;  // pairs of pixels of an image
  int64_t rows, columns;  // channels of the packed operand, of the other
  int64_t band;           // pairs of an image that are packed at a time
  bool turned;            // rows are input channels

  explicit Product(const WeightGradientShape& s)
      : images(s.images),
        pairs(s.height * s.width / 2),
        rows(std::min(s.inChannels, s.outChannels)),
        columns(std::max(s.inChannels, s.outChannels)),
        turned(s.inChannels < s.outChannels) {
    const int64_t fitting = std::max(kDepth, kGroupBytes / 4 / (4 * rows));
    const int64_t bands = (pairs + fitting - 1) / fitting;
    band = (pairs + bands - 1) / bands;
  }
  int64_t packedWords() const { return rows * band; }
  int64_t sums() const { return turned ? rows * columns : 0; }
};

// Pairs [first, first + count) of an image to `out` [rows / kLanes][band][kLanes].
void pack(const Product& p, int64_t image, int64_t first, int64_t count, const BFloat16* operand, uint32_t* out) {
  const int64_t blocks = p.rows / kLanes;
#pragma omp for schedule(static)
  for (int64_t block = 0; block < blocks; block++) {
    const BFloat16* from = operand + ((image * blocks + block) * p.pairs + first) * 2 * kLanes;
    uint32_t* to = out + block * p.band * kLanes;
    for (int64_t pair = 0; pair < count; pair++) {
      _mm512_storeu_si512(to + pair * kLanes, interleave(_mm512_loadu_si512(from + pair * 2 * kLanes)));
    }
  }
}

// Brings one of `parts` shares of a panel's pairs into the cache: the products before them take as long as the memory, but would not
// overlap with it by themselves.
void fetchAhead(const BFloat16* from, int64_t plane, int64_t pairs, int64_t part, int64_t parts) {
  for (int64_t pair = pairs * part / parts; pair < pairs * (part + 1) / parts; pair++) {
    _mm_prefetch(reinterpret_cast<const char*>(from + pair * 2 * kLanes), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(from + plane + pair * 2 * kLanes), _MM_HINT_T0);
  }
}

template <int Vectors>
void multiplyBlock(const uint32_t* left, const uint32_t* right, int64_t pairs, float* sums, int64_t stride, bool add) {
  Tile<Vectors> tile(sums, stride, add);
  tile.add(left, right, pairs);
  tile.store(sums, stride);
}

// sums [rows][columns] (+)= what these pairs add. A thread's share goes along the columns: it alone reads them. A panel's pairs are
// made where they are used, in memory that stays in the first-level cache while all rows pass.
void multiply(const Product& p, int64_t image, int64_t first, int64_t count, const uint32_t* packed, const BFloat16* operand, float* sums) {
  const int64_t panels = (p.columns + kColumns - 1) / kColumns;
  const int64_t slices = (p.rows + kSlice - 1) / kSlice;
  const int64_t plane = p.pairs * 2 * kLanes;
#pragma omp for schedule(static)
  for (int64_t item = 0; item < panels * slices; item++) {
    const int64_t column = item / slices * kColumns;
    const int64_t slice = item % slices * kSlice;
    const int64_t end = std::min(slice + kSlice, p.rows);
    const bool whole = column + kColumns <= p.columns;
    const BFloat16* from = operand + (image * (p.columns / kLanes) + column / kLanes) * plane + first * 2 * kLanes;
    alignas(64) uint32_t panel[kDepth * kColumns];
    for (int64_t at = 0; at < count; at += kDepth) {
      const int64_t pairs = std::min(kDepth, count - at);
      const bool add = image > 0 || first > 0 || at > 0;
      for (int v = 0; v < (whole ? 2 : 1); v++) {
        const BFloat16* pixels = from + v * plane + at * 2 * kLanes;
        for (int64_t pair = 0; pair < pairs; pair++) {
          _mm512_store_si512(panel + pair * kColumns + v * kLanes, interleave(_mm512_loadu_si512(pixels + pair * 2 * kLanes)));
        }
      }
      for (int64_t row = slice; row < end; row += kRows) {
        fetchAhead(from + (at + kDepth) * 2 * kLanes, whole ? plane : 0, std::min(kDepth, count - at - kDepth), (row - slice) / kRows,
                   (end - slice) / kRows);
        const uint32_t* left = packed + (row / kLanes * p.band + at) * kLanes + row % kLanes;
        float* to = sums + row * p.columns + column;
        if (whole) {
          multiplyBlock<2>(left, panel, pairs, to, p.columns, add);
        } else {
          multiplyBlock<1>(left, panel, pairs, to, p.columns, add);
        }
      }
    }
  }
}

}  // namespace

bool isPointwise(const WeightGradientShape& s) {
  return s.kernelHeight == 1 && s.kernelWidth == 1 && s.strideHeight == 1 && s.strideWidth == 1 && s.outHeight == s.height &&
         s.outWidth == s.width && s.padTop == 0 && s.padLeft == 0;
}

bool isEvenPointwise(const WeightGradientShape& s) { return isPointwise(s) && s.height * s.width % 2 == 0; }

size_t pointwiseScratch(const WeightGradientShape& shape) {
  const Product p(shape);
  return 4 * static_cast<size_t>(p.sums() + p.packedWords());
}

void pointwiseWeightGradient(const WeightGradientShape& shape, const BFloat16* x, const BFloat16* dy, float* dw, void* scratch) {
  const Product p(shape);
  float* sums = p.turned ? static_cast<float*>(scratch) : dw;
  uint32_t* packed = static_cast<uint32_t*>(scratch) + p.sums();
#pragma omp parallel
  {
    for (int64_t image = 0; image < p.images; image++) {
      for (int64_t first = 0; first < p.pairs; first += p.band) {
        const int64_t count = std::min(p.band, p.pairs - first);
        pack(p, image, first, count, p.turned ? x : dy, packed);
        multiply(p, image, first, count, packed, p.turned ? dy : x, sums);
      }
    }
    if (p.turned) {
      // A line of sums at a time, to sixteen lines that stay in the cache.
#pragma omp for schedule(static)
      for (int64_t column = 0; column < p.columns; column += kLanes) {
        for (int64_t row = 0; row < p.rows; row++) {
          for (int lane = 0; lane < kLanes; lane++) dw[(column + lane) * p.rows + row] = sums[row * p.columns + column + lane];
        }
      }
    }
  }
}

}  // namespace omma

#endif
