// target = target op other, element by element, for every dtype: what Gloo wants of its caller, and MPI for 16-bit floats.
// 16-bit floats are combined in float32 and rounded to nearest even after each step.
#pragma once

#include <cstddef>

namespace omma {

// Combines `count` elements of a and b into c; c may be a or b. The addresses are those of elements of the dtype.
using ReduceFunction = void (*)(void* c, const void* a, const void* b, size_t count);

// Throws std::runtime_error for what is none.
ReduceFunction reduceFunction(int dtype, int op);

}  // namespace omma
