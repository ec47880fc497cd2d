// roiAlign and roiAlignGrad: each cell of a grid over a region is the mean of bilinear samples in it.
//
// The samples of a cell lie on a grid, so their sum is a weighted sum of rows of weighted sums of columns: two short lists of
// taps a cell, in which samples between the same pixels have become one. The gradient adds dy along the same taps; each thread
// owns channel chunks of an image and goes over all regions of it in order.
#include <algorithm>
#include <cmath>

#include "channel_chunks.h"
#include "float_sums.h"
#include "parallel.h"
#include "tap_table.h"
#include "vision.h"

namespace omma {
namespace {

// Where a region's taps lie, and the share of one sample.
struct RegionTaps {
  int64_t image = -1;  // -1: no such image, no taps
  TapTable down, across;
  float share = 0;
};

class Regions {
 public:
  Regions(const Attribute& attrs, const Shape& image)
      : images_(image[0]), height_(image[2]), width_(image[3]), rows_(attrs.at("output").integers()[0]),
        columns_(attrs.at("output").integers()[1]), scale_(attrs.at("scale").number()),
        sampling_(attrs.at("sampling").integer()), aligned_(attrs.at("aligned").boolean()) {}

  template <typename T>
  int64_t imageOf(const T* roi) const {
    const float image = roi[0];
    return image >= 0 && image < static_cast<float>(images_) ? static_cast<int64_t>(image) : -1;
  }

  // Taps of the region (image, x1, y1, x2, y2).
  template <typename T>
  void tapsOf(const T* roi, RegionTaps& taps) const {
    taps.image = imageOf(roi);
    const int64_t down = axis(roi[2], roi[4], rows_, height_, taps.down);
    const int64_t across = axis(roi[1], roi[3], columns_, width_, taps.across);
    taps.share = 1.0f / static_cast<float>(std::max<int64_t>(1, down * across));
  }

 private:
  // Fills the table of one axis; gives the samples a cell.
  int64_t axis(float start, float end, int64_t cells, int64_t extent, TapTable& table) const {
    const double first = start * scale_ - (aligned_ ? 0.5 : 0.0);
    const double span = end * scale_ - start * scale_;
    const double length = aligned_ ? span : std::max(span, 1.0);
    const float wanted = std::ceil(static_cast<float>(length) / static_cast<float>(cells));
    const int64_t count = sampling_ > 0 ? sampling_ : wanted >= 1 ? static_cast<int64_t>(std::min(wanted, kMostSamples)) : 0;
    const double cell = length / static_cast<double>(cells);
    table.clear();
    for (int64_t i = 0; i < cells; i++) {
      for (int64_t s = 0; s < count; s++) {
        between(first + static_cast<double>(i) * cell + (static_cast<double>(s) + 0.5) * cell / static_cast<double>(count), extent, table);
      }
      table.endRow();
    }
    return count;
  }

  // The two pixels of a sample; none when it is more than a pixel outside.
  static void between(double position, int64_t extent, TapTable& table) {
    if (!(position >= -1 && position <= static_cast<double>(extent))) return;
    const double inside = std::max(position, 0.0);
    const int64_t low = static_cast<int64_t>(inside);
    if (low >= extent - 1) return table.add(extent - 1, 1);
    table.add(low, 1 - (inside - static_cast<double>(low)));
    table.add(low + 1, inside - static_cast<double>(low));
  }

  // A region of any size ends: far beyond what lies in an image.
  static constexpr float kMostSamples = 65536;

  int64_t images_, height_, width_, rows_, columns_;
  double scale_;
  int64_t sampling_;
  bool aligned_;
};

template <typename T>
class RoiAlign : public Kernel {
 public:
  explicit RoiAlign(const NodeSpec& node)
      : x_(node.inputs[0].shape, sharedLayout(node.inputs[0], node.outputs[0])),
        y_(node.outputs[0].shape, sharedLayout(node.inputs[0], node.outputs[0])), regions_(node.attrs, node.inputs[0].shape) {}

  void run(const RunArguments& arguments) override {
    const T *x = arguments.input<T>(0), *rois = arguments.input<T>(1);
    T* y = arguments.output<T>(0);
    parallelRange(y_.images(), y_.channels() * y_.area() * 16, 1, [&](int64_t begin, int64_t end, int) {
      RegionTaps taps;
      for (int64_t region = begin; region < end; region++) {
        regions_.tapsOf(rois + 5 * region, taps);
        for (int64_t chunk = 0; chunk < y_.chunks(); chunk++) {
          T* to = y + y_.offset(region, chunk);
          const T* from = x + x_.offset(std::max<int64_t>(taps.image, 0), chunk);
          y_.with(chunk, [&](auto zero) { pool(zero, from, taps, to); });
        }
      }
    });
  }

 private:
  template <typename V>
  void pool(V zero, const T* x, const RegionTaps& taps, T* y) const {
    const int64_t pixel = x_.pixel();
    for (int64_t i = 0; i < y_.height(); i++) {
      for (int64_t j = 0; j < y_.width(); j++, y += pixel) {
        V sum = zero;
        if (taps.image >= 0) {
          for (int32_t a = taps.down.begin(i); a < taps.down.end(i); a++) {
            const T* row = x + taps.down.index(a) * x_.width() * pixel;
            V line = zero;
            for (int32_t b = taps.across.begin(j); b < taps.across.end(j); b++) {
              line += loadAs<V>(row + taps.across.index(b) * pixel) * taps.across.weight(b);
            }
            sum += line * taps.down.weight(a);
          }
        }
        storeAs<V>(y, sum * taps.share);
      }
    }
  }

  ChannelChunks x_, y_;
  Regions regions_;
};

template <typename T>
class RoiAlignGrad : public Kernel {
 public:
  explicit RoiAlignGrad(const NodeSpec& node)
      : x_(node.outputs[0].shape, sharedLayout(node.inputs[0], node.outputs[0])),
        y_(node.inputs[0].shape, sharedLayout(node.inputs[0], node.outputs[0])), regions_(node.attrs, node.outputs[0].shape) {}

  size_t scratchBytes() const override { return FloatSums<T>::scratchBytes(x_.elements()); }

  void run(const RunArguments& arguments) override {
    const T *dy = arguments.input<T>(0), *rois = arguments.input<T>(1);
    FloatSums<T> sums(arguments.output<T>(0), arguments.scratch, x_.elements());
    sums.clear();
    // Whole images' worth of chunks a thread, so that it makes the taps of a region once.
    parallelRange(x_.images() * x_.chunks(), y_.images() * y_.area() * 16 / std::max<int64_t>(1, x_.images()), 1,
                  [&](int64_t begin, int64_t end, int) {
                    RegionTaps taps;
                    for (int64_t region = 0; region < y_.images(); region++) {
                      const int64_t image = regions_.imageOf(rois + 5 * region);
                      const int64_t from = std::max(begin, image * x_.chunks()), to = std::min(end, (image + 1) * x_.chunks());
                      if (image < 0 || from >= to) continue;
                      regions_.tapsOf(rois + 5 * region, taps);
                      for (int64_t chunk = from - image * x_.chunks(); chunk < to - image * x_.chunks(); chunk++) {
                        const T* source = dy + y_.offset(region, chunk);
                        float* target = sums.data() + x_.offset(image, chunk);
                        y_.with(chunk, [&](auto zero) { spread(zero, source, taps, target); });
                      }
                    }
                  });
    sums.finish();
  }

 private:
  template <typename V>
  void spread(V, const T* dy, const RegionTaps& taps, float* dx) const {
    const int64_t pixel = x_.pixel();
    for (int64_t i = 0; i < y_.height(); i++) {
      for (int64_t j = 0; j < y_.width(); j++, dy += pixel) {
        const V part = loadAs<V>(dy) * taps.share;
        for (int32_t a = taps.down.begin(i); a < taps.down.end(i); a++) {
          float* row = dx + taps.down.index(a) * x_.width() * pixel;
          const V line = part * taps.down.weight(a);
          for (int32_t b = taps.across.begin(j); b < taps.across.end(j); b++) {
            float* to = row + taps.across.index(b) * pixel;
            storeAs<V>(to, loadAs<V>(to) + line * taps.across.weight(b));
          }
        }
      }
    }
  }

  ChannelChunks x_, y_;
  Regions regions_;
};

}  // namespace

std::unique_ptr<Kernel> createRoiAlign(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<RoiAlign<decltype(zero)>>(node); });
}

std::unique_ptr<Kernel> createRoiAlignGrad(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<RoiAlignGrad<decltype(zero)>>(node); });
}

}  // namespace omma
