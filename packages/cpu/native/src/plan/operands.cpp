// Instances and buffers: finding a value in the form that is wanted, making it where it is not there, choosing where outputs go.
#include <algorithm>

#include "plan/planner.h"

namespace omma {

int Planner::newBuffer(Place place, size_t bytes, int slot) {
  plan_.buffers.push_back({place, bytes, slot});
  bufferValues_.emplace_back();
  return static_cast<int>(plan_.buffers.size()) - 1;
}

void Planner::attach(int value, Form form, int buffer) {
  form.layout = Layouts::normalised(form.layout, graph_.values[value].shape);
  values_[value].instances.push_back({form, buffer});
  bufferValues_[buffer].push_back(value);
}

int Planner::emit(Step step, bool prologue) {
  for (int buffer : step.inputs) step.bytes += static_cast<double>(plan_.buffers[buffer].bytes);
  for (int buffer : step.outputs) step.bytes += static_cast<double>(plan_.buffers[buffer].bytes);
  std::vector<Step>& steps = prologue ? plan_.prologue : plan_.steps;
  steps.push_back(std::move(step));
  return static_cast<int>(steps.size()) - 1;
}

bool Planner::isTaken(int buffer) const { return std::find(taken_.begin(), taken_.end(), buffer) != taken_.end(); }

// An output of the node being planned lies here, so no other output of it may.
int Planner::take(int buffer) {
  taken_.push_back(buffer);
  return buffer;
}

// True when nothing at or after node `index` + 1 reads what lies in the buffer.
bool Planner::diesAt(int buffer, int index) const {
  for (int value : bufferValues_[buffer]) {
    if (values_[value].lastUse > index) return false;
  }
  return true;
}

// The instance that plain kernels are offered: in the value's own type, not padded.
const Planner::Instance& Planner::offered(int value) {
  const DType dtype = graph_.values[value].dtype;
  for (const Instance& instance : values_[value].instances) {
    if (instance.form.dtype == dtype && !context_.layouts.isPadded(instance.form.layout)) return instance;
  }
  demand(value, {dtype, {}});
  return values_[value].instances.back();
}

// The buffer that holds `value` in this form, after whatever reorder that takes.
int Planner::demand(int value, Form form) {
  form.layout = Layouts::normalised(form.layout, graph_.values[value].shape);
  ValueState& state = values_[value];
  if (state.instances.empty() && state.castOf >= 0) {
    // The cast itself was never made: convert from its source. Undecided state stays undecided, because a 16-bit order is no home.
    ValueState& source = values_[state.castOf];
    if (source.instances.empty()) throw std::logic_error("cast of a value that does not exist yet");
    const Shape& shape = graph_.values[value].shape;
    const bool prologue = state.persistent;
    const int buffer = newBuffer(prologue ? Place::Persistent : Place::Arena, context_.layouts.bytesOf(form, shape));
    Step step{"reorder", graph_.nodes[current_].scope, "cast", {source.instances[0].buffer}, {buffer}, nullptr};
    const int at = emit(std::move(step), prologue);
    pending_.push_back({prologue, static_cast<size_t>(at), state.castOf, 0, form});
    attach(value, form, buffer);
    return buffer;
  }
  for (const Instance& instance : state.instances) {
    if (instance.form == form && !instance.undecided) return instance.buffer;
  }
  for (Instance& instance : state.instances) {
    if (!instance.undecided || instance.form.dtype != form.dtype || context_.layouts.isPadded(form.layout)) continue;
    instance.form = form;
    instance.undecided = false;
    return instance.buffer;
  }
  if (state.instances.empty()) throw std::logic_error("value " + std::to_string(value) + " is read before it is made");
  // From the same type if there is one.
  size_t from = 0;
  for (size_t i = state.instances.size(); i-- > 0;) {
    if (state.instances[i].form.dtype == form.dtype) from = i;
  }
  return convertInstance(value, from, form);
}

// Makes another instance. Where oneDNN has no such reorder (16-bit types on older processors), goes through float32.
int Planner::convertInstance(int value, size_t from, Form to) {
  const Shape& shape = graph_.values[value].shape;
  Instance& origin = values_[value].instances[from];
  if (origin.undecided && origin.form.dtype != to.dtype && !context_.layouts.isPadded(to.layout)) {
    origin.form.layout = to.layout;
    origin.undecided = false;
  }
  const Form source = origin.form;
  const bool direct = origin.undecided || source.layout == to.layout || canReorder(source, to, shape);
  if (!direct) {
    if (source.dtype != DType::Float32) {
      demand(value, {DType::Float32, source.layout});
      return demand(value, to);
    }
    const Form wide{DType::Float32, to.layout};
    if (to.dtype == DType::Float32 || !canReorder(source, wide, shape)) {
      // Two orders that do not know each other's dimensions (grouped weights): through Plain.
      if (source.layout.isPlain() || to.layout.isPlain()) throw std::runtime_error("oneDNN has no reorder for a layout");
      demand(value, {source.dtype, {}});
      const size_t plain = values_[value].instances.size() - 1;
      return convertInstance(value, plain, to);
    }
    demand(value, wide);
    size_t index = 0;
    while (values_[value].instances[index].form != wide) index++;
    return convertInstance(value, index, to);
  }
  const bool prologue = values_[value].persistent;
  const int buffer = newBuffer(prologue ? Place::Persistent : Place::Arena, context_.layouts.bytesOf(to, shape));
  Step step{"reorder", graph_.nodes.empty() ? "" : graph_.nodes[current_].scope, "",
            {values_[value].instances[from].buffer}, {buffer}, nullptr};
  const int at = emit(std::move(step), prologue);
  pending_.push_back({prologue, static_cast<size_t>(at), value, static_cast<int>(from), to});
  attach(value, to, buffer);
  return buffer;
}

// Where output `output` of node `index` goes: the state it is written to, an input that dies here and may be
// overwritten (`reusable`), or new memory.
int Planner::outputBuffer(int index, size_t output, const Form& form, const std::vector<int>& reusable) {
  const int value = graph_.nodes[index].outputs[output];
  const Shape& shape = graph_.values[value].shape;
  const size_t bytes = context_.layouts.bytesOf(form, shape);
  if (persistentNode_[index]) return newBuffer(Place::Persistent, bytes);
  const int slot = values_[value].writeSlot;
  if (slot >= 0 && form.dtype == graph_.values[value].dtype && !context_.layouts.isPadded(form.layout)) {
    const int read = graph_.state[slot].read;
    Instance& home = values_[read].instances[0];
    const int buffer = stateBuffer_[slot];
    const bool overwritesInput = std::find(reusable.begin(), reusable.end(), buffer) != reusable.end();
    const bool unread = diesAt(buffer, index - 1);
    if (!isTaken(buffer) && (home.undecided || home.form == form) && (unread || (overwritesInput && diesAt(buffer, index)))) {
      home.form = form;
      home.undecided = false;
      return take(buffer);
    }
  }
  for (const int buffer : reusable) {
    const Buffer& candidate = plan_.buffers[buffer];
    if (candidate.place != Place::Arena || candidate.bytes != bytes || isTaken(buffer)) continue;
    if (diesAt(buffer, index)) return take(buffer);
  }
  return newBuffer(Place::Arena, bytes);
}

bool Planner::canReorder(const Form& from, const Form& to, const Shape& shape) {
  try {
    dnnl::reorder::primitive_desc(context_.engine, reorderDesc(context_.layouts, from, to, shape), context_.engine, reorderDesc(context_.layouts, to, from, shape));
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

std::unique_ptr<Operation> Planner::reorder(const Form& from, const Form& to, const Shape& shape, size_t& scratch) {
  if (from == to) return copyOperation(context_.layouts.bytesOf(to, shape));
  if (from.layout == to.layout) {
    return convertOperation(from.dtype, to.dtype, context_.layouts.bytesOf(to, shape) / byteSize(to.dtype));
  }
  const onednn::desc fromDesc = reorderDesc(context_.layouts, from, to, shape);
  const onednn::desc toDesc = reorderDesc(context_.layouts, to, from, shape);
  const dnnl::reorder::primitive_desc pd(context_.engine, fromDesc, context_.engine, toDesc, userScratchpad());
  PrimitiveNode node;
  node.primitive = dnnl::reorder(pd);
  node.inputs = {{DNNL_ARG_FROM, 0, fromDesc}};
  node.outputs = {{DNNL_ARG_TO, 0, toDesc}};
  node.scratchpad = pd.scratchpad_desc();
  scratch = node.scratchpad.get_size();
  return primitiveOperation(node, context_.engine);
}

// Reorders wait until the homes of state are known.
void Planner::makeReorders() {
  for (const PendingReorder& pending : pending_) {
    Step& step = (pending.prologue ? plan_.prologue : plan_.steps)[pending.step];
    const Form& from = values_[pending.value].instances[pending.instance].form;
    step.operation = reorder(from, pending.to, graph_.values[pending.value].shape, step.scratch);
  }
}

}  // namespace omma
