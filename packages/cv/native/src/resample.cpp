#include "resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace omma {
namespace {

constexpr int kBits = 22;
constexpr int32_t kHalf = 1 << (kBits - 1);

// Two pixels side by side, each with red, green, blue and one lane that is thrown away.
typedef int32_t Lanes __attribute__((vector_size(32)));
typedef uint8_t Bytes __attribute__((vector_size(8)));

inline uint8_t clipped(int32_t value) {
  value >>= kBits;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Weights as `rgb_row` reads them: for each pair of targets and each tap, four times the left one's and four times the right one's. A last target that
// has no partner is its own.
std::vector<Lanes> in_pairs(const AxisWeights& axis) {
  const size_t width = axis.first.size();
  std::vector<Lanes> pairs((width + 1) / 2 * axis.taps);
  for (size_t x = 0; x < width; x += 2) {
    const size_t other = std::min(x + 1, width - 1);
    for (int k = 0; k < axis.taps; k++) {
      const int32_t left = axis.weights[x * axis.taps + k];
      const int32_t right = axis.weights[other * axis.taps + k];
      pairs[x / 2 * axis.taps + k] = Lanes{left, left, left, left, right, right, right, right};
    }
  }
  return pairs;
}

inline Lanes two_pixels(const uint8_t* left, const uint8_t* right) {
  // Put together in a register: memory that is written in two pieces is slow to read as one.
  uint32_t first;
  uint32_t second;
  std::memcpy(&first, left, 4);
  std::memcpy(&second, right, 4);
  const uint64_t both = first | static_cast<uint64_t>(second) << 32;
#ifdef __AVX2__
  // GCC 12 does the conversion below byte by byte.
  return reinterpret_cast<Lanes>(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(both))));
#else
  Bytes bytes;
  std::memcpy(&bytes, &both, 8);
  return __builtin_convertvector(bytes, Lanes);
#endif
}

inline Bytes clipped(Lanes sums) {
  sums >>= kBits;
  sums = sums < 0 ? Lanes{} : sums;
  sums = sums > 255 ? Lanes{} + 255 : sums;
  return __builtin_convertvector(sums, Bytes);
}

// One row of RGB; `out` has a byte behind its last pixel that may be overwritten. The number of taps is a constant where it is small, so that the loop is
// unrolled.
template <int Taps>
void rgb_row(const uint8_t* row, const AxisWeights& axis, const std::vector<Lanes>& pairs, int left, uint8_t* out) {
  const int taps = Taps > 0 ? Taps : axis.taps;
  const size_t width = axis.first.size();
  const Lanes* weights = pairs.data();
  for (size_t x = 0; x < width; x += 2, weights += taps, out += 6) {
    const uint8_t* a = row + static_cast<size_t>(axis.first[x] - left) * 3;
    const uint8_t* b = row + static_cast<size_t>(axis.first[std::min(x + 1, width - 1)] - left) * 3;
    Lanes sums = Lanes{} + kHalf;
    for (int k = 0; k < taps; k++) sums += two_pixels(a + 3 * k, b + 3 * k) * weights[k];
    const Bytes pixels = clipped(sums);
    std::memcpy(out, &pixels, 4);
    if (x + 1 < width) std::memcpy(out + 3, reinterpret_cast<const uint8_t*>(&pixels) + 4, 4);
  }
}

void any_row(const uint8_t* row, int channels, const AxisWeights& axis, int left, uint8_t* out) {
  const int width = static_cast<int>(axis.first.size());
  const int32_t* weights = axis.weights.data();
  for (int x = 0; x < width; x++, weights += axis.taps) {
    const uint8_t* at = row + static_cast<size_t>(axis.first[x] - left) * channels;
    for (int c = 0; c < channels; c++) {
      int32_t sum = kHalf;
      for (int k = 0; k < axis.taps; k++) sum += at[k * channels + c] * weights[k];
      *out++ = clipped(sum);
    }
  }
}

void rgb_row(const uint8_t* row, const AxisWeights& axis, const std::vector<Lanes>& pairs, int left, uint8_t* out) {
  switch (axis.taps) {
    case 2: return rgb_row<2>(row, axis, pairs, left, out);
    case 3: return rgb_row<3>(row, axis, pairs, left, out);
    case 4: return rgb_row<4>(row, axis, pairs, left, out);
    case 5: return rgb_row<5>(row, axis, pairs, left, out);
    default: return rgb_row<0>(row, axis, pairs, left, out);
  }
}

// One row of the target from rows that follow each other.
void resample_column(const uint8_t* rows, size_t length, const int32_t* weights, int taps, uint8_t* out) {
  constexpr size_t kBlock = 256;
  int32_t sums[kBlock];
  for (size_t start = 0; start < length; start += kBlock) {
    const size_t count = std::min(kBlock, length - start);
    std::fill(sums, sums + count, kHalf);
    for (int k = 0; k < taps; k++) {
      const int32_t weight = weights[k];
      if (weight == 0) continue;
      const uint8_t* at = rows + k * length + start;
      for (size_t i = 0; i < count; i++) sums[i] += at[i] * weight;
    }
    for (size_t i = 0; i < count; i++) out[start + i] = clipped(sums[i]);
  }
}

}  // namespace

AxisWeights axis_weights(double start, double length, int size, int extent, bool mirrored) {
  const double scale = length / size;
  const double support = std::max(1.0, scale);
  AxisWeights axis;
  axis.taps = std::min(extent, static_cast<int>(std::ceil(support * 2)));
  axis.first.assign(size, 0);
  axis.weights.assign(static_cast<size_t>(size) * axis.taps, 0);
  std::vector<double> row(axis.taps);
  for (int i = 0; i < size; i++) {
    const int target = mirrored ? size - 1 - i : i;
    const double centre = start + (i + 0.5) * scale;
    if (centre < 0 || centre >= extent) continue;
    const int from = std::max(0, static_cast<int>(std::floor(centre - support + 0.5)));
    const int to = std::min(extent, static_cast<int>(std::floor(centre + support + 0.5)));
    axis.first[target] = std::min(from, extent - axis.taps);
    const int shift = from - axis.first[target];
    double total = 0;
    for (int at = from; at < to; at++) {
      row[at - from] = std::max(0.0, 1 - std::fabs(at + 0.5 - centre) / support);
      total += row[at - from];
    }
    int32_t* weights = axis.weights.data() + static_cast<size_t>(target) * axis.taps + shift;
    for (int k = 0; k < to - from; k++) weights[k] = static_cast<int32_t>(std::floor(0.5 + row[k] / total * (1 << kBits)));
  }
  return axis;
}

Range range_of(const AxisWeights& axis) {
  const auto [least, most] = std::minmax_element(axis.first.begin(), axis.first.end());
  return {*least, *most + axis.taps};
}

void resample(const Pixels& source, const AxisWeights& across, const AxisWeights& down, uint8_t* target) {
  const Range rows = range_of(down);
  const Range columns = range_of(across);
  const size_t length = across.first.size() * source.channels;
  // One byte more, see `rgb_row`; the first byte of the next row is written after the last of this one.
  std::vector<uint8_t> narrow(length * (rows.to - rows.from) + 1);
  const std::vector<Lanes> pairs = source.channels == 3 ? in_pairs(across) : std::vector<Lanes>{};
  for (int y = rows.from; y < rows.to; y++) {
    const size_t at = static_cast<size_t>(y - source.top) * source.stride;
    // Pixels are read four bytes at a time, of which the last is the next pixel's.
    const bool in_fours = at + static_cast<size_t>(columns.to - source.left) * 3 + 1 <= source.size;
    const uint8_t* row = source.data + at;
    uint8_t* out = narrow.data() + length * (y - rows.from);
    if (source.channels == 3 && in_fours) rgb_row(row, across, pairs, source.left, out);
    else any_row(row, source.channels, across, source.left, out);
  }
  for (size_t y = 0; y < down.first.size(); y++) {
    const uint8_t* from = narrow.data() + length * (down.first[y] - rows.from);
    resample_column(from, length, down.weights.data() + y * down.taps, down.taps, target + y * length);
  }
}

}  // namespace omma
