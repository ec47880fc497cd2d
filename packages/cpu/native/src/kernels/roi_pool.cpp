// roiPool and roiPoolGrad: the largest pixel in each cell of a grid over a region, with torchvision's rounding.
//
// The gradient finds the maxima again instead of keeping their places. Plain layout; a thread owns planes of the result.
#include <algorithm>
#include <cmath>
#include <vector>

#include "float_sums.h"
#include "parallel.h"
#include "vision.h"

namespace omma {
namespace {

struct Range {
  int64_t from, to;
};

double roundAway(double value) { return std::copysign(std::floor(std::fabs(value) + 0.5), value); }

struct Regions {
  Regions(const NodeSpec& node)
      : images(node.inputs[0].shape[0]), channels(node.inputs[0].shape[1]), height(node.inputs[0].shape[2]),
        width(node.inputs[0].shape[3]), count(node.inputs[1].shape[0]), output(node.attrs.at("output").integers()),
        scale(node.attrs.at("scale").number()) {}

  int64_t area() const { return output[0] * output[1]; }

  template <typename T>
  int64_t imageOf(const T* roi) const {
    const float image = roi[0];
    return image >= 0 && image < static_cast<float>(images) ? static_cast<int64_t>(image) : -1;
  }

  // Pixels of each cell along one axis; in float32, because the rounding decides.
  std::vector<Range> ranges(float start, float end, int64_t cells, int64_t extent) const {
    const double first = roundAway(static_cast<float>(start * scale));
    const double length = std::max(roundAway(static_cast<float>(end * scale)) - first + 1, 1.0);
    const float cell = static_cast<float>(length / static_cast<double>(cells));
    const auto inside = [&](double position) {
      const double pixel = position + first;
      return pixel > 0 ? static_cast<int64_t>(std::min(pixel, static_cast<double>(extent))) : int64_t{0};
    };
    std::vector<Range> result;
    for (int64_t i = 0; i < cells; i++) {
      result.push_back({inside(std::floor(static_cast<float>(i) * cell)), inside(std::ceil(static_cast<float>(i + 1) * cell))});
    }
    return result;
  }

  // Calls visit(cell, pixel of the plane) for a region's cells that have a pixel.
  template <typename T, typename Visit>
  void forMaxima(const T* plane, const std::vector<Range>& rows, const std::vector<Range>& columns, Visit&& visit) const {
    for (size_t i = 0, cell = 0; i < rows.size(); i++) {
      for (size_t j = 0; j < columns.size(); j++, cell++) {
        int64_t best = -1;
        for (int64_t row = rows[i].from; row < rows[i].to; row++) {
          for (int64_t at = row * width + columns[j].from; at < row * width + columns[j].to; at++) {
            if (best < 0 || static_cast<float>(plane[at]) > static_cast<float>(plane[best])) best = at;
          }
        }
        if (best >= 0) visit(static_cast<int64_t>(cell), best);
      }
    }
  }

  int64_t images, channels, height, width, count;
  std::vector<int64_t> output;
  double scale;
};

template <typename T>
class RoiPool : public Kernel {
 public:
  explicit RoiPool(const NodeSpec& node) : regions_(node) {}

  void run(const RunArguments& arguments) override {
    const T *x = arguments.input<T>(0), *rois = arguments.input<T>(1);
    T* y = arguments.output<T>(0);
    const int64_t channels = regions_.channels, area = regions_.area();
    parallelFor(regions_.count, channels * area * 16, [&](int64_t region) {
      const T* roi = rois + 5 * region;
      T* to = y + region * channels * area;
      std::fill_n(to, channels * area, T(0.0f));
      const int64_t image = regions_.imageOf(roi);
      if (image < 0) return;
      const auto rows = regions_.ranges(roi[2], roi[4], regions_.output[0], regions_.height);
      const auto columns = regions_.ranges(roi[1], roi[3], regions_.output[1], regions_.width);
      for (int64_t c = 0; c < channels; c++) {
        const T* plane = x + (image * channels + c) * regions_.height * regions_.width;
        regions_.forMaxima(plane, rows, columns, [&](int64_t cell, int64_t pixel) { to[c * area + cell] = plane[pixel]; });
      }
    });
  }

 private:
  Regions regions_;
};

template <typename T>
class RoiPoolGrad : public Kernel {
 public:
  explicit RoiPoolGrad(const NodeSpec& node) : regions_(node), elements_(node.outputs[0].elements()) {}

  size_t scratchBytes() const override { return FloatSums<T>::scratchBytes(elements_); }

  void run(const RunArguments& arguments) override {
    const T *x = arguments.input<T>(0), *rois = arguments.input<T>(1), *dy = arguments.input<T>(2);
    FloatSums<T> sums(arguments.output<T>(0), arguments.scratch, elements_);
    sums.clear();
    const int64_t channels = regions_.channels, area = regions_.area();
    // A thread takes some channels of all images.
    parallelRange(channels, regions_.count * area * 16, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t region = 0; region < regions_.count; region++) {
        const T* roi = rois + 5 * region;
        const int64_t image = regions_.imageOf(roi);
        if (image < 0) continue;
        const auto rows = regions_.ranges(roi[2], roi[4], regions_.output[0], regions_.height);
        const auto columns = regions_.ranges(roi[1], roi[3], regions_.output[1], regions_.width);
        for (int64_t c = begin; c < end; c++) {
          const int64_t plane = (image * channels + c) * regions_.height * regions_.width;
          const T* from = dy + (region * channels + c) * area;
          regions_.forMaxima(x + plane, rows, columns,
                             [&](int64_t cell, int64_t pixel) { sums.data()[plane + pixel] += static_cast<float>(from[cell]); });
        }
      }
    });
    sums.finish();
  }

 private:
  Regions regions_;
  int64_t elements_;
};

}  // namespace

std::unique_ptr<Kernel> createRoiPool(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<RoiPool<decltype(zero)>>(node); });
}

std::unique_ptr<Kernel> createRoiPoolGrad(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<RoiPoolGrad<decltype(zero)>>(node); });
}

}  // namespace omma
