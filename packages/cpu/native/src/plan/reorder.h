// The operation that brings a tensor from one form to another.
#pragma once

#include "execution_plan.h"

namespace omma {

// One oneDNN reorder, a copy or a conversion where that is all it takes, or two in a row through memory in the scratch area.
// Null when there is no way. `scratch` is set to the scratch bytes that the operation needs.
std::unique_ptr<Operation> makeReorder(const Layouts& layouts, const dnnl::engine& engine, const Form& from, const Form& to,
                                       const Shape& shape, size_t& scratch);

}  // namespace omma
