// Overflow of 16-bit floats. 910A and 310P saturate: a result beyond the range becomes the largest number and NaN becomes 0, unless the device
// can be and is set to keep infinity and NaN. A check for overflow by isfinite sees nothing there.
//
// Simulated at the model's outputs of type float16; inside the model the simulator keeps infinity and NaN (docs/ascend/simulator.md).
#pragma once

#include <vector>

#include "ort/ort.h"

namespace sim {

void saturate(const std::vector<omma::ort::Tensor>& outputs);

}  // namespace sim
