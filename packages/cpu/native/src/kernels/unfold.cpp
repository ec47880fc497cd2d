// unfold and fold: windows of an image as columns [N, C * kh * kw, L], and columns added back to the pixels they came from.
//
// A thread works on whole rows of columns (unfold) or whole planes of the image (fold). Plain layout: the columns go into a matmul.
#include <vector>

#include "float_sums.h"
#include "parallel.h"
#include "window.h"

namespace omma {
namespace {

// Along one axis for one kernel tap: the places [from, to) whose pixel lies inside, and the pixel of place 0.
struct TapRange {
  int64_t start, from, to;
};

struct Windows {
  Windows(const NodeSpec& node, const Shape& image)
      : planes(image[0] * image[1]), height(image[2]), width(image[3]), stride(node.attrs.at("stride").integers()) {
    const std::vector<int64_t> kernel = node.attrs.at("kernel").integers(), dilation = node.attrs.at("dilation").integers();
    const std::vector<int64_t> padding = node.attrs.at("padding").integers();
    for (size_t axis = 0; axis < 2; axis++) {
      const int64_t extent = image[2 + axis];
      places[axis] = (extent + padding[axis] + padding[2 + axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1;
      for (int64_t k = 0; k < kernel[axis]; k++) {
        const int64_t start = k * dilation[axis] - padding[axis];
        const int64_t from = start >= 0 ? 0 : (-start + stride[axis] - 1) / stride[axis];
        const int64_t to = extent - start <= 0 ? 0 : (extent - start + stride[axis] - 1) / stride[axis];
        taps[axis].push_back({start, std::min(from, places[axis]), std::clamp(to, std::min(from, places[axis]), places[axis])});
      }
    }
  }

  int64_t kernelSize() const { return static_cast<int64_t>(taps[0].size() * taps[1].size()); }
  int64_t area() const { return places[0] * places[1]; }
  const TapRange& down(int64_t tap) const { return taps[0][tap / taps[1].size()]; }
  const TapRange& across(int64_t tap) const { return taps[1][tap % taps[1].size()]; }

  int64_t planes, height, width;
  std::vector<int64_t> stride;
  int64_t places[2];
  std::vector<TapRange> taps[2];
};

template <typename W>
class Unfold : public Kernel {
 public:
  explicit Unfold(const NodeSpec& node) : windows_(node, node.inputs[0].shape) {}

  void run(const RunArguments& arguments) override {
    const W* x = arguments.input<W>(0);
    W* columns = arguments.output<W>(0);
    const int64_t size = windows_.kernelSize();
    parallelFor(windows_.planes * size, windows_.area(), [&](int64_t row) {
      copyTap(x + row / size * windows_.height * windows_.width, windows_.down(row % size), windows_.across(row % size),
              columns + row * windows_.area());
    });
  }

 private:
  void copyTap(const W* plane, const TapRange& down, const TapRange& across, W* to) const {
    const int64_t stride = windows_.stride[1];
    for (int64_t i = 0; i < windows_.places[0]; i++, to += windows_.places[1]) {
      if (i < down.from || i >= down.to) {
        std::fill_n(to, windows_.places[1], W{0});
        continue;
      }
      const W* line = plane + (i * windows_.stride[0] + down.start) * windows_.width + across.start;
      std::fill_n(to, across.from, W{0});
      if (stride == 1) {
        std::copy(line + across.from, line + across.to, to + across.from);
      } else {
        for (int64_t j = across.from; j < across.to; j++) to[j] = line[j * stride];
      }
      std::fill(to + across.to, to + windows_.places[1], W{0});
    }
  }

  Windows windows_;
};

template <typename T>
class Fold : public Kernel {
 public:
  explicit Fold(const NodeSpec& node) : windows_(node, node.outputs[0].shape), elements_(node.outputs[0].elements()) {}

  size_t scratchBytes() const override { return FloatSums<T>::scratchBytes(elements_); }

  void run(const RunArguments& arguments) override {
    const T* columns = arguments.input<T>(0);
    FloatSums<T> sums(arguments.output<T>(0), arguments.scratch, elements_);
    sums.clear();
    const int64_t size = windows_.kernelSize();
    parallelFor(windows_.planes, size * windows_.area(), [&](int64_t plane) {
      for (int64_t tap = 0; tap < size; tap++) {
        addTap(columns + (plane * size + tap) * windows_.area(), windows_.down(tap), windows_.across(tap),
               sums.data() + plane * windows_.height * windows_.width);
      }
    });
    sums.finish();
  }

 private:
  void addTap(const T* from, const TapRange& down, const TapRange& across, float* plane) const {
    const int64_t stride = windows_.stride[1];
    for (int64_t i = down.from; i < down.to; i++) {
      const T* row = from + i * windows_.places[1];
      float* line = plane + (i * windows_.stride[0] + down.start) * windows_.width + across.start;
      int64_t j = across.from;
      if (stride == 1) {
        for (; j + 8 <= across.to; j += 8) store8(line + j, load8(line + j) + load8(row + j));
      }
      for (; j < across.to; j++) line[j * stride] += static_cast<float>(row[j]);
    }
  }

  Windows windows_;
  int64_t elements_;
};

}  // namespace

std::unique_ptr<Kernel> createUnfold(const NodeSpec& node) {
  return withWidth(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<Unfold<decltype(zero)>>(node); });
}

std::unique_ptr<Kernel> createFold(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<Fold<decltype(zero)>>(node); });
}

}  // namespace omma
