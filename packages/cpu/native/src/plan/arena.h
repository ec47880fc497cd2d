// Places for buffers whose lifetimes are known, in as little memory as a greedy search finds.
#pragma once

#include <cstddef>
#include <vector>

#include "execution_plan.h"

namespace omma {

// Sets `offset` of every Arena buffer that is used; returns the bytes they need together.
size_t placeBuffers(std::vector<Buffer>& buffers);

}  // namespace omma
