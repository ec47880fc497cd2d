// Padding by reflection, which is no strided copy: pad(x) {pads, mode: 'reflect'}.
#pragma once

#include "../kernel.h"

namespace omma {

std::unique_ptr<Kernel> createPadReflect(const NodeSpec& node, const std::vector<int64_t>& before);

}  // namespace omma
