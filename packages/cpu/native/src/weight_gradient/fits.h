// Which weight gradients the packed kernel takes over from oneDNN.
#pragma once

#include "kernel.h"

namespace omma {

bool packedWeightGradientFits(const NodeSpec& node);

}  // namespace omma
