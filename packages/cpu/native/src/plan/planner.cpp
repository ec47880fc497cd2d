// See planner.h: the walk over the nodes, and what comes after it.
#include "plan/planner.h"

#include <algorithm>

#include "plan/arena.h"

namespace omma {

namespace {

std::string placeOf(const GraphNode& node) { return node.scope.empty() ? node.op : node.op + " at " + node.scope; }

// True when a transpose moves only dimensions of extent 1, so that memory stays as it is.
bool keepsOrder(const Shape& shape, const std::vector<int64_t>& permutation) {
  int64_t last = -1;
  for (int64_t axis : permutation) {
    if (shape[axis] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

}  // namespace

Planner::Planner(const GraphSpec& graph, const std::vector<std::shared_ptr<StateBuffer>>& state, PlannerContext context)
    : graph_(graph), state_(state), context_(context) {}

ExecutionPlan Planner::plan() {
  analyse();
  addSources();
  for (size_t index = 0; index < graph_.nodes.size(); index++) {
    current_ = static_cast<int>(index);
    taken_.clear();
    try {
      planNode(current_);
    } catch (const dnnl::error& error) {
      throw std::runtime_error(placeOf(graph_.nodes[index]) + ": oneDNN " +
                               (error.status == dnnl_unimplemented ? std::string("unimplemented") : error.message));
    } catch (const std::exception& error) {
      throw std::runtime_error(placeOf(graph_.nodes[index]) + ": " + error.what());
    }
  }
  finishOutputs();
  finishState();
  makeReorders();
  finishLifetimes();
  return std::move(plan_);
}

void Planner::addSources() {
  for (size_t i = 0; i < graph_.inputs.size(); i++) {
    const int value = graph_.inputs[i].value;
    const GraphValue& type = graph_.values[value];
    const Form form{type.dtype, {}};
    attach(value, form, newBuffer(Place::Input, context_.layouts.bytesOf(form, type.shape), static_cast<int>(i)));
  }
  for (size_t slot = 0; slot < graph_.state.size(); slot++) {
    const int value = graph_.state[slot].read;
    const StateBuffer& buffer = *state_[slot];
    stateBuffer_.push_back(newBuffer(Place::State, buffer.bytes(), static_cast<int>(slot)));
    attach(value, buffer.form(), stateBuffer_.back());
    // Vectors have one layout only. A reader keeps what somebody else has chosen already.
    const bool reads = graph_.state[slot].write < 0 || graph_.state[slot].write == value;
    values_[value].instances[0].undecided = buffer.shape.size() > 1 && !(reads && !buffer.layout().isPlain());
  }
}

NodeSpec Planner::specOf(int index) const {
  const GraphNode& node = graph_.nodes[index];
  NodeSpec spec{node.op, node.scope, node.attrs, {}, {}};
  for (int id : node.inputs) spec.inputs.push_back({graph_.values[id].dtype, graph_.values[id].shape, {}});
  for (int id : node.outputs) spec.outputs.push_back({graph_.values[id].dtype, graph_.values[id].shape, {}});
  return spec;
}

void Planner::planNode(int index) {
  const GraphNode& node = graph_.nodes[index];
  if (node.op == "cast" && values_[node.outputs[0]].castOf >= 0) return;
  if (planAlias(index)) return;
  // The table of plain kernels comes second, so that a kernel there can take over what oneDNN refuses.
  std::string reason = "no kernel";
  if (PrimitiveBuilder builder = primitiveBuilder(node.op)) {
    reason = refusePrimitive(specOf(index));
    if (reason.empty()) return planPrimitive(index, builder);
  }
  const KernelDefinition* definition = context_.kernels.find(node.op);
  if (definition == nullptr) throw std::runtime_error(reason);
  planKernel(index, *definition);
}

// Nodes that only give their input another shape: the output is the same memory.
bool Planner::planAlias(int index) {
  const GraphNode& node = graph_.nodes[index];
  if (node.inputs.size() != 1) return false;
  const int from = node.inputs[0];
  const int to = node.outputs[0];
  const Shape& shape = graph_.values[from].shape;
  const Shape& made = graph_.values[to].shape;
  const bool sameShape = shape == made;
  const bool same = sameShape && (alwaysAlias(node.op) || node.op == "expand" ||
                                  (node.op == "cast" && graph_.values[from].dtype == graph_.values[to].dtype));
  const bool reshaped = node.op == "reshape" || (node.op == "expand" && elementsOf(shape) == elementsOf(made)) ||
                        (node.op == "transpose" && keepsOrder(shape, node.attrs.at("permutation").integers()));
  if (!same && !reshaped) return false;
  if (same) {
    const Instance instance = offered(from);
    demand(from, instance.form);
    attach(to, instance.form, instance.buffer);
    return true;
  }
  const Form plain{graph_.values[from].dtype, {}};
  attach(to, plain, demand(from, plain));
  return true;
}

void Planner::planKernel(int index, const KernelDefinition& definition) {
  const GraphNode& node = graph_.nodes[index];
  NodeSpec spec = specOf(index);
  if (definition.refuse) {
    const std::string reason = definition.refuse(spec);
    if (!reason.empty()) throw std::runtime_error(reason);
  }
  LayoutPlan layouts{std::vector<Layout>(node.inputs.size()), std::vector<Layout>(node.outputs.size())};
  if (definition.plan) {
    for (size_t i = 0; i < node.inputs.size(); i++) spec.inputs[i].layout = offered(node.inputs[i]).form.layout;
    layouts = definition.plan(spec);
  }
  Step step{node.op, node.scope, "", {}, {}, nullptr};
  for (size_t i = 0; i < node.inputs.size(); i++) {
    spec.inputs[i].layout = Layouts::normalised(layouts.inputs[i], spec.inputs[i].shape);
    step.inputs.push_back(demand(node.inputs[i], {spec.inputs[i].dtype, spec.inputs[i].layout}));
  }
  for (size_t o = 0; o < node.outputs.size(); o++) {
    spec.outputs[o].layout = Layouts::normalised(layouts.outputs[o], spec.outputs[o].shape);
  }
  const std::vector<InPlace> pairs = definition.inPlace ? definition.inPlace(spec) : std::vector<InPlace>{};
  for (size_t o = 0; o < node.outputs.size(); o++) {
    std::vector<int> reusable;
    for (const InPlace& pair : pairs) {
      if (pair.output != o) continue;
      // The same memory as an input that is read in another order must stay.
      bool safe = true;
      for (size_t i = 0; i < step.inputs.size(); i++) {
        const bool paired = std::any_of(pairs.begin(), pairs.end(),
                                        [&](const InPlace& other) { return other.output == o && other.input == i; });
        if (step.inputs[i] == step.inputs[pair.input] && !paired) safe = false;
      }
      if (safe) reusable.push_back(step.inputs[pair.input]);
    }
    const Form form{spec.outputs[o].dtype, spec.outputs[o].layout};
    const int buffer = outputBuffer(index, o, form, reusable);
    step.outputs.push_back(buffer);
    attach(node.outputs[o], form, buffer);
  }
  std::unique_ptr<Kernel> kernel = definition.create(spec);
  step.scratch = kernel->scratchBytes();
  step.flops = kernel->flops();
  step.operation = kernelOperation(std::move(kernel), node.inputs.size(), node.outputs.size());
  emit(std::move(step), persistentNode_[index]);
}

void Planner::finishOutputs() {
  for (const GraphPort& port : graph_.outputs) {
    const GraphValue& type = graph_.values[port.value];
    const int buffer = demand(port.value, {type.dtype, {}});
    plan_.outputs.push_back({port.name, buffer, type.dtype, type.shape});
  }
}

// Copies what was not made in place into its slot. A source that is itself a slot's memory is copied away first, because
// another copy may overwrite it.
void Planner::finishState() {
  struct Copy {
    int slot;
    int value;
    int source;
    Form form;
  };
  std::vector<Copy> copies;
  for (size_t slot = 0; slot < graph_.state.size(); slot++) {
    const GraphSlot& s = graph_.state[slot];
    SlotPlan plan{s.name, {}, s.write >= 0 && s.write != s.read};
    if (plan.written) {
      const int target = stateBuffer_[slot];
      const auto& written = values_[s.write].instances;
      const bool isThere = std::any_of(written.begin(), written.end(),
                                       [&](const Instance& instance) { return instance.buffer == target; });
      // Lies there because it was made there, not because it is the old value.
      if (!isThere) {
        Instance& home = values_[s.read].instances[0];
        if (home.undecided) {
          home.form.layout = values_[s.write].readSlot >= 0 ? Layout{} : offered(s.write).form.layout;
          home.undecided = false;
        }
        copies.push_back({static_cast<int>(slot), s.write, demand(s.write, home.form), home.form});
      }
    }
    plan_.slots.push_back(plan);
  }
  const auto copy = [&](int from, int to, const Form& form, const Shape& shape) {
    Step step{"copy", "", "", {from}, {to}, nullptr};
    step.operation = copyOperation(context_.layouts.bytesOf(form, shape));
    emit(std::move(step), false);
  };
  // Outputs are handed over after the last step, so they too must not lie in a slot that a copy overwrites.
  for (OutputPlan& output : plan_.outputs) {
    if (plan_.buffers[output.buffer].place != Place::State) continue;
    const int aside = newBuffer(Place::Arena, plan_.buffers[output.buffer].bytes);
    copy(output.buffer, aside, {output.dtype, {}}, output.shape);
    output.buffer = aside;
  }
  for (Copy& c : copies) {
    if (plan_.buffers[c.source].place != Place::State) continue;
    const int aside = newBuffer(Place::Arena, plan_.buffers[c.source].bytes);
    copy(c.source, aside, c.form, graph_.values[c.value].shape);
    c.source = aside;
  }
  for (const Copy& c : copies) copy(c.source, stateBuffer_[c.slot], c.form, graph_.values[c.value].shape);
  for (size_t slot = 0; slot < graph_.state.size(); slot++) {
    plan_.slots[slot].home = values_[graph_.state[slot].read].instances[0].form.layout;
  }
}

void Planner::finishLifetimes() {
  std::vector<Buffer>& buffers = plan_.buffers;
  size_t scratch = 0;
  for (size_t i = 0; i < plan_.steps.size(); i++) {
    const Step& step = plan_.steps[i];
    for (const std::vector<int>* list : {&step.inputs, &step.outputs}) {
      for (int index : *list) {
        Buffer& buffer = buffers[index];
        if (buffer.first < 0) buffer.first = static_cast<int>(i);
        buffer.last = static_cast<int>(i);
      }
    }
    scratch = std::max(scratch, step.scratch);
  }
  for (const Step& step : plan_.prologue) scratch = std::max(scratch, step.scratch);
  for (const OutputPlan& output : plan_.outputs) {
    Buffer& buffer = buffers[output.buffer];
    buffer.last = forever;
    if (buffer.first < 0) buffer.first = 0;
  }
  size_t persistent = 0;
  for (Buffer& buffer : buffers) {
    if (buffer.place != Place::Persistent) continue;
    buffer.offset = persistent;
    persistent += (buffer.bytes + 63) / 64 * 64;
  }
  plan_.persistentBytes = persistent;
  plan_.scratchOffset = placeBuffers(buffers);
  plan_.arenaBytes = plan_.scratchOffset + scratch;
}

}  // namespace omma
