// The interface between the planner and the plain kernels (everything that is not a oneDNN primitive).
//
// A kernel goes through three calls. At compile: `plan` sees in which layout the inputs come and answers in which it wants
// them and in which it makes its outputs (the planner inserts reorders where the answer differs from the offer), then
// `create` builds the kernel once, with all shapes, layouts and attributes final. At run: `run` with pointers only.
// Kernels use OpenMP inside (`omp parallel for`; the thread count is set by the worker) and are called from one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "attributes.h"
#include "tensor.h"

namespace omma {

// One node as kernels see it. `attrs` is an object; layouts in inputs are an offer in `plan`, final in `create`.
struct NodeSpec {
  std::string op;
  std::string scope;
  Attribute attrs;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

// Pointers of one run. Alignment is 64 bytes, except of aliases into other tensors; sizes are those of the specs.
struct RunArguments {
  const void* const* inputs;
  void* const* outputs;
  void* scratch;  // scratchBytes() of it, shared by all kernels, contents undefined

  template <typename T>
  const T* input(size_t index) const {
    return static_cast<const T*>(inputs[index]);
  }
  template <typename T>
  T* output(size_t index) const {
    return static_cast<T*>(outputs[index]);
  }
};

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(const RunArguments& arguments) = 0;
  virtual size_t scratchBytes() const { return 0; }
  // Of one run, for the profile.
  virtual double flops() const { return 0; }
};

// The answer of `plan`: one layout an input, one an output.
struct LayoutPlan {
  std::vector<Layout> inputs;
  std::vector<Layout> outputs;
};

// Output `output` may be written over input `input`: the kernel reads element i of the input before it writes element i of the
// output, in whatever thread. The planner shares the memory when the input is not needed afterwards and sizes agree.
struct InPlace {
  size_t output;
  size_t input;
};

struct KernelDefinition {
  // Empty, or in a few words why this node cannot run. Layouts are all Plain here.
  std::function<std::string(const NodeSpec&)> refuse;
  // Which layouts for what is offered. Left out: everything Plain. A layout other than Plain may be asked for an input only if
  // it fits the shape (block divides C), and an Opaque one only if some input is offered in it and shapes are equal.
  std::function<LayoutPlan(const NodeSpec&)> plan;
  // Throws std::runtime_error with the reason when it cannot be made.
  std::function<std::unique_ptr<Kernel>(const NodeSpec&)> create;
  // Left out: never in place.
  std::function<std::vector<InPlace>(const NodeSpec&)> inPlace;
};

// Op name to kernel. Filled once, by registerKernels.
class KernelTable {
 public:
  void add(const std::string& op, KernelDefinition definition) { definitions_[op] = std::move(definition); }
  const KernelDefinition* find(const std::string& op) const {
    auto found = definitions_.find(op);
    return found == definitions_.end() ? nullptr : &found->second;
  }
  const std::unordered_map<std::string, KernelDefinition>& all() const { return definitions_; }

 private:
  std::unordered_map<std::string, KernelDefinition> definitions_;
};

class CollectivesLink;

// All plain kernels: kernels/register.cpp. Those of collectives work through `link`.
void registerKernels(KernelTable& table, CollectivesLink& link);

}  // namespace omma
