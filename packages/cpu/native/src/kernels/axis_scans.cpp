// argMax, argMin and cumSum: one walk along an axis, row major.
#include <type_traits>

#include "axis.h"
#include "convert.h"
#include "families.h"
#include "parallel.h"

namespace omma {
namespace {

// Comparable without loss: int32 does not fit into float32.
template <typename T>
using Key = std::conditional_t<std::is_integral_v<T>, int64_t, float>;

template <typename T, bool Largest>
class ArgExtreme : public Kernel {
 public:
  explicit ArgExtreme(const NodeSpec& node) : view_(node.inputs[0].shape, node.attrs.at("axis").integer()) {}

  void run(const RunArguments& arguments) override {
    const T* x = arguments.input<T>(0);
    int32_t* y = arguments.output<int32_t>(0);
    parallelFor(view_.lines(), view_.extent, [&](int64_t line) {
      const T* from = x + view_.start(line);
      Key<T> best = static_cast<Key<T>>(from[0]);
      int32_t place = 0;
      for (int64_t i = 1; i < view_.extent; i++) {
        const Key<T> each = static_cast<Key<T>>(from[i * view_.inner]);
        // The first wins a tie; the first NaN wins over everything.
        const bool better = Largest ? each > best : each < best;
        if (better || (each != each && best == best)) {
          best = each;
          place = static_cast<int32_t>(i);
        }
      }
      y[line] = place;
    });
  }

 private:
  AxisView view_;
};

template <typename T>
class CumulativeSum : public Kernel {
 public:
  explicit CumulativeSum(const NodeSpec& node)
      : view_(node.inputs[0].shape, node.attrs.at("axis").integer()),
        reverse_(node.attrs.at("reverse").boolean()),
        exclusive_(node.attrs.at("exclusive").boolean()) {}

  void run(const RunArguments& arguments) override {
    const T* x = arguments.input<T>(0);
    T* y = arguments.output<T>(0);
    using Sum = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
    parallelFor(view_.lines(), view_.extent, [&](int64_t line) {
      const int64_t start = view_.start(line);
      Sum sum = 0;
      for (int64_t i = 0; i < view_.extent; i++) {
        const int64_t at = start + (reverse_ ? view_.extent - 1 - i : i) * view_.inner;
        const Sum next = sum + static_cast<Sum>(x[at]);
        y[at] = store(exclusive_ ? sum : next);
        sum = next;
      }
    });
  }

 private:
  static T store(int64_t value) { return static_cast<T>(value); }
  static T store(double value) { return static_cast<T>(static_cast<float>(value)); }

  AxisView view_;
  bool reverse_, exclusive_;
};

template <bool Largest>
std::unique_ptr<Kernel> createArg(const NodeSpec& node) {
  return withNumber(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    return std::make_unique<ArgExtreme<decltype(zero), Largest>>(node);
  });
}

std::unique_ptr<Kernel> createCumSum(const NodeSpec& node) {
  return withNumber(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    return std::make_unique<CumulativeSum<decltype(zero)>>(node);
  });
}

}  // namespace

void registerAxisScans(KernelTable& table) {
  table.add("argMax", {nullptr, nullptr, createArg<true>, nullptr});
  table.add("argMin", {nullptr, nullptr, createArg<false>, nullptr});
  table.add("cumSum", {nullptr, nullptr, createCumSum, nullptr});
}

}  // namespace omma
