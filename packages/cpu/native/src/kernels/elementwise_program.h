// Elementwise programs: what a fused chain of elementwise ops is compiled to.
//
// A program is a list of steps over registers. Registers 0..inputs-1 are the node's inputs; step k defines register inputs+k.
// `results` names the registers that are stored. A single elementwise op is a program of one step. The interpreter runs all
// steps on one tile (a few kB a register, so everything between loads and stores stays in the L1 cache) before it goes to the
// next, which makes a chain as fast as its memory traffic.
#pragma once

#include <string>
#include <vector>

#include "../kernel.h"
#include "elementwise_steps.h"

namespace omma {

struct ProgramStep {
  std::string op;  // of the op table, or `full`
  std::vector<int> inputs;
  Attribute attrs;
  DType dtype;
};

struct Program {
  std::vector<ProgramStep> steps;
  std::vector<int> results;
};

// The program of a `fusedElementwise` node, or the one-step program of an elementwise op.
Program programOf(const NodeSpec& node);

// Empty, or why a program cannot run.
std::string refuseElementwise(const NodeSpec& node);
LayoutPlan planElementwise(const NodeSpec& node);
std::vector<InPlace> inPlaceElementwise(const NodeSpec& node);

// A program that may also be run over a part of its elements.
class ElementwiseKernel : public Kernel {
 public:
  // Elements [begin, end), in the order in which the output lies in memory. Pointers are those of whole tensors; only those elements are touched.
  virtual void runPart(const RunArguments& arguments, int64_t begin, int64_t end) = 0;
};
std::unique_ptr<ElementwiseKernel> createElementwise(const NodeSpec& node);

// The parameters of a step (slope, alpha, min and max, exponent), in the order its loop expects.
std::vector<float> parametersOf(const ProgramStep& step);

// The loops of a step, given the types of all registers before it.
StepFunctions functionsOf(const ProgramStep& step, const std::vector<DType>& registers);

}  // namespace omma
