// gridSample and gridSampleGrad: an image read at places that a second tensor names.
//
// Forward, a thread takes rows of places, finds their taps once and goes over all channels with them. Backward, image by image:
// the taps of all places lie in scratch memory, then threads take rows of places for dgrid and channel chunks for dx, so that
// both are summed in a fixed order.
#include <vector>

#include "channel_chunks.h"
#include "float_sums.h"
#include "grid_taps.h"
#include "parallel.h"
#include "vision.h"

namespace omma {
namespace {

struct Geometry {
  Geometry(const NodeSpec& node, const TensorSpec& image, const TensorSpec& sampled)
      : x(image.shape, sharedLayout(image, sampled)), y(sampled.shape, sharedLayout(image, sampled)), taps(node.attrs) {}

  // Points [begin, end) of a grid that starts at `grid`, x before y.
  template <typename T>
  void points(const T* grid, int64_t begin, int64_t end, SamplePoint* to) const {
    for (int64_t i = begin; i < end; i++) {
      *to++ = {taps.of(grid[2 * i + 1], x.height()), taps.of(grid[2 * i], x.width())};
    }
  }

  ChannelChunks x, y;
  GridTaps taps;
};

template <typename T>
class GridSample : public Kernel {
 public:
  explicit GridSample(const NodeSpec& node) : g_(node, node.inputs[0], node.outputs[0]) {}

  void run(const RunArguments& arguments) override {
    const T *x = arguments.input<T>(0), *grid = arguments.input<T>(1);
    T* y = arguments.output<T>(0);
    const int64_t rows = g_.y.height(), width = g_.y.width();
    parallelRange(g_.y.images() * rows, width * (64 + 8 * g_.y.channels()), 1, [&](int64_t begin, int64_t end, int) {
      std::vector<SamplePoint> points(static_cast<size_t>(width));
      for (int64_t row = begin; row < end; row++) {
        const int64_t image = row / rows;
        g_.points(grid, row * width, (row + 1) * width, points.data());
        for (int64_t chunk = 0; chunk < g_.y.chunks(); chunk++) {
          const T* from = x + g_.x.offset(image, chunk);
          T* to = y + g_.y.offset(image, chunk) + row % rows * width * g_.y.pixel();
          g_.y.with(chunk, [&](auto zero) { sample(zero, from, points, to); });
        }
      }
    });
  }

 private:
  template <typename V>
  void sample(V zero, const T* x, const std::vector<SamplePoint>& points, T* y) const {
    const int64_t pixel = g_.x.pixel();
    for (const auto& [down, across] : points) {
      V sum = zero;
      for (int a = 0; a < down.count; a++) {
        const T* row = x + down.index[a] * g_.x.width() * pixel;
        for (int b = 0; b < across.count; b++) {
          sum += loadAs<V>(row + across.index[b] * pixel) * (down.weight[a] * across.weight[b]);
        }
      }
      storeAs<V>(y, sum);
      y += pixel;
    }
  }

  Geometry g_;
};

template <typename T>
class GridSampleGrad : public Kernel {
 public:
  explicit GridSampleGrad(const NodeSpec& node) : g_(node, node.inputs[1], node.inputs[0]) {}

  size_t scratchBytes() const override { return FloatSums<T>::scratchBytes(g_.x.elements()) + sizeof(SamplePoint) * g_.y.area(); }

  void run(const RunArguments& arguments) override {
    const T *dy = arguments.input<T>(0), *x = arguments.input<T>(1), *grid = arguments.input<T>(2);
    T* dgrid = arguments.output<T>(1);
    FloatSums<T> sums(arguments.output<T>(0), arguments.scratch, g_.x.elements());
    SamplePoint* points =
        reinterpret_cast<SamplePoint*>(static_cast<char*>(arguments.scratch) + FloatSums<T>::scratchBytes(g_.x.elements()));
    sums.clear();
    const int64_t area = g_.y.area(), chunks = g_.x.chunks();
    for (int64_t image = 0; image < g_.x.images(); image++) {
      parallelRange(area, 64 + 8 * g_.x.channels(), 1, [&](int64_t begin, int64_t end, int) {
        g_.points(grid + image * area * 2, begin, end, points + begin);
        slopes(image, dy, x, points, begin, end, dgrid + image * area * 2);
      });
      parallelFor(chunks, area * 32, [&](int64_t chunk) {
        const T* from = dy + g_.y.offset(image, chunk);
        float* to = sums.data() + g_.x.offset(image, chunk);
        g_.x.with(chunk, [&](auto zero) { spread(zero, from, points, to); });
      });
    }
    sums.finish();
  }

 private:
  template <typename V>
  void spread(V, const T* dy, const SamplePoint* points, float* dx) const {
    const int64_t pixel = g_.x.pixel();
    for (int64_t i = 0; i < g_.y.area(); i++) {
      const auto& [down, across] = points[i];
      const V part = loadAs<V>(dy + i * pixel);
      for (int a = 0; a < down.count; a++) {
        float* row = dx + down.index[a] * g_.x.width() * pixel;
        for (int b = 0; b < across.count; b++) {
          float* to = row + across.index[b] * pixel;
          storeAs<V>(to, loadAs<V>(to) + part * (down.weight[a] * across.weight[b]));
        }
      }
    }
  }

  // dgrid of the points [begin, end): over all channels, dy times what the point's value gains by moving.
  void slopes(int64_t image, const T* dy, const T* x, const SamplePoint* points, int64_t begin, int64_t end, T* dgrid) const {
    std::vector<float> sums(static_cast<size_t>(2 * (end - begin)), 0.0f);
    for (int64_t chunk = 0; chunk < g_.x.chunks(); chunk++) {
      const T* from = x + g_.x.offset(image, chunk);
      const T* above = dy + g_.y.offset(image, chunk);
      g_.x.with(chunk, [&](auto zero) {
        for (int64_t i = begin; i < end; i++) addSlopes(zero, from, above + i * g_.y.pixel(), points[i], &sums[2 * (i - begin)]);
      });
    }
    storeFloats(sums.data(), dgrid + 2 * begin, 2 * (end - begin));
  }

  template <typename V>
  void addSlopes(V zero, const T* x, const T* dy, const SamplePoint& point, float* sums) const {
    const auto& [down, across] = point;
    const int64_t pixel = g_.x.pixel();
    V byX = zero, byY = zero;
    for (int a = 0; a < down.count; a++) {
      const T* row = x + down.index[a] * g_.x.width() * pixel;
      for (int b = 0; b < across.count; b++) {
        const V value = loadAs<V>(row + across.index[b] * pixel);
        byX += value * (down.weight[a] * across.slope[b]);
        byY += value * (down.slope[a] * across.weight[b]);
      }
    }
    const V part = loadAs<V>(dy);
    sums[0] += total(byX * part);
    sums[1] += total(byY * part);
  }

  static float total(float v) { return v; }
  static float total(Float8 v) { return sum8(v); }

  Geometry g_;
};

}  // namespace

std::unique_ptr<Kernel> createGridSample(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<GridSample<decltype(zero)>>(node); });
}

std::unique_ptr<Kernel> createGridSampleGrad(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<GridSampleGrad<decltype(zero)>>(node); });
}

}  // namespace omma
