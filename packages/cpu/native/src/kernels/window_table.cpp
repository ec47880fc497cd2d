// The window family's entries in the kernel table. Max pooling is oneDNN's altogether, average pooling nearly.
#include "families.h"
#include "layout_choice.h"
#include "window.h"

namespace omma {
namespace {

std::string refuse(const NodeSpec& node) { return isFloat(node.inputs[0].dtype) ? "" : "the input must be of a float type"; }

// One image to one image of the same channels: as the input lies.
LayoutPlan follow(const NodeSpec& node) {
  const Layout layout = commonLayout(node.inputs, node.inputs[0].shape, false);
  return {{layout}, {layout}};
}

}  // namespace

void registerWindow(KernelTable& table) {
  table.add("avgPool2d", {refuse, follow, createAvgPool, nullptr});
  table.add("avgPool2dGrad", {refuse, follow, createAvgPoolGrad, nullptr});
  table.add("resize", {refuse, follow, createResize, nullptr});
  table.add("resizeGrad", {refuse, follow, createResizeGrad, nullptr});
  table.add("unfold", {refuse, nullptr, createUnfold, nullptr});
  table.add("fold", {refuse, nullptr, createFold, nullptr});
}

}  // namespace omma
