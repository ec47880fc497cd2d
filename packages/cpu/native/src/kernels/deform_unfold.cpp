// deformUnfold and deformUnfoldGrad: windows of an image as columns, each tap moved by an offset of its own and, optionally, scaled.
//
// A field is one tap of one offset group; a thread takes rows of fields and goes over the group's channels with their taps.
// Backward, image by image: the taps of all fields lie in scratch memory; threads then take rows of fields for doffset and dmask and
// channels for dx, so that everything is summed in a fixed order. Plain layout: the columns go into a matmul.
#include <vector>

#include "float_sums.h"
#include "parallel.h"
#include "sample_taps.h"
#include "vision.h"

namespace omma {
namespace {

struct Geometry {
  Geometry(const NodeSpec& node, const Shape& x, const Shape& offset)
      : images(x[0]), channels(x[1]), height(x[2]), width(x[3]), rows(offset[2]), columns(offset[3]),
        kernel(node.attrs.at("kernel").integers()), stride(node.attrs.at("stride").integers()),
        padding(node.attrs.at("padding").integers()), dilation(node.attrs.at("dilation").integers()),
        groups(node.attrs.at("offsetGroups").integer()) {}

  int64_t taps() const { return kernel[0] * kernel[1]; }
  int64_t area() const { return rows * columns; }
  int64_t fields() const { return groups * taps(); }
  int64_t groupChannels() const { return channels / groups; }
  int64_t groupOf(int64_t channel) const { return channel / groupChannels(); }

  // Points of one row of a field; `offset` is the image's.
  template <typename T>
  void points(const T* offset, int64_t field, int64_t row, SamplePoint* to) const {
    const int64_t tap = field % taps();
    const T* offsetY = offset + 2 * field * area() + row * columns;
    const T* offsetX = offsetY + area();
    const int64_t top = row * stride[0] - padding[0] + tap / kernel[1] * dilation[0];
    const int64_t left = tap % kernel[1] * dilation[1] - padding[1];
    for (int64_t j = 0; j < columns; j++) {
      const float y = static_cast<float>(top) + static_cast<float>(offsetY[j]);
      const float x = static_cast<float>(left + j * stride[1]) + static_cast<float>(offsetX[j]);
      const bool inside = y > -1 && y < static_cast<float>(height) && x > -1 && x < static_cast<float>(width);
      to[j] = inside ? SamplePoint{linearTaps(y, 1, height), linearTaps(x, 1, width)} : SamplePoint{};
    }
  }

  int64_t images, channels, height, width, rows, columns;
  std::vector<int64_t> kernel, stride, padding, dilation;
  int64_t groups;
};

template <typename T>
class DeformUnfold : public Kernel {
 public:
  explicit DeformUnfold(const NodeSpec& node)
      : g_(node, node.inputs[0].shape, node.inputs[1].shape), masked_(node.inputs.size() > 2) {}

  void run(const RunArguments& arguments) override {
    const T *x = arguments.input<T>(0), *offset = arguments.input<T>(1);
    const T* mask = masked_ ? arguments.input<T>(2) : nullptr;
    T* columns = arguments.output<T>(0);
    const int64_t fields = g_.fields(), area = g_.area();
    parallelRange(g_.images * fields * g_.rows, g_.columns * (32 + 8 * g_.groupChannels()), 1, [&](int64_t begin, int64_t end, int) {
      std::vector<SamplePoint> points(static_cast<size_t>(g_.columns));
      for (int64_t i = begin; i < end; i++) {
        const int64_t row = i % g_.rows, field = i / g_.rows % fields, image = i / g_.rows / fields;
        g_.points(offset + image * fields * 2 * area, field, row, points.data());
        const T* factors = masked_ ? mask + (image * fields + field) * area + row * g_.columns : nullptr;
        const int64_t first = field / g_.taps() * g_.groupChannels();
        for (int64_t channel = first; channel < first + g_.groupChannels(); channel++) {
          const int64_t plane = image * g_.channels + channel;
          sample(x + plane * g_.height * g_.width, points, factors,
                 columns + (plane * g_.taps() + field % g_.taps()) * area + row * g_.columns);
        }
      }
    });
  }

 private:
  void sample(const T* plane, const std::vector<SamplePoint>& points, const T* factors, T* to) const {
    for (size_t j = 0; j < points.size(); j++) {
      const auto& [down, across] = points[j];
      float sum = 0;
      for (int a = 0; a < down.count; a++) {
        const T* row = plane + down.index[a] * g_.width;
        for (int b = 0; b < across.count; b++) sum += down.weight[a] * across.weight[b] * static_cast<float>(row[across.index[b]]);
      }
      to[j] = T(factors == nullptr ? sum : sum * static_cast<float>(factors[j]));
    }
  }

  Geometry g_;
  bool masked_;
};

template <typename T>
class DeformUnfoldGrad : public Kernel {
 public:
  explicit DeformUnfoldGrad(const NodeSpec& node)
      : g_(node, node.inputs[1].shape, node.inputs[2].shape), elements_(node.inputs[1].elements()), masked_(node.inputs.size() > 3) {}

  size_t scratchBytes() const override { return FloatSums<T>::scratchBytes(elements_) + sizeof(SamplePoint) * g_.fields() * g_.area(); }

  void run(const RunArguments& arguments) override {
    const T* offset = arguments.input<T>(2);
    FloatSums<T> sums(arguments.output<T>(0), arguments.scratch, elements_);
    SamplePoint* points =
        reinterpret_cast<SamplePoint*>(static_cast<char*>(arguments.scratch) + FloatSums<T>::scratchBytes(elements_));
    sums.clear();
    for (int64_t image = 0; image < g_.images; image++) {
      parallelFor(g_.fields() * g_.rows, g_.columns * (32 + 16 * g_.groupChannels()), [&](int64_t i) {
        const int64_t field = i / g_.rows, row = i % g_.rows;
        SamplePoint* line = points + field * g_.area() + row * g_.columns;
        g_.points(offset + image * g_.fields() * 2 * g_.area(), field, row, line);
        slopes(arguments, image, field, row, line);
      });
      parallelFor(g_.channels, g_.taps() * g_.area() * 8, [&](int64_t channel) { spread(arguments, image, channel, points, sums.data()); });
    }
    sums.finish();
  }

 private:
  float factorAt(const RunArguments& arguments, int64_t place) const {
    return masked_ ? static_cast<float>(arguments.input<T>(3)[place]) : 1.0f;
  }

  // doffset and dmask of one row of a field.
  void slopes(const RunArguments& arguments, int64_t image, int64_t field, int64_t row, const SamplePoint* points) const {
    const T *dy = arguments.input<T>(0), *x = arguments.input<T>(1);
    const int64_t area = g_.area(), first = field / g_.taps() * g_.groupChannels();
    const int64_t mask = (image * g_.fields() + field) * area + row * g_.columns;
    T* offsetY = arguments.output<T>(1) + 2 * (image * g_.fields() + field) * area + row * g_.columns;
    T* offsetX = offsetY + area;
    for (int64_t j = 0; j < g_.columns; j++) {
      const auto& [down, across] = points[j];
      float byY = 0, byX = 0, byMask = 0;
      for (int64_t channel = first; channel < first + g_.groupChannels(); channel++) {
        const int64_t plane = image * g_.channels + channel;
        const T* pixels = x + plane * g_.height * g_.width;
        float value = 0, slopeY = 0, slopeX = 0;
        for (int a = 0; a < down.count; a++) {
          for (int b = 0; b < across.count; b++) {
            const float pixel = pixels[down.index[a] * g_.width + across.index[b]];
            value += down.weight[a] * across.weight[b] * pixel;
            slopeY += down.slope[a] * across.weight[b] * pixel;
            slopeX += down.weight[a] * across.slope[b] * pixel;
          }
        }
        const float above = dy[(plane * g_.taps() + field % g_.taps()) * area + row * g_.columns + j];
        byY += above * slopeY;
        byX += above * slopeX;
        byMask += above * value;
      }
      const float factor = factorAt(arguments, mask + j);
      offsetY[j] = T(byY * factor);
      offsetX[j] = T(byX * factor);
      if (masked_) arguments.output<T>(2)[mask + j] = T(byMask);
    }
  }

  // dx of one channel.
  void spread(const RunArguments& arguments, int64_t image, int64_t channel, const SamplePoint* points, float* sums) const {
    const int64_t plane = image * g_.channels + channel, area = g_.area();
    float* dx = sums + plane * g_.height * g_.width;
    for (int64_t tap = 0; tap < g_.taps(); tap++) {
      const int64_t field = g_.groupOf(channel) * g_.taps() + tap;
      const T* dy = arguments.input<T>(0) + (plane * g_.taps() + tap) * area;
      for (int64_t i = 0; i < area; i++) {
        const auto& [down, across] = points[field * area + i];
        const float part = static_cast<float>(dy[i]) * factorAt(arguments, (image * g_.fields() + field) * area + i);
        for (int a = 0; a < down.count; a++) {
          for (int b = 0; b < across.count; b++) {
            dx[down.index[a] * g_.width + across.index[b]] += part * (down.weight[a] * across.weight[b]);
          }
        }
      }
    }
  }

  Geometry g_;
  int64_t elements_;
  bool masked_;
};

}  // namespace

std::unique_ptr<Kernel> createDeformUnfold(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<DeformUnfold<decltype(zero)>>(node); });
}

std::unique_ptr<Kernel> createDeformUnfoldGrad(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) -> std::unique_ptr<Kernel> { return std::make_unique<DeformUnfoldGrad<decltype(zero)>>(node); });
}

}  // namespace omma
