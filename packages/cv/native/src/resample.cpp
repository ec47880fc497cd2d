#include "resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace omma {
namespace {

constexpr int kBits = 22;
constexpr int32_t kHalf = 1 << (kBits - 1);

// Four lanes: red, green, blue and one that is thrown away.
typedef int32_t Lanes __attribute__((vector_size(16)));
typedef uint8_t Bytes __attribute__((vector_size(4)));

inline uint8_t clipped(int32_t value) {
  value >>= kBits;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

inline Lanes pixel(const uint8_t* at) {
  Bytes bytes;
  std::memcpy(&bytes, at, 4);
  return __builtin_convertvector(bytes, Lanes);
}

inline void store(uint8_t* to, Lanes sum) {
  for (int c = 0; c < 3; c++) to[c] = clipped(sum[c]);
}

// The number of taps is a constant where it is small, so that the loop is unrolled.
template <int Taps>
void rgb_row(const uint8_t* row, const AxisWeights& axis, int left, uint8_t* out) {
  const int taps = Taps > 0 ? Taps : axis.taps;
  const int width = static_cast<int>(axis.first.size());
  const int32_t* weights = axis.weights.data();
  for (int x = 0; x < width; x++, weights += taps, out += 3) {
    const uint8_t* at = row + static_cast<size_t>(axis.first[x] - left) * 3;
    Lanes sum = {kHalf, kHalf, kHalf, kHalf};
    for (int k = 0; k < taps; k++, at += 3) sum += pixel(at) * weights[k];
    store(out, sum);
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

void resample_row(const uint8_t* row, int channels, const AxisWeights& axis, int left, bool in_fours, uint8_t* out) {
  if (channels != 3 || !in_fours) return any_row(row, channels, axis, left, out);
  switch (axis.taps) {
    case 2: return rgb_row<2>(row, axis, left, out);
    case 3: return rgb_row<3>(row, axis, left, out);
    case 4: return rgb_row<4>(row, axis, left, out);
    case 5: return rgb_row<5>(row, axis, left, out);
    default: return rgb_row<0>(row, axis, left, out);
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
  std::vector<uint8_t> narrow(length * (rows.to - rows.from));
  for (int y = rows.from; y < rows.to; y++) {
    const size_t at = static_cast<size_t>(y - source.top) * source.stride;
    // Pixels are read four bytes at a time, of which the last is the next pixel's.
    const bool in_fours = at + static_cast<size_t>(columns.to - source.left) * 3 + 1 <= source.size;
    uint8_t* out = narrow.data() + length * (y - rows.from);
    resample_row(source.data + at, source.channels, across, source.left, in_fours, out);
  }
  for (size_t y = 0; y < down.first.size(); y++) {
    const uint8_t* from = narrow.data() + length * (down.first[y] - rows.from);
    resample_column(from, length, down.weights.data() + y * down.taps, down.taps, target + y * length);
  }
}

}  // namespace omma
