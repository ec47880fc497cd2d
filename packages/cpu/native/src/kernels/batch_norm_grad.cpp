// The gradient of batch norm for training, with the mask of a ReLU that followed it and the gradient of a residual branch.
//
// Two passes, as two sums per channel over all images must be known before any element of dx. With a residual branch the first
// pass writes the masked gradient, which that branch needs anyway, and the second reads it instead of dy and y. There dy is
// mostly a sum itself, of the gradients of the next block's two branches; it is added up on the way.
#include <cmath>

#include "batch_norm.h"
#include "batch_norm_passes.h"
#include "channel_walk.h"

namespace omma {
namespace {

// Rows of the coefficient table, one entry a channel.
enum Row { kMean, kScale, kBias, kProduct, kSlope, kConstant, kRowCount };

// Residual: the masked gradient is an output. Two: dy has a second part (only with Residual).
template <typename T, Mask M, bool Residual, bool Two>
class BatchNormTrainGrad : public Kernel {
 public:
  explicit BatchNormTrainGrad(const NodeSpec& node)
      : walk_(node.inputs[0].shape, node.inputs[0].layout),
        elements_(node.inputs[0].elements()),
        epsilon_(node.attrs.at("eps").number()) {}

  // The two sums of every part, then the coefficients.
  size_t scratchBytes() const override {
    return sumBytes() + sizeof(float) * kRowCount * static_cast<size_t>(walk_.channels());
  }
  double flops() const override { return 10.0 * static_cast<double>(elements_); }

  void run(const RunArguments& arguments) override {
    const GradPointers<T> pointers{arguments.input<T>(0), arguments.input<T>(1), Two ? arguments.input<T>(6) : nullptr,
                                   M == Mask::FromOutput ? arguments.input<T>(5) : nullptr,
                                   Residual ? arguments.output<T>(3) : nullptr, arguments.output<T>(0)};
    double* sums = static_cast<double*>(arguments.scratch);
    float* table = reinterpret_cast<float*>(static_cast<char*>(arguments.scratch) + sumBytes());
    prepare(arguments, table);
    walk_.run([&](int64_t part, int64_t group) { partial(pointers, part, group, table, sums); },
              [&](int64_t group) { combine(arguments, sums, group, table); },
              [&](int64_t part, int64_t group) { apply(pointers, part, group, table); });
  }

 private:
  size_t sumBytes() const { return 2 * sizeof(double) * static_cast<size_t>(walk_.parts() * walk_.channels()); }
  float* row(float* table, Row index) const { return table + index * walk_.channels(); }

  void prepare(const RunArguments& arguments, float* table) const {
    const float *w = arguments.input<float>(2), *mean = arguments.input<float>(3), *variance = arguments.input<float>(4);
    const float* b = M == Mask::FromInput ? arguments.input<float>(5) : nullptr;
    for (int64_t channel = 0; channel < walk_.channels(); channel++) {
      const double factor = w[channel] / std::sqrt(static_cast<double>(variance[channel]) + epsilon_);
      row(table, kMean)[channel] = mean[channel];
      row(table, kScale)[channel] = static_cast<float>(factor);
      row(table, kBias)[channel] = b == nullptr ? 0 : static_cast<float>(b[channel] - mean[channel] * factor);
    }
  }

  template <typename Tag>
  auto coefficients(Tag tag, float* table, int64_t channel) const {
    GradCoefficients<typename Tag::V, Tag::K> c;
    walk_.coefficients(tag, row(table, kMean), channel, c.mean);
    walk_.coefficients(tag, row(table, kScale), channel, c.scale);
    walk_.coefficients(tag, row(table, kBias), channel, c.bias);
    walk_.coefficients(tag, row(table, kProduct), channel, c.product);
    walk_.coefficients(tag, row(table, kSlope), channel, c.slope);
    walk_.coefficients(tag, row(table, kConstant), channel, c.constant);
    return c;
  }

  void partial(const GradPointers<T>& pointers, int64_t part, int64_t group, float* table, double* sums) const {
    double* sum = sums + part * walk_.channels();
    double* products = sum + walk_.parts() * walk_.channels();
    const int64_t first = group * walk_.lanes();
    std::fill_n(sum + first, walk_.lanes(), 0.0);
    std::fill_n(products + first, walk_.lanes(), 0.0);
    walk_.runs(part, group, [&](auto tag, int64_t at, int64_t steps, int64_t stride, int64_t channel) {
      Lanes<typename decltype(tag)::V, decltype(tag)::K> s{}, q{};
      gradSums<M, Residual, Two>(pointers.at(at), steps, stride, coefficients(tag, table, channel), s, q);
      walk_.addSums(tag, s, channel, sum);
      walk_.addSums(tag, q, channel, products);
    });
  }

  void combine(const RunArguments& arguments, const double* sums, int64_t group, float* table) const {
    const float *w = arguments.input<float>(2), *variance = arguments.input<float>(4);
    float *dw = arguments.output<float>(1), *db = arguments.output<float>(2);
    const double total = static_cast<double>(walk_.pixels());
    for (int64_t channel = group * walk_.lanes(); channel < (group + 1) * walk_.lanes(); channel++) {
      double sum = 0, products = 0;
      for (int64_t part = 0; part < walk_.parts(); part++) {
        sum += sums[part * walk_.channels() + channel];
        products += sums[(walk_.parts() + part) * walk_.channels() + channel];
      }
      const double inverse = 1.0 / std::sqrt(static_cast<double>(variance[channel]) + epsilon_);
      dw[channel] = static_cast<float>(products * inverse);
      db[channel] = static_cast<float>(sum);
      const double product = w[channel] * inverse;
      row(table, kProduct)[channel] = static_cast<float>(product);
      row(table, kSlope)[channel] = static_cast<float>(product * inverse * inverse * products / total);
      row(table, kConstant)[channel] = static_cast<float>(product * sum / total);
    }
  }

  void apply(const GradPointers<T>& pointers, int64_t part, int64_t group, float* table) const {
    constexpr Mask mask = Residual ? Mask::None : M;
    GradPointers<T> from = pointers;
    if (Residual) from.dy = pointers.masked;
    walk_.runs(part, group, [&](auto tag, int64_t at, int64_t steps, int64_t stride, int64_t channel) {
      gradInput<mask>(from.at(at), steps, stride, coefficients(tag, table, channel));
    });
  }

  ChannelWalk walk_;
  int64_t elements_;
  double epsilon_;
};

template <typename T>
std::unique_ptr<Kernel> create(const NodeSpec& node) {
  const Attribute* mask = node.attrs.find("mask");
  if (mask == nullptr) return std::make_unique<BatchNormTrainGrad<T, Mask::None, false, false>>(node);
  const bool residual = node.outputs.size() > 3, two = node.inputs.size() > 6;
  if (mask->string() == "output") {
    if (two) return std::make_unique<BatchNormTrainGrad<T, Mask::FromOutput, true, true>>(node);
    if (residual) return std::make_unique<BatchNormTrainGrad<T, Mask::FromOutput, true, false>>(node);
    return std::make_unique<BatchNormTrainGrad<T, Mask::FromOutput, false, false>>(node);
  }
  if (residual) throw std::runtime_error("fusedBatchNormTrainGrad: mask 'input' cannot see the residual");
  return std::make_unique<BatchNormTrainGrad<T, Mask::FromInput, false, false>>(node);
}

}  // namespace

std::unique_ptr<Kernel> createBatchNormTrainGrad(const NodeSpec& node) {
  return withFloat(node.inputs[0].dtype, [&](auto zero) { return create<decltype(zero)>(node); });
}

}  // namespace omma
