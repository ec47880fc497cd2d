// Overflow of 16-bit floats. 910A and 310P saturate: a result beyond the range becomes the largest number, unless the device can be and is
// set to keep infinity. A check for overflow by isfinite sees nothing there. What becomes of NaN is not known; it stays NaN.
//
// Simulated here at the model's outputs of type float16, for the mode that the running device is in; inside the model atc limits the roundings to
// float16 for chips that saturate by default.
#pragma once

#include <vector>

#include "ort/ort.h"

namespace sim {

void saturate(const std::vector<omma::ort::Tensor>& outputs);

}  // namespace sim
