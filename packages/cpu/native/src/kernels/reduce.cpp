// Reductions over any axes in any layout: sum, mean, max, min, prod.
//
// In memory order an operand's dimensions alternate between kept and reduced ones; neighbours of one sort merge, so that every
// case becomes: for each kept outer index, over all reduced outer indices, either a contiguous run that becomes one number
// (last axis, plain global pooling) or a contiguous row that is added to a row of results (leading axis, channels last,
// channel blocks). Sums are float32 over short stretches and float64 above. Few results over many rows are split
// into a fixed number of shares that are added up in order.
#include <cmath>
#include <limits>
#include <type_traits>

#include "families.h"
#include "parallel.h"
#include "simd8.h"
#include "strided.h"

namespace omma {
namespace {

struct Sum {
  static constexpr double start = 0;
  template <typename V>
  static V combine(V a, V b) {
    return a + b;
  }
};
struct Product {
  static constexpr double start = 1;
  template <typename V>
  static V combine(V a, V b) {
    return a * b;
  }
};
// NaN wins, as in PyTorch.
struct Maximum {
  static constexpr double start = -std::numeric_limits<double>::infinity();
  template <typename V>
  static V combine(V a, V b) {
    return (b > a) | (b != b) ? b : a;
  }
};
struct Minimum {
  static constexpr double start = std::numeric_limits<double>::infinity();
  template <typename V>
  static V combine(V a, V b) {
    return (b < a) | (b != b) ? b : a;
  }
};

// Short stretches are combined in this type: int32 does not fit into float32.
template <typename T>
constexpr bool isFloatType = !std::is_integral_v<T>;
template <typename T>
using Partial = std::conditional_t<isFloatType<T>, float, double>;

constexpr int64_t kRunStretch = 2048;  // elements of a run between two additions in float64: 64 a lane
constexpr int64_t kRowStretch = 64;    // rows
constexpr int64_t kTile = 256;         // results of a row at a time

template <typename Op, typename T>
double reduceRun(const T* run, int64_t count) {
  double total = Op::start;
  for (int64_t begin = 0; begin < count; begin += kRunStretch) {
    const int64_t end = std::min(count, begin + kRunStretch);
    int64_t i = begin;
    if constexpr (isFloatType<T>) {
      Float8 lanes[4];
      for (Float8& lane : lanes) lane = splat8(static_cast<float>(Op::start));
      for (; i + 32 <= end; i += 32) {
        for (int k = 0; k < 4; k++) lanes[k] = Op::combine(lanes[k], load8(run + i + 8 * k));
      }
      const Float8 all = Op::combine(Op::combine(lanes[0], lanes[1]), Op::combine(lanes[2], lanes[3]));
      for (int k = 0; k < 8; k++) total = Op::combine(total, static_cast<double>(all[k]));
    }
    for (; i < end; i++) total = Op::combine(total, static_cast<double>(run[i]));
  }
  return total;
}

template <typename Op, typename T>
void reduceRow(const T* row, Partial<T>* into, int64_t count) {
  int64_t i = 0;
  if constexpr (isFloatType<T>) {
    for (; i + 8 <= count; i += 8) store8(into + i, Op::combine(load8(into + i), load8(row + i)));
  }
  for (; i < count; i++) into[i] = Op::combine(into[i], static_cast<Partial<T>>(row[i]));
}

struct KeptDimension {
  int64_t extent;
  int64_t stride;  // in the operand
  int64_t target;  // in the result
};

// The operand's dimensions, sorted into the roles of the header comment.
struct ReducePlan {
  std::vector<KeptDimension> kept;
  std::vector<StridedDimension> reduced;
  bool runs = true;             // the innermost dimension is reduced
  int64_t inner = 1;            // its extent
  int64_t innerTarget = 1;      // the result's stride along it, if kept
  int64_t keptCount = 1, reducedCount = 1;

  ReducePlan(const TensorSpec& x, const std::vector<int64_t>& axes) {
    std::vector<int64_t> target(x.shape.size(), 0);
    std::vector<bool> isReduced(x.shape.size(), false);
    for (int64_t axis : axes) isReduced[axis] = true;
    int64_t stride = 1;
    for (size_t axis = x.shape.size(); axis-- > 0;) {
      if (isReduced[axis]) continue;
      target[axis] = stride;
      stride *= x.shape[axis];
    }
    struct Dimension {
      int64_t extent, stride, target;
      bool reduced;
    };
    std::vector<Dimension> merged;
    const std::vector<MemoryDimension> memory = memoryDimensions(x.shape, x.layout);
    int64_t step = 1;
    for (size_t d = memory.size(); d-- > 0;) {
      const bool reduce = isReduced[memory[d].axis];
      const Dimension next{memory[d].extent, step, reduce ? 0 : target[memory[d].axis] * memory[d].step, reduce};
      step *= next.extent;
      if (next.extent == 1) continue;
      // Built from the inside out: `back` lies inside `next`.
      if (!merged.empty() && merged.back().reduced == reduce &&
          (reduce || merged.back().target * merged.back().extent == next.target)) {
        merged.back().extent *= next.extent;
      } else {
        merged.push_back(next);
      }
    }
    size_t first = 0;
    if (!merged.empty()) {
      runs = merged[0].reduced;
      inner = merged[0].extent;
      innerTarget = merged[0].target;
      first = 1;
    }
    for (size_t d = merged.size(); d-- > first;) {
      if (merged[d].reduced) {
        reduced.push_back({merged[d].extent, merged[d].stride});
        reducedCount *= merged[d].extent;
      } else {
        kept.push_back({merged[d].extent, merged[d].stride, merged[d].target});
        keptCount *= merged[d].extent;
      }
    }
  }

  int64_t reducedOffset(int64_t index) const {
    int64_t offset = 0;
    for (size_t d = reduced.size(); d-- > 0;) {
      offset += index % reduced[d].extent * reduced[d].stride;
      index /= reduced[d].extent;
    }
    return offset;
  }
};

template <typename Op, typename T>
class Reduce : public Kernel {
 public:
  Reduce(const NodeSpec& node, bool mean)
      : plan_(node.inputs[0], node.attrs.at("axes").integers()), elements_(node.inputs[0].elements()) {
    const double results = static_cast<double>(std::max<int64_t>(1, node.outputs[0].elements()));
    scale_ = mean ? results / static_cast<double>(elements_) : 1.0;
    // Work is dealt out by result; where there are few of those, by shares of the rows.
    items_ = plan_.keptCount * (plan_.runs ? 1 : (plan_.inner + kTile - 1) / kTile);
    const int64_t threads = omp_get_max_threads();
    if (items_ < 2 * threads && elements_ > kSerialElements) {
      splitsRun_ = plan_.runs && plan_.reducedCount < 4 * threads;
      const int64_t units = splitsRun_ ? plan_.inner : plan_.reducedCount;
      shares_ = std::max<int64_t>(1, std::min<int64_t>(units, (4 * threads + items_ - 1) / items_));
    }
  }

  size_t scratchBytes() const override {
    return static_cast<size_t>(shares_ * plan_.keptCount * (plan_.runs ? 1 : plan_.inner)) * sizeof(double);
  }
  double flops() const override { return static_cast<double>(elements_); }

  void run(const RunArguments& arguments) override {
    const T* x = arguments.input<T>(0);
    T* y = arguments.output<T>(0);
    double* totals = static_cast<double*>(arguments.scratch);
    const int64_t width = plan_.runs ? 1 : plan_.inner, stride = plan_.keptCount * width;
    parallelFor(items_ * shares_, elements_ / std::max<int64_t>(1, items_ * shares_), [&](int64_t i) {
      const int64_t item = i % items_, share = i / items_;
      const int64_t tiles = items_ / plan_.keptCount, kept = item / tiles, tile = item % tiles;
      double* to = totals + share * stride + kept * width + tile * kTile;
      if (plan_.runs) {
        *to = totalOfRuns(x + sourceOffset(kept), share);
      } else {
        totalsOfRows(x + sourceOffset(kept) + tile * kTile, std::min(kTile, plan_.inner - tile * kTile), share, to);
      }
    });
    parallelFor(plan_.keptCount, shares_ * width, [&](int64_t kept) {
      const int64_t target = targetOffset(kept);
      for (int64_t i = 0; i < width; i++) {
        double total = totals[kept * width + i];
        for (int64_t share = 1; share < shares_; share++) total = Op::combine(total, totals[share * stride + kept * width + i]);
        store(y + target + i * plan_.innerTarget, total * scale_);
      }
    });
  }

 private:
  static void store(T* to, double value) {
    if constexpr (isFloatType<T>) {
      *to = static_cast<T>(static_cast<float>(value));
    } else {
      // Wraps, as integer addition does.
      *to = static_cast<T>(static_cast<int64_t>(value));
    }
  }

  int64_t sourceOffset(int64_t index) const {
    int64_t offset = 0;
    for (size_t d = plan_.kept.size(); d-- > 0;) {
      offset += index % plan_.kept[d].extent * plan_.kept[d].stride;
      index /= plan_.kept[d].extent;
    }
    return offset;
  }
  int64_t targetOffset(int64_t index) const {
    int64_t offset = 0;
    for (size_t d = plan_.kept.size(); d-- > 0;) {
      offset += index % plan_.kept[d].extent * plan_.kept[d].target;
      index /= plan_.kept[d].extent;
    }
    return offset;
  }

  double totalOfRuns(const T* x, int64_t share) const {
    const int64_t units = splitsRun_ ? plan_.inner : plan_.reducedCount;
    const int64_t begin = units * share / shares_, end = units * (share + 1) / shares_;
    double total = Op::start;
    if (splitsRun_) {
      for (int64_t row = 0; row < plan_.reducedCount; row++) {
        total = Op::combine(total, reduceRun<Op>(x + plan_.reducedOffset(row) + begin, end - begin));
      }
    } else {
      for (int64_t row = begin; row < end; row++) {
        total = Op::combine(total, reduceRun<Op>(x + plan_.reducedOffset(row), plan_.inner));
      }
    }
    return total;
  }

  void totalsOfRows(const T* x, int64_t count, int64_t share, double* totals) const {
    const int64_t begin = plan_.reducedCount * share / shares_, end = plan_.reducedCount * (share + 1) / shares_;
    std::fill_n(totals, count, Op::start);
    Partial<T> stretch[kTile];
    for (int64_t first = begin; first < end; first += kRowStretch) {
      std::fill_n(stretch, count, static_cast<Partial<T>>(Op::start));
      const int64_t last = std::min(end, first + kRowStretch);
      for (int64_t row = first; row < last; row++) reduceRow<Op>(x + plan_.reducedOffset(row), stretch, count);
      for (int64_t i = 0; i < count; i++) totals[i] = Op::combine(totals[i], static_cast<double>(stretch[i]));
    }
  }

  ReducePlan plan_;
  int64_t elements_;
  double scale_;
  int64_t items_ = 1;
  int64_t shares_ = 1;
  bool splitsRun_ = false;
};

template <typename Op>
std::unique_ptr<Kernel> create(const NodeSpec& node) {
  return withNumber(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    return std::make_unique<Reduce<Op, decltype(zero)>>(node, node.op == "mean");
  });
}

LayoutPlan plan(const NodeSpec& node) {
  const Layout& offered = node.inputs[0].layout;
  return {{offered.kind == Layout::Opaque ? Layout{} : offered}, {Layout{}}};
}

}  // namespace

void registerReduce(KernelTable& table) {
  table.add("sum", {nullptr, plan, create<Sum>, nullptr});
  table.add("mean", {nullptr, plan, create<Sum>, nullptr});
  table.add("prod", {nullptr, plan, create<Product>, nullptr});
  table.add("max", {nullptr, plan, create<Maximum>, nullptr});
  table.add("min", {nullptr, plan, create<Minimum>, nullptr});
}

}  // namespace omma
