// avgPool2d and avgPool2dGrad where oneDNN refuses them: windows that ceilMode puts beyond the padding while padding counts. PyTorch
// divides there by what lies inside of the padded image.
#include <vector>

#include "channel_chunks.h"
#include "float_sums.h"
#include "parallel.h"
#include "window.h"

namespace omma {
namespace {

// The pixels [from, to) of one axis that a window covers, and how many it counts in its mean.
struct Coverage {
  int64_t from, to;
  int64_t counted;
};

std::vector<Coverage> coverageOf(const NodeSpec& node, size_t axis, int64_t extent, int64_t places) {
  const int64_t kernel = node.attrs.at("kernel").integers()[axis], stride = node.attrs.at("stride").integers()[axis];
  const std::vector<int64_t> padding = node.attrs.at("padding").integers();
  const bool countPadding = node.attrs.at("countIncludePad").boolean();
  std::vector<Coverage> result;
  for (int64_t place = 0; place < places; place++) {
    const int64_t start = place * stride - padding[axis];
    const int64_t end = std::min(start + kernel, extent + padding[2 + axis]);
    const int64_t from = std::max<int64_t>(start, 0), to = std::min(end, extent);
    result.push_back({from, to, countPadding ? end - start : to - from});
  }
  return result;
}

template <typename T>
class AvgPool : public Kernel {
 public:
  AvgPool(const NodeSpec& node, const TensorSpec& image, const TensorSpec& pooled)
      : image_(image.shape, sharedLayout(image, pooled)), pooled_(pooled.shape, sharedLayout(image, pooled)),
        rows_(coverageOf(node, 0, image.shape[2], pooled.shape[2])), columns_(coverageOf(node, 1, image.shape[3], pooled.shape[3])) {}

  void run(const RunArguments& arguments) override {
    forPlanes([&](auto zero, int64_t image, int64_t pooled) { pool(zero, arguments.input<T>(0) + image, arguments.output<T>(0) + pooled); });
  }

 protected:
  template <typename Body>
  void forPlanes(Body&& body) const {
    parallelFor(image_.images() * image_.chunks(), image_.area() * 8, [&](int64_t i) {
      const int64_t n = i / image_.chunks(), chunk = i % image_.chunks();
      image_.with(chunk, [&](auto zero) { body(zero, image_.offset(n, chunk), pooled_.offset(n, chunk)); });
    });
  }

  // Calls visit(place, window's rows, columns, 1 / divisor) with the place in pixels.
  template <typename Visit>
  void forWindows(Visit&& visit) const {
    int64_t place = 0;
    for (const Coverage& rows : rows_) {
      for (const Coverage& columns : columns_) {
        visit(place++, rows, columns, 1.0f / static_cast<float>(rows.counted * columns.counted));
      }
    }
  }

  template <typename V>
  void pool(V zero, const T* x, T* y) const {
    const int64_t pixel = image_.pixel();
    forWindows([&](int64_t place, const Coverage& rows, const Coverage& columns, float share) {
      V sum = zero;
      for (int64_t row = rows.from; row < rows.to; row++) {
        for (int64_t column = columns.from; column < columns.to; column++) {
          sum += loadAs<V>(x + (row * image_.width() + column) * pixel);
        }
      }
      storeAs<V>(y + place * pixel, sum * share);
    });
  }

  ChannelChunks image_, pooled_;
  std::vector<Coverage> rows_, columns_;
};

template <typename T>
class AvgPoolGrad : public AvgPool<T> {
 public:
  explicit AvgPoolGrad(const NodeSpec& node) : AvgPool<T>(node, node.outputs[0], node.inputs[0]) {}

  size_t scratchBytes() const override { return FloatSums<T>::scratchBytes(this->image_.elements()); }

  void run(const RunArguments& arguments) override {
    FloatSums<T> sums(arguments.output<T>(0), arguments.scratch, this->image_.elements());
    sums.clear();
    this->forPlanes([&](auto zero, int64_t image, int64_t pooled) { spread(zero, arguments.input<T>(0) + pooled, sums.data() + image); });
    sums.finish();
  }

 private:
  template <typename V>
  void spread(V, const T* dy, float* dx) const {
    const int64_t pixel = this->image_.pixel();
    this->forWindows([&](int64_t place, const Coverage& rows, const Coverage& columns, float share) {
      const V part = loadAs<V>(dy + place * pixel) * share;
      for (int64_t row = rows.from; row < rows.to; row++) {
        for (int64_t column = columns.from; column < columns.to; column++) {
          float* to = dx + (row * this->image_.width() + column) * pixel;
          storeAs<V>(to, loadAs<V>(to) + part);
        }
      }
    });
  }
};

}  // namespace

std::unique_ptr<Kernel> createAvgPool(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    return std::make_unique<AvgPool<decltype(zero)>>(node, node.inputs[0], node.outputs[0]);
  });
}

std::unique_ptr<Kernel> createAvgPoolGrad(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    return std::make_unique<AvgPoolGrad<decltype(zero)>>(node);
  });
}

}  // namespace omma
