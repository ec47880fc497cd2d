#include "strided_copy.h"

#include <algorithm>
#include <cstring>

#include "convert.h"
#include "parallel.h"

namespace omma {
namespace {

// A tile of 16 x 16 elements of 4 bytes is 16 cache lines on both sides.
constexpr int64_t kTileSide = 16;

}  // namespace

StridedCopy::StridedCopy(DType dtype, const std::vector<CopyDimension>& dimensions, int64_t fromOffset, int64_t toOffset)
    : dtype_(dtype), fromOffset_(fromOffset), toOffset_(toOffset) {
  std::vector<CopyDimension> merged;
  for (const CopyDimension& next : dimensions) {
    if (next.extent == 1) continue;
    if (!merged.empty() && merged.back().from == next.from * next.extent && merged.back().to == next.to * next.extent) {
      merged.back() = {merged.back().extent * next.extent, next.from, next.to};
    } else {
      merged.push_back(next);
    }
  }
  if (!merged.empty()) {
    inner_ = merged.back();
    merged.pop_back();
  }
  if (inner_.from != 1 && inner_.from != 0) {
    const auto found = std::find_if(merged.begin(), merged.end(), [](const CopyDimension& each) { return each.from == 1; });
    if (found != merged.end()) {
      crossed_ = *found;
      merged.erase(found);
    }
  }
  outer_ = merged;
  for (const CopyDimension& each : outer_) rows_ *= each.extent;
}

void StridedCopy::run(const void* from, void* to) const {
  withWidth(dtype_, [&](auto zero) {
    using T = decltype(zero);
    copy(static_cast<const T*>(from) + fromOffset_, static_cast<T*>(to) + toOffset_);
  });
}

template <typename T>
void StridedCopy::copy(const T* from, T* to) const {
  if (inner_.extent == 0 || crossed_.extent == 0 || rows_ == 0) return;
  if (crossed_.extent > 1) {
    copyTiles(from, to);
  } else {
    copyRows(from, to);
  }
}

template <typename T>
void StridedCopy::copyRows(const T* from, T* to) const {
  // One long row is cut, so that it too is shared among threads.
  const int64_t piece = rows_ == 1 ? 16384 : inner_.extent;
  const int64_t pieces = (inner_.extent + piece - 1) / piece;
  parallelFor(rows_ * pieces, piece, [&](int64_t item) {
    int64_t index = item / pieces;
    const int64_t begin = item % pieces * piece, count = std::min(piece, inner_.extent - begin);
    const T* source = from + begin * inner_.from;
    T* target = to + begin * inner_.to;
    for (size_t d = outer_.size(); d-- > 0;) {
      source += index % outer_[d].extent * outer_[d].from;
      target += index % outer_[d].extent * outer_[d].to;
      index /= outer_[d].extent;
    }
    if (inner_.to == 1 && inner_.from == 1) {
      std::memcpy(target, source, static_cast<size_t>(count) * sizeof(T));
    } else if (inner_.to == 1 && inner_.from == 0) {
      std::fill_n(target, count, *source);
    } else {
      for (int64_t i = 0; i < count; i++) target[i * inner_.to] = source[i * inner_.from];
    }
  });
}

template <typename T>
void StridedCopy::copyTiles(const T* from, T* to) const {
  const int64_t bands = (crossed_.extent + kTileSide - 1) / kTileSide;
  parallelFor(rows_ * bands, inner_.extent * kTileSide, [&](int64_t item) {
    int64_t index = item / bands;
    const int64_t first = item % bands * kTileSide, height = std::min(kTileSide, crossed_.extent - first);
    const T* source = from + first;
    T* target = to + first * crossed_.to;
    for (size_t d = outer_.size(); d-- > 0;) {
      source += index % outer_[d].extent * outer_[d].from;
      target += index % outer_[d].extent * outer_[d].to;
      index /= outer_[d].extent;
    }
    for (int64_t begin = 0; begin < inner_.extent; begin += kTileSide) {
      const int64_t end = std::min(inner_.extent, begin + kTileSide);
      for (int64_t row = 0; row < height; row++) {
        for (int64_t i = begin; i < end; i++) target[row * crossed_.to + i * inner_.to] = source[row + i * inner_.from];
      }
    }
  });
}

void fillElements(DType dtype, void* to, int64_t count, uint32_t bits) {
  withWidth(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* elements = static_cast<T*>(to);
    parallelRange(count, 1, 64, [&](int64_t begin, int64_t end, int) {
      std::fill(elements + begin, elements + end, static_cast<T>(bits));
    });
  });
}

}  // namespace omma
