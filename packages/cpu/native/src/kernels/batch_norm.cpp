// Batch norm for training, forward, with the residual addition and the ReLU that follow it in a residual block.
//
// One pass for the statistics, one that normalises, adds and clips; both are bound by memory. Statistics are taken around each
// part's first pixel (no cancellation however far the mean is from zero) and put together in float64 (Chan's rule).
#include "batch_norm.h"

#include <cmath>

#include "batch_norm_passes.h"
#include "channel_walk.h"

namespace omma {
namespace {

struct Moments {
  double mean;
  double squares;  // sum of squared distances from the mean
};

template <typename T, bool Residual, bool Relu>
class BatchNormTrain : public Kernel {
 public:
  explicit BatchNormTrain(const NodeSpec& node)
      : walk_(node.inputs[0].shape, node.inputs[0].layout),
        elements_(node.inputs[0].elements()),
        epsilon_(node.attrs.at("eps").number()) {}

  // Moments of every part, then scale and bias.
  size_t scratchBytes() const override { return momentBytes() + 2 * sizeof(float) * static_cast<size_t>(walk_.channels()); }
  double flops() const override { return 6.0 * static_cast<double>(elements_); }

  void run(const RunArguments& arguments) override {
    const T* x = arguments.input<T>(0);
    const T* residual = Residual ? arguments.input<T>(3) : nullptr;
    T* y = arguments.output<T>(0);
    Moments* moments = static_cast<Moments*>(arguments.scratch);
    float* scale = reinterpret_cast<float*>(static_cast<char*>(arguments.scratch) + momentBytes());
    float* bias = scale + walk_.channels();
    // Over its own operand, the lines are in the cache already.
    const bool inPlace = y == x || y == residual;
    const bool aligned = walk_.isAligned(kLanesOf<FloatWide>) && reinterpret_cast<uintptr_t>(y) % sizeof(FloatWide) == 0;
    const bool stream = sizeof(T) == 4 && !inPlace && aligned && sizeof(T) * static_cast<size_t>(elements_) >= kStreamBytes;
    walk_.run([&](int64_t part, int64_t group) { partial(x, part, group, moments); },
              [&](int64_t group) { combine(arguments, moments, group, scale, bias); },
              [&](int64_t part, int64_t group) {
                if (stream) {
                  apply<true>(x, residual, y, part, group, scale, bias);
                  endStream();
                } else {
                  apply<false>(x, residual, y, part, group, scale, bias);
                }
              });
  }

 private:
  size_t momentBytes() const { return sizeof(Moments) * static_cast<size_t>(walk_.parts() * walk_.channels()); }

  void partial(const T* x, int64_t part, int64_t group, Moments* moments) const {
    const int64_t channels = walk_.channels(), first = group * walk_.lanes(), lanes = walk_.lanes();
    // By channel of the group, addressed with the channel's own number.
    std::vector<double> sums(2 * static_cast<size_t>(lanes), 0.0);
    std::vector<float> shifts(static_cast<size_t>(lanes));
    const int64_t start = walk_.offset(part, group);
    for (int64_t lane = 0; lane < lanes; lane++) shifts[lane] = static_cast<float>(x[start + lane]);
    double *sum = sums.data(), *squares = sums.data() + lanes;
    walk_.runs(part, group, [&](auto tag, int64_t at, int64_t steps, int64_t stride, int64_t channel) {
      using L = Lanes<typename decltype(tag)::V, decltype(tag)::K>;
      L shift, s{}, q{};
      walk_.coefficients(tag, shifts.data(), channel - first, shift);
      sumSquares(x + at, steps, stride, shift, s, q);
      walk_.addSums(tag, s, channel - first, sum);
      walk_.addSums(tag, q, channel - first, squares);
    });
    const double count = static_cast<double>(walk_.pixelsOf(part));
    for (int64_t lane = 0; lane < lanes; lane++) {
      moments[part * channels + first + lane] = {shifts[lane] + sum[lane] / count,
                                                 squares[lane] - sum[lane] * sum[lane] / count};
    }
  }

  void combine(const RunArguments& arguments, const Moments* moments, int64_t group, float* scale, float* bias) const {
    const float *w = arguments.input<float>(1), *b = arguments.input<float>(2);
    float *mean = arguments.output<float>(1), *variance = arguments.output<float>(2);
    const double total = static_cast<double>(walk_.pixels());
    for (int64_t channel = group * walk_.lanes(); channel < (group + 1) * walk_.lanes(); channel++) {
      double centre = 0, squares = 0;
      for (int64_t part = 0; part < walk_.parts(); part++) {
        centre += static_cast<double>(walk_.pixelsOf(part)) * moments[part * walk_.channels() + channel].mean;
      }
      centre /= total;
      for (int64_t part = 0; part < walk_.parts(); part++) {
        const Moments& each = moments[part * walk_.channels() + channel];
        const double distance = each.mean - centre;
        squares += each.squares + static_cast<double>(walk_.pixelsOf(part)) * distance * distance;
      }
      mean[channel] = static_cast<float>(centre);
      variance[channel] = static_cast<float>(squares / total);
      const double factor = w[channel] / std::sqrt(squares / total + epsilon_);
      scale[channel] = static_cast<float>(factor);
      bias[channel] = static_cast<float>(b[channel] - centre * factor);
    }
  }

  template <bool Stream>
  void apply(const T* x, const T* residual, T* y, int64_t part, int64_t group, const float* scale, const float* bias) const {
    walk_.runs(part, group, [&](auto tag, int64_t at, int64_t steps, int64_t stride, int64_t channel) {
      Lanes<typename decltype(tag)::V, decltype(tag)::K> s, b;
      walk_.coefficients(tag, scale, channel, s);
      walk_.coefficients(tag, bias, channel, b);
      normalize<Residual, Relu, Stream>(x + at, Residual ? residual + at : nullptr, y + at, steps, stride, s, b);
    });
  }

  ChannelWalk walk_;
  int64_t elements_;
  double epsilon_;
};

template <typename T>
std::unique_ptr<Kernel> create(const NodeSpec& node, bool residual, bool relu) {
  if (residual && relu) return std::make_unique<BatchNormTrain<T, true, true>>(node);
  if (residual) return std::make_unique<BatchNormTrain<T, true, false>>(node);
  if (relu) return std::make_unique<BatchNormTrain<T, false, true>>(node);
  return std::make_unique<BatchNormTrain<T, false, false>>(node);
}

}  // namespace

std::unique_ptr<Kernel> createBatchNormTrain(const NodeSpec& node) {
  const Attribute* relu = node.attrs.find("relu");
  return withFloat(node.inputs[0].dtype, [&](auto zero) {
    return create<decltype(zero)>(node, node.inputs.size() > 3, relu != nullptr && relu->boolean());
  });
}

}  // namespace omma
