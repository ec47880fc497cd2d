#include "tile_access.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "simd8.h"

namespace omma {
namespace {

// The lane type of a stored type.
template <typename T>
using Lane = std::conditional_t<std::is_same_v<T, int32_t> || std::is_same_v<T, uint32_t>, T,
                                std::conditional_t<std::is_same_v<T, uint8_t>, int32_t, float>>;

template <typename T>
void convert(const T* from, Lane<T>* to, int64_t count) {
  if constexpr (std::is_same_v<T, Lane<T>>) {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
  } else if constexpr (std::is_same_v<T, uint8_t>) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) to[i] = from[i];
  } else {
    loadFloats(from, to, count);
  }
}

template <typename T>
void fillRun(const T* from, int64_t stride, Lane<T>* to, int64_t count) {
  if (stride == 1) {
    convert(from, to, count);
  } else if (stride == 0) {
    std::fill(to, to + count, static_cast<Lane<T>>(*from));
  } else {
    for (int64_t i = 0; i < count; i++) to[i] = static_cast<Lane<T>>(from[i * stride]);
  }
}

// Lanes [0, period) are there; repeats them up to `count`.
template <typename L>
void repeat(L* lanes, int64_t period, int64_t count) {
  for (int64_t done = period; done < count; done *= 2) {
    std::memcpy(lanes + done, lanes, static_cast<size_t>(std::min(done, count - done)) * sizeof(L));
  }
}

template <typename T>
void loadBroadcast(const T* base, const std::vector<StridedDimension>& dimensions, int64_t position, int64_t count,
                   Lane<T>* lanes) {
  const StridedDimension inner = dimensions.back();
  const bool hasRepeat = dimensions.size() > 1 && dimensions[dimensions.size() - 2].stride == 0;
  const int64_t rows = dimensions.size() > 1 ? dimensions[dimensions.size() - 2].extent : 1;
  while (count > 0) {
    int64_t rest = position, offset = 0;
    for (size_t d = dimensions.size(); d-- > 0;) {
      offset += rest % dimensions[d].extent * dimensions[d].stride;
      rest /= dimensions[d].extent;
    }
    const int64_t column = position % inner.extent;
    int64_t run = std::min(count, inner.extent - column);
    fillRun(base + offset, inner.stride, lanes, run);
    if (hasRepeat && column == 0 && run == inner.extent) {
      const int64_t row = position / inner.extent % rows;
      const int64_t repeated = std::min(count, (rows - row) * inner.extent);
      repeat(lanes, run, repeated);
      run = repeated;
    }
    lanes += run;
    position += run;
    count -= run;
  }
}

template <typename L, typename T>
void storeLanes(const void* lanes, void* base, int64_t position, int64_t count) {
  const L* from = static_cast<const L*>(lanes);
  T* to = static_cast<T*>(base) + position;
  if constexpr (std::is_same_v<L, float>) {
    storeFloats(from, to, count);
  } else {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) to[i] = static_cast<T>(from[i]);
  }
}

}  // namespace

TileLoader::TileLoader(const TensorSpec& input, const TensorSpec& output)
    : dtype_(input.dtype), uniform_(input.elements() == 1) {
  if (uniform_ || input.shape == output.shape) return;
  dimensions_ = broadcastStrides(input.shape, output.shape, output.layout);
  if (dimensions_.size() == 1 && dimensions_[0].stride == 1) dimensions_.clear();
}

void TileLoader::load(const void* base, int64_t position, int64_t count, void* lanes) const {
  withNumber(dtype_, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(base);
    Lane<T>* to = static_cast<Lane<T>*>(lanes);
    if (uniform_) {
      fillRun(from, 0, to, count);
    } else if (dimensions_.empty()) {
      convert(from + position, to, count);
    } else {
      loadBroadcast(from, dimensions_, position, count, to);
    }
  });
}

int64_t TileLoader::repeatKey(int64_t position, int64_t count) const {
  const StridedDimension inner = dimensions_.back();
  if (inner.stride == 0) {
    const int64_t row = position / inner.extent;
    return position % inner.extent + count <= inner.extent ? row : -1;
  }
  if (dimensions_.size() < 2 || dimensions_[dimensions_.size() - 2].stride != 0 || position % inner.extent != 0) return -1;
  const int64_t block = inner.extent * dimensions_[dimensions_.size() - 2].extent;
  return position % block + count <= block ? position / block : -1;
}

void storeTile(DType dtype, const void* lanes, void* base, int64_t position, int64_t count) {
  switch (dtype) {
    case DType::Float32:
    case DType::Int32:
    case DType::UInt32:
      std::memcpy(static_cast<uint32_t*>(base) + position, lanes, static_cast<size_t>(count) * 4);
      return;
    case DType::UInt8:
    case DType::Bool:
      return storeLanes<int32_t, uint8_t>(lanes, base, position, count);
    case DType::BFloat16:
      return storeLanes<float, BFloat16>(lanes, base, position, count);
    case DType::Float16:
      return storeLanes<float, Float16>(lanes, base, position, count);
  }
}

uint32_t laneBits(DType dtype, double value) {
  if (dtype == DType::Int32) return static_cast<uint32_t>(static_cast<int32_t>(value));
  if (dtype == DType::UInt32 || dtype == DType::UInt8) return static_cast<uint32_t>(static_cast<int64_t>(value));
  if (dtype == DType::Bool) return value != 0 ? 1 : 0;
  float lane = static_cast<float>(value);
  if (dtype == DType::BFloat16) lane = BFloat16(lane);
  if (dtype == DType::Float16) lane = Float16(lane);
  return static_cast<uint32_t>(asBits(lane));
}

}  // namespace omma
