// A compiled graph: steps over buffers. Made by the planner, run by Executable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel.h"
#include "layouts.h"
#include "primitives/primitive_node.h"

namespace omma {

// Where a buffer's memory is.
enum class Place {
  Arena,       // shared by all executables, valid within one run
  Persistent,  // constants and what depends only on state that this program does not write
  State,       // a state slot, `index`
  Input,       // memory of the caller, `index`
};

struct Buffer {
  Place place;
  size_t bytes;
  int index = -1;
  size_t offset = 0;
  // First and last step that touches it, for Arena.
  int first = -1;
  int last = -1;
};

// What a step does. Pointers come in the order of Step::inputs, then Step::outputs.
class Operation {
 public:
  virtual ~Operation() = default;
  virtual void bind(size_t operand, void* data) = 0;
  virtual void bindScratch(void* data) = 0;
  virtual void execute(dnnl::stream& stream) = 0;
};

struct Step {
  std::string op;     // `reorder` for what the planner inserted
  std::string scope;
  std::string detail; // implementation or layouts, for the profile
  std::vector<int> inputs;
  std::vector<int> outputs;
  std::unique_ptr<Operation> operation;
  size_t scratch = 0;
  double bytes = 0;
  double flops = 0;
  double milliseconds = 0;
};

struct SlotPlan {
  std::string name;
  Layout home;
  bool written = false;
};

struct OutputPlan {
  std::string name;
  int buffer;
  DType dtype;
  Shape shape;
};

struct ExecutionPlan {
  std::vector<Buffer> buffers;
  // Runs when state that it depends on has changed since the last time.
  std::vector<Step> prologue;
  std::vector<Step> steps;
  std::vector<SlotPlan> slots;
  std::vector<OutputPlan> outputs;
  size_t arenaBytes = 0;       // intermediates, then scratch
  size_t scratchOffset = 0;
  size_t persistentBytes = 0;
};

// Operations.
std::unique_ptr<Operation> kernelOperation(std::unique_ptr<Kernel> kernel, size_t inputs, size_t outputs);
std::unique_ptr<Operation> primitiveOperation(const PrimitiveNode& node, const dnnl::engine& engine);
std::unique_ptr<Operation> copyOperation(size_t bytes);
// Element by element from one type to another; both sides in one order.
std::unique_ptr<Operation> convertOperation(DType from, DType to, size_t elements);

}  // namespace omma
