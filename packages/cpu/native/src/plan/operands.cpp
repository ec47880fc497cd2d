// Instances and buffers: finding a value in the form that is wanted, making it where it is not there, choosing where outputs go.
#include <algorithm>

#include "plan/planner.h"
#include "plan/reorder.h"

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
    const int buffer = emitReorder(source.instances[0].buffer, state.castOf, 0, form, state.persistent);
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

// Makes another instance. Undecided state that is wanted in another type takes the layout of that wish.
int Planner::convertInstance(int value, size_t from, Form to) {
  Instance& origin = values_[value].instances[from];
  if (origin.undecided && !context_.layouts.isPadded(to.layout)) {
    origin.form.layout = to.layout;
    origin.undecided = false;
  }
  const int buffer = emitReorder(origin.buffer, value, static_cast<int>(from), to, values_[value].persistent);
  attach(value, to, buffer);
  return buffer;
}

// A step from an instance of `source` to new memory in form `to`; the operation itself is made at the end.
int Planner::emitReorder(int from, int source, int instance, const Form& to, bool prologue) {
  const size_t bytes = context_.layouts.bytesOf(to, graph_.values[source].shape);
  const int buffer = newBuffer(prologue ? Place::Persistent : Place::Arena, bytes);
  const std::string scope = graph_.nodes.empty() ? "" : graph_.nodes[current_].scope;
  const int at = emit({"reorder", scope, "", {from}, {buffer}, nullptr}, prologue);
  pending_.push_back({prologue, static_cast<size_t>(at), source, instance, to});
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

// Reorders wait until the homes of state are known.
void Planner::makeReorders() {
  for (const PendingReorder& pending : pending_) {
    Step& step = (pending.prologue ? plan_.prologue : plan_.steps)[pending.step];
    const Form& from = values_[pending.value].instances[pending.instance].form;
    step.operation =
        makeReorder(context_.layouts, context_.engine, from, pending.to, graph_.values[pending.value].shape, step.scratch);
    if (step.operation == nullptr) {
      throw std::runtime_error("reorder at " + step.scope + ": oneDNN has none from " + nameOf(from.dtype) + " to " +
                               nameOf(pending.to.dtype) + " for these layouts");
    }
  }
}

}  // namespace omma
