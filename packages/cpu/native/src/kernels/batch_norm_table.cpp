// Batch norm's entries in the kernel table: which types and layouts it takes.
#include "batch_norm.h"
#include "families.h"
#include "layout_choice.h"

namespace omma {
namespace {

// x and everything of its shape in one layout; vectors plain.
LayoutPlan planImages(const NodeSpec& node) {
  const Shape& shape = node.inputs[0].shape;
  const Layout layout = commonLayout(node.inputs, shape, false);
  LayoutPlan plan;
  for (const TensorSpec& input : node.inputs) plan.inputs.push_back(input.shape == shape ? layout : Layout{});
  for (const TensorSpec& output : node.outputs) plan.outputs.push_back(output.shape == shape ? layout : Layout{});
  return plan;
}

// All images of one type: x's.
std::string refuse(const NodeSpec& node) {
  const TensorSpec& x = node.inputs[0];
  if (!isFloat(x.dtype)) return "x must be of a float type";
  if (x.shape.size() < 2) return "x must have a channel axis";
  for (const TensorSpec& input : node.inputs) {
    if (input.shape.size() == x.shape.size() ? input.dtype != x.dtype : input.dtype != DType::Float32) {
      return "images must be of x's type, vectors float32";
    }
  }
  return "";
}

// The second pass goes element by element, and by then the first has read all of x.
std::vector<InPlace> inPlace(const NodeSpec& node) {
  std::vector<InPlace> pairs{{0, 0}};
  if (node.inputs.size() > 3) pairs.push_back({0, 3});
  return pairs;
}

// The first pass reads all it needs of an element before it writes the masked gradient there; the second, before it writes dx.
std::vector<InPlace> inPlaceGrad(const NodeSpec& node) {
  if (node.inputs.size() > 6) return {{3, 1}, {3, 6}, {3, 5}, {0, 0}};
  if (node.outputs.size() > 3) return {{3, 1}, {3, 5}, {0, 0}};
  std::vector<InPlace> pairs{{0, 1}, {0, 0}};
  if (node.inputs.size() > 5 && node.inputs[5].shape == node.inputs[0].shape) pairs.push_back({0, 5});
  return pairs;
}

}  // namespace

void registerBatchNorm(KernelTable& table) {
  for (const char* op : {"batchNormTrain", "fusedBatchNormTrain"}) {
    table.add(op, {refuse, planImages, createBatchNormTrain, inPlace});
  }
  for (const char* op : {"batchNormTrainGrad", "fusedBatchNormTrainGrad"}) {
    table.add(op, {refuse, planImages, createBatchNormTrainGrad, inPlaceGrad});
  }
}

}  // namespace omma
