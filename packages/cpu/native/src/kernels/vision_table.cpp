// The vision family's entries in the kernel table: which types and layouts it takes.
#include "families.h"
#include "layout_choice.h"
#include "vision.h"

namespace omma {
namespace {

// All operands of one float type.
std::string refuse(const NodeSpec& node) {
  for (const TensorSpec& input : node.inputs) {
    if (!isFloat(input.dtype) || input.dtype != node.inputs[0].dtype) return "operands must be of one float type";
  }
  return "";
}

// Images that carry the channels of input `leader` in the layout it comes in; grids and regions plain.
template <size_t leader>
LayoutPlan follow(const NodeSpec& node) {
  const TensorSpec& image = node.inputs[leader];
  const Layout layout = commonLayout({image}, image.shape, false);
  const auto choose = [&](const TensorSpec& spec) {
    const bool isImage = spec.shape.size() == 4 && spec.shape[1] == image.shape[1];
    return isImage ? layout : Layout{};
  };
  LayoutPlan plan;
  for (size_t i = 0; i < node.inputs.size(); i++) plan.inputs.push_back(i < 1 + leader ? choose(node.inputs[i]) : Layout{});
  for (size_t o = 0; o < node.outputs.size(); o++) plan.outputs.push_back(o == 0 ? choose(node.outputs[o]) : Layout{});
  return plan;
}

}  // namespace

void registerVision(KernelTable& table) {
  table.add("roiAlign", {refuse, follow<0>, createRoiAlign, nullptr});
  table.add("roiAlignGrad", {refuse, follow<0>, createRoiAlignGrad, nullptr});
  table.add("roiPool", {refuse, nullptr, createRoiPool, nullptr});
  table.add("roiPoolGrad", {refuse, nullptr, createRoiPoolGrad, nullptr});
  table.add("deformUnfold", {refuse, nullptr, createDeformUnfold, nullptr});
  table.add("deformUnfoldGrad", {refuse, nullptr, createDeformUnfoldGrad, nullptr});
  table.add("gridSample", {refuse, follow<0>, createGridSample, nullptr});
  table.add("gridSampleGrad", {refuse, follow<1>, createGridSampleGrad, nullptr});
  table.add("nms", {refuse, nullptr, createNms, nullptr});
}

}  // namespace omma
