// Float32 sums for outputs of any float type: float32 outputs are summed in place, 16-bit ones in scratch memory and rounded once.
//
// For the kernels that add many contributions into an element (scatter, fold, the gradients of sampling); rounding each addition
// to 16 bits would lose most of them.
#pragma once

#include <cstring>
#include <type_traits>

#include "parallel.h"
#include "simd8.h"

namespace omma {

template <typename T>
class FloatSums {
 public:
  static constexpr bool inPlace = std::is_same<T, float>::value;

  static size_t scratchBytes(int64_t elements) { return inPlace ? 0 : (static_cast<size_t>(elements) * 4 + 63) / 64 * 64; }

  FloatSums(T* output, void* scratch, int64_t elements) : output_(output), elements_(elements) {
    if constexpr (inPlace) {
      sums_ = output;
    } else {
      sums_ = static_cast<float*>(scratch);
    }
  }

  float* data() const { return sums_; }

  void clear() {
    parallelRange(elements_, 1, 16, [&](int64_t begin, int64_t end, int) {
      std::memset(sums_ + begin, 0, static_cast<size_t>(end - begin) * 4);
    });
  }

  // Starts from the elements of `from`, which are as many.
  void load(const T* from) {
    if (static_cast<const void*>(from) == sums_) return;
    parallelRange(elements_, 1, 16, [&](int64_t begin, int64_t end, int) { loadFloats(from + begin, sums_ + begin, end - begin); });
  }

  // Rounds into the output; call it once, after the last addition.
  void finish() {
    if constexpr (!inPlace) {
      parallelRange(elements_, 1, 16, [&](int64_t begin, int64_t end, int) { storeFloats(sums_ + begin, output_ + begin, end - begin); });
    }
  }

 private:
  T* output_;
  float* sums_;
  int64_t elements_;
};

}  // namespace omma
