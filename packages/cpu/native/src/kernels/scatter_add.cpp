// scatterAdd and indexAdd, the gradients of gather and indexSelect: x plus updates at places along an axis.
//
// Threads take contiguous ranges of the columns that the updates form across the axis; all updates of an element are in one
// column and are added in order, so the sums are the same run after run.
#include "axis_walk.h"
#include "float_sums.h"
#include "index.h"
#include "index_check.h"

namespace omma {
namespace {

// Calls body(outer, begin, end) for the parts of a thread's range of columns that lie in one outer coordinate.
template <typename Body>
void forColumns(int64_t outer, int64_t inner, int64_t cost, Body&& body) {
  parallelRange(outer * inner, cost, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t o = begin / inner; o * inner < end; o++) {
      body(o, std::max<int64_t>(0, begin - o * inner), std::min(inner, end - o * inner));
    }
  });
}

// Integers are summed as they are.
template <typename T>
struct IntegerSums {
  static size_t scratchBytes(int64_t) { return 0; }
  IntegerSums(T* output, void*, int64_t elements) : output_(output), elements_(elements) {}
  T* data() const { return output_; }
  void load(const T* from) {
    if (from != output_) std::memcpy(output_, from, static_cast<size_t>(elements_) * sizeof(T));
  }
  void finish() {}

 private:
  T* output_;
  int64_t elements_;
};

template <typename T>
using SumsOf = std::conditional_t<std::is_integral<T>::value, IntegerSums<T>, FloatSums<T>>;

template <typename T>
class ScatterAdd : public Kernel {
 public:
  explicit ScatterAdd(const NodeSpec& node)
      : walk_(node.inputs[0].shape, node.inputs[1].shape, node.attrs.at("axis").integer()), elements_(node.inputs[0].elements()) {}

  size_t scratchBytes() const override { return SumsOf<T>::scratchBytes(elements_); }

  void run(const RunArguments& arguments) override {
    const int32_t* index = arguments.input<int32_t>(1);
    const T* updates = arguments.input<T>(2);
    checkIndices(index, walk_.outer * walk_.extent * walk_.inner, walk_.dataExtent);
    SumsOf<T> sums(arguments.output<T>(0), arguments.scratch, elements_);
    sums.load(arguments.input<T>(0));
    forColumns(walk_.outer, walk_.inner, walk_.extent, [&](int64_t o, int64_t begin, int64_t end) {
      auto* to = sums.data() + walk_.outerPlace(o);
      for (int64_t k = 0; k < walk_.extent; k++) {
        const int64_t row = (o * walk_.extent + k) * walk_.inner;
        for (int64_t j = begin; j < end; j++) {
          auto& sum = to[index[row + j] * walk_.dataInner + walk_.innerPlace(j)];
          sum = sum + updates[row + j];
        }
      }
    });
    sums.finish();
  }

 private:
  AxisWalk walk_;
  int64_t elements_;
};

template <typename T>
class IndexAdd : public Kernel {
 public:
  explicit IndexAdd(const NodeSpec& node)
      : walk_(node.inputs[0].shape, node.inputs[2].shape, node.attrs.at("axis").integer()), elements_(node.inputs[0].elements()) {}

  size_t scratchBytes() const override { return SumsOf<T>::scratchBytes(elements_); }

  void run(const RunArguments& arguments) override {
    const int32_t* index = arguments.input<int32_t>(1);
    const T* updates = arguments.input<T>(2);
    checkIndices(index, walk_.extent, walk_.dataExtent);
    SumsOf<T> sums(arguments.output<T>(0), arguments.scratch, elements_);
    sums.load(arguments.input<T>(0));
    forColumns(walk_.outer, walk_.inner, walk_.extent, [&](int64_t o, int64_t begin, int64_t end) {
      for (int64_t k = 0; k < walk_.extent; k++) {
        auto* to = sums.data() + walk_.outerPlace(o) + index[k] * walk_.dataInner;
        const T* from = updates + (o * walk_.extent + k) * walk_.inner;
        for (int64_t j = begin; j < end; j++) to[j] = to[j] + from[j];
      }
    });
    sums.finish();
  }

 private:
  AxisWalk walk_;
  int64_t elements_;
};

}  // namespace

std::unique_ptr<Kernel> createScatterAdd(const NodeSpec& node) {
  return withNumber(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    return std::make_unique<ScatterAdd<decltype(zero)>>(node);
  });
}

std::unique_ptr<Kernel> createIndexAdd(const NodeSpec& node) {
  return withNumber(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    return std::make_unique<IndexAdd<decltype(zero)>>(node);
  });
}

}  // namespace omma
