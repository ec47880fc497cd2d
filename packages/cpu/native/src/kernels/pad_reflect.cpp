#include "pad_reflect.h"

#include "convert.h"
#include "parallel.h"
#include "strided.h"

namespace omma {
namespace {

// Per axis, the source's offset for every place of the target; the border itself is not repeated.
class PadReflect : public Kernel {
 public:
  PadReflect(const NodeSpec& node, const std::vector<int64_t>& before) : dtype_(node.inputs[0].dtype) {
    const Shape &source = node.inputs[0].shape, &target = node.outputs[0].shape;
    const std::vector<int64_t> strides = rowMajorStrides(source);
    for (size_t axis = 0; axis < target.size(); axis++) {
      std::vector<int64_t> offsets;
      for (int64_t place = 0; place < target[axis]; place++) {
        int64_t from = place - before[axis];
        if (from < 0) from = -from;
        if (from >= source[axis]) from = 2 * (source[axis] - 1) - from;
        offsets.push_back(from * strides[axis]);
      }
      offsets_.push_back(std::move(offsets));
    }
    if (offsets_.empty()) offsets_.push_back({0});
    for (size_t axis = 0; axis + 1 < offsets_.size(); axis++) rows_ *= static_cast<int64_t>(offsets_[axis].size());
  }

  void run(const RunArguments& arguments) override {
    withWidth(dtype_, [&](auto zero) {
      using T = decltype(zero);
      const std::vector<int64_t>& columns = offsets_.back();
      const int64_t width = static_cast<int64_t>(columns.size());
      parallelFor(rows_, width, [&](int64_t row) {
        const T* from = arguments.input<T>(0);
        int64_t index = row;
        for (size_t axis = offsets_.size() - 1; axis-- > 0;) {
          const int64_t extent = static_cast<int64_t>(offsets_[axis].size());
          from += offsets_[axis][index % extent];
          index /= extent;
        }
        T* to = arguments.output<T>(0) + row * width;
        for (int64_t i = 0; i < width; i++) to[i] = from[columns[i]];
      });
    });
  }

 private:
  DType dtype_;
  std::vector<std::vector<int64_t>> offsets_;
  int64_t rows_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> createPadReflect(const NodeSpec& node, const std::vector<int64_t>& before) {
  return std::make_unique<PadReflect>(node, before);
}

}  // namespace omma
