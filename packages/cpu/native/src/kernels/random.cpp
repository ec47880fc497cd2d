// randomBits and randomUniform: Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3").
//
// A word depends on key, salt and its place alone, so threads and vector lanes share nothing and the numbers are the same on any
// number of threads. The counter of a pair of elements is (key[1], pair), its key (key[0], salt).
#include "families.h"
#include "parallel.h"
#include "simd8.h"

namespace omma {
namespace {

struct ThreefryKey {
  uint32_t first, second, counter;
};

template <int R>
inline UInt8x32 rotate(UInt8x32 v) {
  return v << R | v >> (32 - R);
}

template <int A, int B, int C, int D>
inline void fourRounds(UInt8x32& x, UInt8x32& y) {
  x += y;
  y = rotate<A>(y) ^ x;
  x += y;
  y = rotate<B>(y) ^ x;
  x += y;
  y = rotate<C>(y) ^ x;
  x += y;
  y = rotate<D>(y) ^ x;
}

// Both words of the eight pairs from `pair` on, in the order of the elements.
inline void sixteenWords(const ThreefryKey& key, uint32_t pair, uint32_t* words) {
  const uint32_t k0 = key.first, k1 = key.second, k2 = 0x1bd11bdau ^ k0 ^ k1;
  UInt8x32 x = UInt8x32{} + (key.counter + k0);
  UInt8x32 y = UInt8x32{0, 1, 2, 3, 4, 5, 6, 7} + (pair + k1);
  fourRounds<13, 15, 26, 6>(x, y);
  x += k1;
  y += k2 + 1;
  fourRounds<17, 29, 16, 24>(x, y);
  x += k2;
  y += k0 + 2;
  fourRounds<13, 15, 26, 6>(x, y);
  x += k0;
  y += k1 + 3;
  fourRounds<17, 29, 16, 24>(x, y);
  x += k1;
  y += k2 + 4;
  fourRounds<13, 15, 26, 6>(x, y);
  x += k2;
  y += k0 + 5;
  for (int i = 0; i < 8; i++) {
    words[2 * i] = x[i];
    words[2 * i + 1] = y[i];
  }
}

inline void store(uint32_t bits, uint32_t* to) { *to = bits; }
inline void store(uint32_t bits, float* to) { *to = static_cast<float>(static_cast<int32_t>(bits >> 8)) * 0x1p-24f; }

// T is uint32_t for the bits themselves, float for numbers in [0, 1).
template <typename T>
class Random : public Kernel {
 public:
  explicit Random(const NodeSpec& node)
      : elements_(node.outputs[0].elements()), salt_(static_cast<uint32_t>(node.attrs.at("salt").integer())) {}

  void run(const RunArguments& arguments) override {
    const uint32_t* given = arguments.input<uint32_t>(0);
    const ThreefryKey key{given[0], salt_, given[1]};
    T* y = arguments.output<T>(0);
    parallelRange(elements_, 8, 16, [&](int64_t begin, int64_t end, int) {
      uint32_t words[16];
      for (int64_t i = begin; i < end; i += 16) {
        sixteenWords(key, static_cast<uint32_t>(i / 2), words);
        const int64_t count = std::min<int64_t>(16, end - i);
        for (int64_t k = 0; k < count; k++) store(words[k], y + i + k);
      }
    });
  }

 private:
  int64_t elements_;
  uint32_t salt_;
};

std::string refuse(const NodeSpec& node) {
  const TensorSpec& key = node.inputs[0];
  return key.dtype == DType::UInt32 && key.elements() == 2 ? "" : "the key must be uint32[2]";
}

}  // namespace

void registerRandom(KernelTable& table) {
  table.add("randomBits", {refuse, nullptr, [](const NodeSpec& node) { return std::make_unique<Random<uint32_t>>(node); }, nullptr});
  table.add("randomUniform", {refuse, nullptr, [](const NodeSpec& node) { return std::make_unique<Random<float>>(node); }, nullptr});
}

}  // namespace omma
