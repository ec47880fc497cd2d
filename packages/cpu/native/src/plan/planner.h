// From a graph to a program: the order of steps is the graph's, what is decided here is where every value lies and in which
// layout.
//
// A value has instances: the same numbers in one form (element type, layout) in one buffer. A node demands forms; a reorder is
// inserted when no instance has the form, once per value and form. State that nothing has placed yet takes the form of the
// first demand (its `home`), so weights lie the way their convolution wants them and everything that
// updates them works in that order. Reorders from state are therefore made last, when homes are known.
#pragma once

#include <memory>
#include <vector>

#include "graph.h"
#include "execution_plan.h"
#include "state_buffer.h"

namespace omma {

struct PlannerContext {
  const KernelTable& kernels;
  Layouts& layouts;
  dnnl::engine engine;
};

class Planner {
 public:
  Planner(const GraphSpec& graph, const std::vector<std::shared_ptr<StateBuffer>>& state, PlannerContext context);
  // Throws std::runtime_error naming op and scope of the node that cannot be made.
  ExecutionPlan plan();

 private:
  struct Instance {
    Form form;
    int buffer;
    bool undecided = false;  // state without a home so far: form.layout is only what it has now
  };
  struct ValueState {
    std::vector<Instance> instances;
    int lastUse = -1;
    int readSlot = -1;
    int writeSlot = -1;
    int castOf = -1;          // a cast that was not made: whoever wants a form converts from this value
    bool persistent = false;  // depends on constants and unwritten state only
  };
  struct PendingReorder {
    bool prologue;
    size_t step;
    int value;
    int instance;
    Form to;
  };

  // analysis.cpp
  void analyse();
  void pairPools();
  bool staysLazy(const GraphNode& node) const;

  // planner.cpp
  void addSources();
  void planNode(int index);
  void planKernel(int index, const KernelDefinition& definition);
  bool planAlias(int index);
  NodeSpec specOf(int index) const;
  void finishState();
  void finishOutputs();
  void finishLifetimes();

  // primitives.cpp
  void planPrimitive(int index, PrimitiveBuilder builder);
  int repeatPooling(int index, const NodeSpec& grad);
  std::vector<onednn::desc> offeredDescs(int index, const NodeSpec& spec);

  // operands.cpp
  int demand(int value, Form form);
  const Instance& offered(int value);
  int convertInstance(int value, size_t from, Form to);
  int emitReorder(int from, int source, int instance, const Form& to, bool prologue);
  int outputBuffer(int index, size_t output, const Form& form, const std::vector<int>& reusable);
  bool diesAt(int buffer, int index) const;
  bool isTaken(int buffer) const;
  int take(int buffer);
  int newBuffer(Place place, size_t bytes, int slot = -1);
  void attach(int value, Form form, int buffer);
  int emit(Step step, bool prologue);
  void makeReorders();

  const GraphSpec& graph_;
  const std::vector<std::shared_ptr<StateBuffer>>& state_;
  PlannerContext context_;
  ExecutionPlan plan_;
  std::vector<ValueState> values_;
  std::vector<std::vector<int>> bufferValues_;  // values that lie in a buffer
  std::vector<bool> persistentNode_;
  std::vector<PendingReorder> pending_;
  std::vector<int> poolPartner_;  // node of the backward's forward and the other way round; -1
  std::vector<PrimitiveNode> poolForward_;
  std::vector<int> workspace_;    // buffer, by forward node
  std::vector<int> stateBuffer_;  // buffer of each slot
  int current_ = 0;               // node being planned
  std::vector<int> taken_;        // buffers that its outputs were given so far
};

// Ops that only name the same memory differently.
inline bool alwaysAlias(const std::string& op) {
  return op == "reshape" || op == "stopGradient" || op == "optimizationBarrier";
}

constexpr int forever = 1 << 30;

}  // namespace omma
