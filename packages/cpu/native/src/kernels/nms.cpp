// nms: greedy suppression of boxes by those of higher score.
//
// Candidates come in order of their scores and are held against the boxes kept so far, whose corners lie in arrays of their own,
// so that one pass is vectorised and stops at the first block with an overlap. Overlaps are computed in float64: the comparison
// with the threshold decides, and float32 coordinates then decide as exactly as they can.
#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "convert.h"
#include "vision.h"

namespace omma {
namespace {

struct Box {
  double x1, y1, x2, y2;
  double area() const { return (x2 - x1) * (y2 - y1); }
};

class Kept {
 public:
  void add(const Box& box) {
    x1_.push_back(box.x1);
    y1_.push_back(box.y1);
    x2_.push_back(box.x2);
    y2_.push_back(box.y2);
    area_.push_back(box.area());
  }
  size_t size() const { return x1_.size(); }

  // Whether a kept box overlaps this one by more than the threshold. The overlap of two boxes without area is not a number, which is
  // not more, as in torchvision.
  bool overlaps(const Box& box, double threshold) const {
    const double area = box.area();
    for (size_t begin = 0; begin < size(); begin += kBlock) {
      const size_t end = std::min(size(), begin + kBlock);
      int hits = 0;
#pragma omp simd reduction(+ : hits)
      for (size_t i = begin; i < end; i++) {
        const double width = std::max(std::min(x2_[i], box.x2) - std::max(x1_[i], box.x1), 0.0);
        const double height = std::max(std::min(y2_[i], box.y2) - std::max(y1_[i], box.y1), 0.0);
        const double common = width * height;
        hits += common / (area_[i] + area - common) > threshold ? 1 : 0;
      }
      if (hits > 0) return true;
    }
    return false;
  }

 private:
  static constexpr size_t kBlock = 128;
  std::vector<double> x1_, y1_, x2_, y2_, area_;
};

template <typename T>
class Nms : public Kernel {
 public:
  explicit Nms(const NodeSpec& node)
      : count_(node.inputs[1].elements()), places_(node.outputs[0].elements()), threshold_(node.attrs.at("iouThreshold").number()) {}

  void run(const RunArguments& arguments) override {
    const T *boxes = arguments.input<T>(0), *scores = arguments.input<T>(1);
    int32_t* indices = arguments.output<int32_t>(0);
    std::vector<int32_t> order(static_cast<size_t>(count_));
    std::iota(order.begin(), order.end(), 0);
    // A score that is not a number comes last: the order must be total.
    const auto rank = [&](int32_t i) {
      const float score = scores[i];
      return score == score ? score : -std::numeric_limits<float>::infinity();
    };
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return rank(a) > rank(b); });
    Kept kept;
    std::fill_n(indices, places_, -1);
    for (int32_t candidate : order) {
      if (static_cast<int64_t>(kept.size()) == places_) break;
      const T* corners = boxes + 4 * candidate;
      const Box box{static_cast<float>(corners[0]), static_cast<float>(corners[1]), static_cast<float>(corners[2]),
                    static_cast<float>(corners[3])};
      if (kept.overlaps(box, threshold_)) continue;
      indices[kept.size()] = candidate;
      kept.add(box);
    }
    *arguments.output<int32_t>(1) = static_cast<int32_t>(kept.size());
  }

 private:
  int64_t count_, places_;
  double threshold_;
};

}  // namespace

std::unique_ptr<Kernel> createNms(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<Nms<decltype(zero)>>(node); });
}

}  // namespace omma
