// conv2dWeightGrad as a kernel of the table, for what packedWeightGradientFits says; the rest are oneDNN primitives.
#include "kernels/convert.h"
#include "kernels/families.h"
#include "weight_gradient/fits.h"
#include "weight_gradient/weight_gradient.h"

namespace omma {
namespace {

constexpr Layout kBlocked{Layout::Blocked16, 0};

WeightGradientShape shapeOf(const NodeSpec& node) {
  const Shape& x = node.inputs[0].shape;
  const Shape& dy = node.inputs[1].shape;
  const Shape& w = node.outputs[0].shape;
  const std::vector<int64_t> stride = node.attrs.at("stride").integers();
  const std::vector<int64_t> padding = node.attrs.at("padding").integers();
  const std::vector<int64_t> dilation = node.attrs.at("dilation").integers();
  return {x[0],      x[1],      dy[1],     x[2],       x[3],       dy[2],       dy[3],      w[2],
          w[3],      stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1]};
}

class PackedWeightGradient : public Kernel {
 public:
  explicit PackedWeightGradient(const NodeSpec& node) : shape_(shapeOf(node)) {}
  size_t scratchBytes() const override { return weightGradientScratch(shape_); }
  double flops() const override {
    const double pixels = static_cast<double>(shape_.images * shape_.outHeight * shape_.outWidth);
    return 2.0 * pixels * static_cast<double>(shape_.inChannels * shape_.outChannels * shape_.kernelHeight * shape_.kernelWidth);
  }
  void run(const RunArguments& a) override {
    weightGradient(shape_, a.input<BFloat16>(0), a.input<BFloat16>(1), a.output<float>(0), a.scratch);
  }

 private:
  WeightGradientShape shape_;
};

std::string refuse(const NodeSpec& node) { return packedWeightGradientFits(node) ? "" : "not a bfloat16 convolution of whole blocks"; }

LayoutPlan plan(const NodeSpec&) { return {{kBlocked, kBlocked}, {Layout{}}}; }

}  // namespace

bool packedWeightGradientFits(const NodeSpec& node) {
  if (!hasPackedWeightGradient() || node.op != "conv2dWeightGrad" || node.inputs.size() != 2) return false;
  for (const TensorSpec& input : node.inputs) {
    if (input.dtype != DType::BFloat16 || input.elements() == 0 || input.shape[1] % kBlocked.block() != 0) return false;
  }
  return node.outputs[0].dtype == DType::Float32 && node.attrs.at("groups").integer() == 1;
}

void registerWeightGradient(KernelTable& table) {
  table.add("conv2dWeightGrad",
            {refuse, plan, [](const NodeSpec& node) { return std::make_unique<PackedWeightGradient>(node); }, nullptr});
}

}  // namespace omma
