// concat along any axis, in any image layout: in memory order the parts alternate, each contiguous.
#include "families.h"
#include "strided.h"
#include "strided_copy.h"

namespace omma {
namespace {

class Concat : public Kernel {
 public:
  explicit Concat(const NodeSpec& node) {
    const int64_t axis = node.attrs.at("axis").integer();
    int64_t offset = 0;
    const int64_t row = rowElements(node.outputs[0], axis);
    for (const TensorSpec& input : node.inputs) {
      const int64_t part = rowElements(input, axis);
      const int64_t rows = part == 0 ? 0 : input.elements() / part;
      copies_.emplace_back(input.dtype, std::vector<CopyDimension>{{rows, part, row}, {part, 1, 1}}, 0, offset);
      offset += part;
    }
  }

  void run(const RunArguments& arguments) override {
    for (size_t i = 0; i < copies_.size(); i++) copies_[i].run(arguments.inputs[i], arguments.outputs[0]);
  }

 private:
  // Elements that lie together: all inside the outermost memory dimension that runs along the axis.
  static int64_t rowElements(const TensorSpec& spec, int64_t axis) {
    const std::vector<MemoryDimension> dimensions = memoryDimensions(spec.shape, spec.layout);
    size_t outermost = 0;
    while (dimensions[outermost].axis != axis) outermost++;
    int64_t elements = 1;
    for (size_t d = outermost; d < dimensions.size(); d++) elements *= dimensions[d].extent;
    return elements;
  }

  std::vector<StridedCopy> copies_;
};

LayoutPlan plan(const NodeSpec& node) {
  // The layout of the largest part, if all parts fit into it.
  const TensorSpec* largest = &node.inputs[0];
  for (const TensorSpec& input : node.inputs) {
    if (input.elements() > largest->elements()) largest = &input;
  }
  Layout layout = largest->layout;
  if (layout.kind == Layout::Opaque) layout = Layout{};
  for (const TensorSpec& input : node.inputs) {
    if (layout.block() > 0 && (input.shape[1] % layout.block() != 0 || input.elements() == 0)) layout = Layout{};
  }
  return {std::vector<Layout>(node.inputs.size(), layout), {layout}};
}

std::unique_ptr<Kernel> create(const NodeSpec& node) { return std::make_unique<Concat>(node); }

}  // namespace

void registerConcat(KernelTable& table) { table.add("concat", {nullptr, plan, create, nullptr}); }

}  // namespace omma
