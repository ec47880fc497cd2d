// Winograd's three nodes as kernels of the table. The pass src/convolution/winograd.ts makes them.
//
// winogradWeight(w) {transposed} -> the transformed weight, flat: a node of its own, so that inference transforms once and training once a
// step. winogradConv2d(x, weight, bias?, residual?) {padding, relu, bias, residual}; winogradConv2dWeightGrad(x, dy) {padding}.
#include <stdexcept>
#include <string>

#include "kernels/families.h"
#include "winograd/winograd.h"

namespace omma {
namespace {

const Layout kBlocked{kWinogradBlock == 16 ? Layout::Blocked16 : Layout::Blocked8, 0};

WinogradShape shapeOf(const NodeSpec& node, const Shape& x, const Shape& y) {
  const std::vector<int64_t> padding = node.attrs.at("padding").integers();
  return {x[0], x[1], y[1], x[2], x[3], y[2], y[3], padding[0], padding[1]};
}

double flopsOf(const WinogradShape& s) {
  return 18.0 * static_cast<double>(s.images * s.outHeight * s.outWidth) * static_cast<double>(s.inChannels * s.outChannels);
}

class WeightTransform : public Kernel {
 public:
  explicit WeightTransform(const NodeSpec& node) : transposed_(node.attrs.at("transposed").boolean()) {
    const Shape& w = node.inputs[0].shape;
    shape_.inChannels = transposed_ ? w[0] : w[1];
    shape_.outChannels = transposed_ ? w[1] : w[0];
    const size_t needed = winogradWeightElements(shape_);
    if (static_cast<size_t>(node.outputs[0].elements()) < needed) {
      throw std::runtime_error("winogradWeight: the output must have at least " + std::to_string(needed) + " elements but has " +
                               std::to_string(node.outputs[0].elements()));
    }
  }
  void run(const RunArguments& a) override { winogradTransformWeight(shape_, a.input<float>(0), transposed_, a.output<float>(0)); }

 private:
  bool transposed_;
  WinogradShape shape_{};
};

class Forward : public Kernel {
 public:
  explicit Forward(const NodeSpec& node)
      : shape_(shapeOf(node, node.inputs[0].shape, node.outputs[0].shape)),
        hasBias_(node.attrs.at("bias").boolean()),
        hasResidual_(node.attrs.at("residual").boolean()),
        relu_(node.attrs.at("relu").boolean()) {}
  size_t scratchBytes() const override { return winogradForwardScratch(shape_); }
  double flops() const override { return flopsOf(shape_); }
  void run(const RunArguments& a) override {
    WinogradEpilogue epilogue;
    size_t next = 2;
    if (hasBias_) epilogue.bias = a.input<float>(next++);
    if (hasResidual_) epilogue.residual = a.input<float>(next);
    epilogue.relu = relu_;
    winogradForward(shape_, a.input<float>(0), a.input<float>(1), a.output<float>(0), epilogue, a.scratch);
  }

 private:
  WinogradShape shape_;
  bool hasBias_, hasResidual_, relu_;
};

class WeightGrad : public Kernel {
 public:
  explicit WeightGrad(const NodeSpec& node) : shape_(shapeOf(node, node.inputs[0].shape, node.inputs[1].shape)) {}
  size_t scratchBytes() const override { return winogradWeightGradScratch(shape_); }
  double flops() const override { return flopsOf(shape_); }
  void run(const RunArguments& a) override {
    winogradWeightGrad(shape_, a.input<float>(0), a.input<float>(1), a.output<float>(0), a.scratch);
  }

 private:
  WinogradShape shape_;
};

LayoutPlan planForward(const NodeSpec& node) {
  LayoutPlan plan{std::vector<Layout>(node.inputs.size()), {kBlocked}};
  plan.inputs[0] = kBlocked;
  if (node.attrs.at("residual").boolean()) plan.inputs.back() = kBlocked;
  return plan;
}

// The residual's element is read before the output's is written, in the same place.
std::vector<InPlace> inPlaceForward(const NodeSpec& node) {
  if (!node.attrs.at("residual").boolean()) return {};
  return {{0, node.inputs.size() - 1}};
}

LayoutPlan planWeightGrad(const NodeSpec&) { return {{kBlocked, kBlocked}, {Layout{}}}; }

template <typename K>
std::unique_ptr<Kernel> create(const NodeSpec& node) {
  return std::make_unique<K>(node);
}

}  // namespace

void registerWinograd(KernelTable& table) {
  table.add("winogradWeight", {nullptr, nullptr, create<WeightTransform>, nullptr});
  table.add("winogradConv2d", {nullptr, planForward, create<Forward>, inPlaceForward});
  table.add("winogradConv2dWeightGrad", {nullptr, planWeightGrad, create<WeightGrad>, nullptr});
}

}  // namespace omma
