// sort and topK along an axis: values in order, and the places they came from.
//
// Every element becomes one 64-bit word: its value mapped to an unsigned integer of the same order above, its place below. Words
// are all different, so any sorting of them is stable. NaN counts as infinity, -0 equals 0.
#include <algorithm>

#include "convert.h"
#include "index.h"
#include "parallel.h"

namespace omma {
namespace {

template <typename T>
uint32_t orderedBits(T value) {
  if constexpr (std::is_same<T, int32_t>::value) {
    return static_cast<uint32_t>(value) ^ 0x80000000u;
  } else if constexpr (std::is_integral<T>::value) {
    return value;
  } else {
    const float number = value;
    const uint32_t infinity = 0x7f800000u;
    const uint32_t bits = number != number ? infinity : number == 0 ? 0 : static_cast<uint32_t>(asBits(number));
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  }
}

// Sorts words by their upper halves, from the lowest byte to the highest; words come in order of their lower halves.
void radixSort(std::vector<uint64_t>& words, std::vector<uint64_t>& spare) {
  spare.resize(words.size());
  for (int shift = 32; shift < 64; shift += 8) {
    size_t counts[256] = {};
    for (uint64_t word : words) counts[(word >> shift) & 255]++;
    if (counts[(words[0] >> shift) & 255] == words.size()) continue;
    size_t next = 0;
    for (size_t& count : counts) {
      const size_t here = count;
      count = next;
      next += here;
    }
    for (uint64_t word : words) spare[counts[(word >> shift) & 255]++] = word;
    words.swap(spare);
  }
}

// Above this many words radix sort is the faster one.
constexpr size_t kRadix = 768;

template <typename T>
class Order : public Kernel {
 public:
  Order(const NodeSpec& node, bool descending) : descending_(descending) {
    const Shape& shape = node.inputs[0].shape;
    const size_t axis = static_cast<size_t>(node.attrs.at("axis").integer());
    extent_ = shape[axis];
    kept_ = node.outputs[0].shape[axis];
    for (size_t i = 0; i < axis; i++) fibres_ *= shape[i];
    for (size_t i = axis + 1; i < shape.size(); i++) inner_ *= shape[i];
    fibres_ *= inner_;
  }

  void run(const RunArguments& arguments) override {
    const T* x = arguments.input<T>(0);
    T* values = arguments.output<T>(0);
    int32_t* places = arguments.output<int32_t>(1);
    parallelRange(fibres_, 16 * extent_, 1, [&](int64_t begin, int64_t end, int) {
      std::vector<uint64_t> words(static_cast<size_t>(extent_)), spare;
      for (int64_t fibre = begin; fibre < end; fibre++) {
        const int64_t outer = fibre / inner_, lane = fibre % inner_;
        const T* from = x + outer * extent_ * inner_ + lane;
        words.resize(static_cast<size_t>(extent_));
        for (int64_t i = 0; i < extent_; i++) {
          const uint32_t bits = orderedBits(from[i * inner_]);
          words[i] = static_cast<uint64_t>(descending_ ? ~bits : bits) << 32 | static_cast<uint32_t>(i);
        }
        sortFirst(words, spare);
        for (int64_t k = 0, at = outer * kept_ * inner_ + lane; k < kept_; k++, at += inner_) {
          const int32_t place = static_cast<int32_t>(words[k] & 0xffffffffu);
          places[at] = place;
          values[at] = from[place * inner_];
        }
      }
    });
  }

 private:
  // Puts the first `kept_` words in order.
  void sortFirst(std::vector<uint64_t>& words, std::vector<uint64_t>& spare) const {
    if (kept_ < extent_) {
      std::nth_element(words.begin(), words.begin() + kept_, words.end());
      words.resize(static_cast<size_t>(kept_));
    }
    // What nth_element leaves is not in order of places, which radix sort needs.
    if (kept_ == extent_ && words.size() >= kRadix) {
      radixSort(words, spare);
    } else {
      std::sort(words.begin(), words.end());
    }
  }

  bool descending_;
  int64_t extent_, kept_, fibres_ = 1, inner_ = 1;
};

std::unique_ptr<Kernel> create(const NodeSpec& node, bool descending) {
  return withNumber(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    return std::make_unique<Order<decltype(zero)>>(node, descending);
  });
}

}  // namespace

std::unique_ptr<Kernel> createTopK(const NodeSpec& node) { return create(node, node.attrs.at("largest").boolean()); }

std::unique_ptr<Kernel> createSort(const NodeSpec& node) { return create(node, node.attrs.at("descending").boolean()); }

}  // namespace omma
