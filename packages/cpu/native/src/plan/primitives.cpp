// oneDNN nodes: operands are brought into the formats that the primitive chose.
#include <algorithm>

#include "plan/planner.h"

namespace omma {

namespace {

// The spatial layout of one image tensor, for another with the same channels.
bool carriesOver(const Layout& layout, const Shape& shape) {
  if (layout.kind == Layout::Opaque) return false;
  return layout.block() == 0 || (shape.size() == 4 && shape[1] % layout.block() == 0);
}

}  // namespace

// For pooling: how the forward's input lies, or lay.
std::vector<onednn::desc> Planner::offeredDescs(int index, const NodeSpec& spec) {
  const GraphNode& node = graph_.nodes[index];
  if (node.op == "maxPool2dGrad") {
    if (poolPartner_[index] >= 0) return {poolForward_[poolPartner_[index]].inputs[0].desc};
    return {};
  }
  if (node.op != "maxPool2d" && node.op != "avgPool2d" && node.op != "avgPool2dGrad") return {};
  const Shape& shape = node.op == "avgPool2dGrad" ? spec.outputs[0].shape : spec.inputs[0].shape;
  const Layout layout = offered(node.inputs[0]).form.layout;
  if (!carriesOver(layout, shape)) return {};
  return {context_.layouts.descOf({graph_.values[node.inputs[0]].dtype, layout}, shape)};
}

// A backward max pooling without its forward in the graph: runs the forward again for its workspace.
int Planner::repeatPooling(int index, const NodeSpec& grad) {
  const GraphNode& node = graph_.nodes[index];
  NodeSpec forward{"maxPool2d", node.scope, node.attrs, {grad.inputs[0]}, {grad.inputs[1]}};
  PrimitiveNode primitive = makePooling(forward, {context_.engine, true, {}});
  const int source = demand(node.inputs[0], context_.layouts.formOf(primitive.inputs[0].desc));
  const onednn::desc made = primitive.outputs[0].desc;
  const int unused = newBuffer(Place::Arena, made.get_size());
  const int workspace = newBuffer(Place::Arena, primitive.workspace.get_size());
  primitive.outputs.push_back({DNNL_ARG_WORKSPACE, 0, primitive.workspace});
  Step step{"maxPool2d", node.scope, primitive.implementation, {source}, {unused, workspace}, nullptr};
  step.scratch = primitive.scratchpad.get_size();
  step.operation = primitiveOperation(primitive, context_.engine);
  emit(std::move(step), false);
  return workspace;
}

void Planner::planPrimitive(int index, PrimitiveBuilder builder) {
  const GraphNode& node = graph_.nodes[index];
  NodeSpec spec = specOf(index);
  PrimitiveContext context{context_.engine, poolPartner_[index] >= 0, offeredDescs(index, spec)};
  PrimitiveNode primitive = builder(spec, context);

  Step step{node.op, node.scope, primitive.implementation, {}, {}, nullptr};
  step.scratch = primitive.scratchpad.get_size();
  step.flops = primitive.flops;
  std::vector<int> residual;
  // Matmul folds leading dimensions and transposes by strides: whatever the descriptor says, the memory is Plain.
  const bool plainOperands = node.op == "matmul" || node.op == "linear";
  const auto formOf = [&](const PrimitivePort& port) {
    if (plainOperands) return Form{fromOnednnType(onednn::dtypeOf(port.desc)), Layout{}};
    return context_.layouts.formOf(port.desc);
  };
  for (const PrimitivePort& port : primitive.inputs) step.inputs.push_back(demand(node.inputs[port.index], formOf(port)));

  const bool isPoolGrad = node.op == "maxPool2dGrad";
  if (isPoolGrad) {
    primitive.inputs.push_back({DNNL_ARG_WORKSPACE, 0, primitive.workspace});
    step.inputs.push_back(poolPartner_[index] >= 0 ? workspace_[poolPartner_[index]] : repeatPooling(index, spec));
  }

  for (const PrimitivePort& port : primitive.outputs) {
    const Form form = formOf(port);
    const int value = node.outputs[port.index];
    int buffer = -1;
    if (primitive.accumulatesInto >= 0) {
      // The sum post-op adds to what lies in the output already: the residual, or a copy of it.
      const int input = node.inputs[primitive.accumulatesInto];
      const int lies = demand(input, form);
      const Buffer& candidate = plan_.buffers[lies];
      const bool readHere = std::find(step.inputs.begin(), step.inputs.end(), lies) != step.inputs.end();
      if (candidate.place == Place::Arena && diesAt(lies, index) && !readHere && !persistentNode_[index]) {
        buffer = lies;
      } else {
        const size_t bytes = context_.layouts.bytesOf(form, graph_.values[value].shape);
        buffer = newBuffer(persistentNode_[index] ? Place::Persistent : Place::Arena, bytes);
        Step copy{"copy", node.scope, "residual", {lies}, {buffer}, copyOperation(bytes)};
        emit(std::move(copy), persistentNode_[index]);
      }
    } else {
      buffer = outputBuffer(index, port.index, form, {});
    }
    step.outputs.push_back(buffer);
    attach(value, form, buffer);
  }
  if (primitive.hasWorkspace && !isPoolGrad) {
    workspace_[index] = newBuffer(Place::Arena, primitive.workspace.get_size());
    primitive.outputs.push_back({DNNL_ARG_WORKSPACE, 0, primitive.workspace});
    step.outputs.push_back(workspace_[index]);
    poolForward_[index] = primitive;
  }
  step.operation = primitiveOperation(primitive, context_.engine);
  emit(std::move(step), persistentNode_[index]);
}

}  // namespace omma
