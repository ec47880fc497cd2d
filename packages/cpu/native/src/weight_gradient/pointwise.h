// The weight gradient of 1x1 convolutions without stride: a product of two matrices over all pixels.
//
// Only the operand with fewer channels is packed as a whole. The other one, most of the memory, is read once, as it lies, and its pixels become
// pairs a panel at a time, in the first-level cache, while the panel after it is fetched (256 and 64 channels, 56x56: 2.8 ms in place of
// 3.2 with both packed; 64 and 256: no difference beyond noise).
#pragma once

#include "weight_gradient/weight_gradient.h"

namespace omma {

bool isPointwise(const WeightGradientShape& shape);
// With an even number of pixels an image, so that no pair lies in two images.
bool isEvenPointwise(const WeightGradientShape& shape);

size_t pointwiseScratch(const WeightGradientShape& shape);
void pointwiseWeightGradient(const WeightGradientShape& shape, const BFloat16* x, const BFloat16* dy, float* dw, void* scratch);

}  // namespace omma
