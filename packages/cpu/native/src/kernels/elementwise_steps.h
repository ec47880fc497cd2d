// The instruction set of elementwise programs: for every elementwise op, the loop that applies it to a tile.
//
// A tile holds 4-byte lanes: float32 for the float types, int32 for int32, uint8 and bool, uint32 for uint32. Operands may be
// the output itself. Binary ops also come with one operand uniform (a single lane), so that learning rates, momenta
// and the like need no tile.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../tensor.h"

namespace omma {

struct StepOperands {
  void* out;
  const void* a;
  const void* b;
  const void* c;
  int64_t count;
  const float* parameters;
};

using StepFunction = void (*)(const StepOperands&);

struct StepFunctions {
  StepFunction vector = nullptr;
  // Binary ops only: b uniform, a uniform.
  StepFunction uniformRight = nullptr;
  StepFunction uniformLeft = nullptr;
};

// The loops for `op` whose operands (for `where`: whose branches; for `cast`: whose operand) have type `operand` and whose
// result has type `result`. All null when there is none.
StepFunctions stepFunctions(const std::string& op, DType operand, DType result);

// All ops that have a loop for some type.
std::vector<std::string> elementwiseOps();

}  // namespace omma
