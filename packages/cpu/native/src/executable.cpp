// See executable.h.
#include "executable.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "plan/planner.h"

namespace omma {

namespace {

std::string mebibytes(size_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

// Refuses before the system starts to kill processes.
void checkMemory(size_t intermediates, size_t kept, size_t state, size_t arenaHas) {
  const size_t more = (intermediates > arenaHas ? intermediates - arenaHas : 0) + kept;
  const size_t available = availableMemory();
  if (more <= available) return;
  throw std::runtime_error("not enough memory: this program needs " + mebibytes(intermediates) + " for intermediates, " +
                           mebibytes(kept) + " for constants and " + mebibytes(state) + " for state (held already), " +
                           mebibytes(available) + " are available; use a smaller batch or image");
}

}  // namespace

DeviceContext::DeviceContext()
    : engine(dnnl::engine::kind::cpu, 0),
      stream(engine),
      memory(std::make_shared<MemoryCount>()),
      arena(memory) {
  registerKernels(kernels, collectives);
}

void DeviceContext::forget(size_t bytes) {
  auto found = std::find(needs.begin(), needs.end(), bytes);
  if (found != needs.end()) needs.erase(found);
  arena.shrink(needs.empty() ? 0 : *std::max_element(needs.begin(), needs.end()));
}

Executable::Executable(std::shared_ptr<DeviceContext> device, GraphSpec graph,
                       std::vector<std::shared_ptr<StateBuffer>> state, bool profile)
    : device_(std::move(device)), graph_(std::move(graph)), state_(std::move(state)), profiling_(profile) {
  plan_ = Planner(graph_, state_, {device_->kernels, device_->layouts, device_->engine}).plan();
  size_t held = 0;
  for (const auto& buffer : state_) held += buffer->bytes();
  checkMemory(plan_.arenaBytes, plan_.persistentBytes, held, device_->arena.bytes());
  device_->arena.require(plan_.arenaBytes);
  persistent_ = std::make_unique<Block>(device_->memory, plan_.persistentBytes);
  device_->needs.push_back(plan_.arenaBytes);
  for (size_t slot = 0; slot < state_.size(); slot++) state_[slot]->wantedBy(this, plan_.slots[slot].home);

  pointers_.assign(plan_.buffers.size(), nullptr);
  slotPointers_.assign(state_.size(), nullptr);
  copies_.resize(state_.size());
  seen_.assign(state_.size(), -1);
  char* scratch = device_->arena.data() + plan_.scratchOffset;
  for (std::vector<Step>* steps : {&plan_.prologue, &plan_.steps}) {
    for (Step& step : *steps) step.operation->bindScratch(scratch);
  }
}

Executable::~Executable() {
  for (const auto& buffer : state_) buffer->released(this);
  device_->forget(plan_.arenaBytes);
}

// Brings every slot into the layout that the program was planned for.
void Executable::settleState() {
  for (size_t slot = 0; slot < state_.size(); slot++) {
    StateBuffer& buffer = *state_[slot];
    const SlotPlan& plan = plan_.slots[slot];
    if (buffer.isReleased()) throw std::runtime_error("state " + plan.name + " was freed");
    if (buffer.layout() == plan.home) {
      copies_[slot] = {};
      slotPointers_[slot] = buffer.data();
      continue;
    }
    if (plan.written || !buffer.othersWantCurrent(this)) {
      buffer.replace(reordered(buffer, plan.home), plan.home);
      slotPointers_[slot] = buffer.data();
      continue;
    }
    Copy& copy = copies_[slot];
    if (copy.version != buffer.version()) {
      copy.block = reordered(buffer, plan.home);
      copy.version = buffer.version();
    }
    slotPointers_[slot] = copy.block->data();
  }
}

std::unique_ptr<Block> Executable::reordered(const StateBuffer& buffer, const Layout& to) {
  return reorderBlock(device_->layouts, device_->engine, device_->stream, buffer, to);
}

// Gives operations the pointers that are new to them.
void Executable::bind(const std::vector<const void*>& inputs) {
  std::vector<bool> changed(plan_.buffers.size(), false);
  for (size_t i = 0; i < plan_.buffers.size(); i++) {
    const Buffer& buffer = plan_.buffers[i];
    void* now = nullptr;
    switch (buffer.place) {
      case Place::Arena:
        now = device_->arena.data() + buffer.offset;
        break;
      case Place::Persistent:
        now = static_cast<char*>(persistent_->data()) + buffer.offset;
        break;
      case Place::State:
        now = slotPointers_[buffer.index];
        break;
      case Place::Input:
        // Kernels do not write to inputs; the planner never gives them out as outputs.
        now = const_cast<void*>(inputs[buffer.index]);
        break;
    }
    changed[i] = now != pointers_[i];
    pointers_[i] = now;
  }
  for (std::vector<Step>* steps : {&plan_.prologue, &plan_.steps}) {
    for (Step& step : *steps) {
      size_t operand = 0;
      for (const std::vector<int>* list : {&step.inputs, &step.outputs}) {
        for (int index : *list) {
          if (changed[index]) step.operation->bind(operand, pointers_[index]);
          operand++;
        }
      }
    }
  }
}

void Executable::execute(std::vector<Step>& steps) {
  for (Step& step : steps) {
    if (device_->stopping) throw std::runtime_error("the device was disposed");
    const auto start = std::chrono::steady_clock::now();
    try {
      step.operation->execute(device_->stream);
    } catch (const std::exception& error) {
      throw std::runtime_error(step.op + (step.scope.empty() ? "" : " at " + step.scope) + ": " + error.what());
    }
    if (!profiling_) continue;
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    step.milliseconds += took.count();
  }
}

void Executable::run(const std::vector<const void*>& inputs, const std::vector<void*>& outputs) {
  // A run that fails between the halves of a collective must not leave its memory to others while the engine writes there.
  struct Drain {
    CollectivesLink& link;
    ~Drain() { link.drain(); }
  } drain{device_->collectives};
  settleState();
  bind(inputs);
  bool stale = fresh_;
  for (size_t slot = 0; slot < state_.size(); slot++) {
    if (plan_.slots[slot].written) continue;
    stale = stale || seen_[slot] != state_[slot]->version();
    seen_[slot] = state_[slot]->version();
  }
  if (stale) {
    fresh_ = true;  // stays so if it fails
    execute(plan_.prologue);
    fresh_ = false;
  }
  for (size_t slot = 0; slot < state_.size(); slot++) {
    if (plan_.slots[slot].written) state_[slot]->changed();
  }
  execute(plan_.steps);
  for (size_t i = 0; i < plan_.outputs.size(); i++) {
    const OutputPlan& output = plan_.outputs[i];
    std::memcpy(outputs[i], pointers_[output.buffer], static_cast<size_t>(elementsOf(output.shape)) * byteSize(output.dtype));
  }
  runs_++;
}

std::vector<NodeProfile> Executable::profile() const {
  std::vector<NodeProfile> list;
  for (const std::vector<Step>* steps : {&plan_.prologue, &plan_.steps}) {
    for (const Step& step : *steps) {
      list.push_back({step.op, step.scope, step.detail, step.milliseconds, step.bytes, step.flops, runs_});
    }
  }
  return list;
}

}  // namespace omma
