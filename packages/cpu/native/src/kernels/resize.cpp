// resize and resizeGrad: each row of the result is a weighted sum of rows of the source, then of columns within it.
//
// The gradient is the same two sums with transposed taps, so it gathers too and needs no atomics. Any layout: a row is
// [width, lanes], and rows are combined as they lie.
#include <vector>

#include "channel_chunks.h"
#include "parallel.h"
#include "window.h"

namespace omma {
namespace {

template <typename T>
class Resample : public Kernel {
 public:
  Resample(const NodeSpec& node, TapTable down, TapTable across)
      : down_(std::move(down)), across_(std::move(across)) {
    const TensorSpec &x = node.inputs[0], &y = node.outputs[0];
    lanes_ = ChannelChunks(x.shape, sharedLayout(x, y)).pixel();
    planes_ = x.shape[0] * x.shape[1] / lanes_;
    height_ = x.shape[2];
    width_ = x.shape[3];
  }

  double flops() const override {
    return 2.0 * static_cast<double>(planes_ * lanes_) *
           (static_cast<double>(down_.end(down_.rows() - 1) * width_) + static_cast<double>(across_.end(across_.rows() - 1) * down_.rows()));
  }

  void run(const RunArguments& arguments) override {
    const T* x = arguments.input<T>(0);
    T* y = arguments.output<T>(0);
    const int64_t rows = down_.rows(), made = across_.rows() * lanes_;
    parallelRange(planes_ * rows, 4 * made, 1, [&](int64_t begin, int64_t end, int) {
      std::vector<float> sums(static_cast<size_t>(width_ * lanes_)), line(static_cast<size_t>(made));
      for (int64_t i = begin; i < end; i++) {
        const int64_t row = i % rows;
        T* to = y + i * made;
        if (row > 0 && i > begin && down_.sameRow(row, row - 1)) {
          std::memcpy(to, to - made, static_cast<size_t>(made) * sizeof(T));
          continue;
        }
        sumRows(x + i / rows * height_ * width_ * lanes_, row, sums.data());
        if (lanes_ % 8 == 0) {
          sumColumns<Float8>(sums.data(), line.data());
        } else {
          sumColumns<float>(sums.data(), line.data());
        }
        storeFloats(line.data(), to, made);
      }
    });
  }

 private:
  void sumRows(const T* plane, int64_t row, float* sums) const {
    const int64_t count = width_ * lanes_;
    const int32_t first = down_.begin(row), last = down_.end(row);
    if (first == last) {
      std::fill_n(sums, count, 0.0f);
      return;
    }
    loadFloats(plane + down_.index(first) * count, sums, count);
    if (down_.isCopy(row)) return;
    for (int64_t i = 0; i < count; i++) sums[i] *= down_.weight(first);
    for (int32_t tap = first + 1; tap < last; tap++) {
      const T* from = plane + down_.index(tap) * count;
      const float weight = down_.weight(tap);
      int64_t i = 0;
      for (; i + 8 <= count; i += 8) store8(sums + i, load8(sums + i) + weight * load8(from + i));
      for (; i < count; i++) sums[i] += weight * static_cast<float>(from[i]);
    }
  }

  template <typename V>
  void sumColumns(const float* sums, float* line) const {
    constexpr int64_t width = sizeof(V) / 4;
    for (int64_t j = 0; j < across_.rows(); j++) {
      const int32_t first = across_.begin(j), last = across_.end(j);
      for (int64_t lane = 0; lane < lanes_; lane += width) {
        V sum = splatAs<V>(0);
        for (int32_t tap = first; tap < last; tap++) {
          sum += across_.weight(tap) * loadAs<V>(sums + across_.index(tap) * lanes_ + lane);
        }
        storeAs<V>(line + j * lanes_ + lane, sum);
      }
    }
  }

  TapTable down_, across_;
  int64_t lanes_, planes_, height_, width_;
};

TapTable tapsOf(const NodeSpec& node, const Shape& input, size_t axis) {
  return resizeTaps(input[2 + axis], node.attrs.at("size").integers()[axis], node.attrs.at("mode").string(),
                    node.attrs.at("alignCorners").boolean());
}

}  // namespace

std::unique_ptr<Kernel> createResize(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    const Shape& input = node.inputs[0].shape;
    return std::make_unique<Resample<decltype(zero)>>(node, tapsOf(node, input, 0), tapsOf(node, input, 1));
  });
}

std::unique_ptr<Kernel> createResizeGrad(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> {
    const Shape& input = node.outputs[0].shape;
    return std::make_unique<Resample<decltype(zero)>>(node, tapsOf(node, input, 0).transposed(input[2]),
                                                      tapsOf(node, input, 1).transposed(input[3]));
  });
}

}  // namespace omma
