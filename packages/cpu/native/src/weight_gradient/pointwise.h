// The weight gradient of 1x1 convolutions without stride: a product of two matrices over all pixels.
//
// Only the operand with fewer channels is packed. The other one, most of the memory, is read once, as it lies, and its pixels become pairs in
// registers. Packing both took as long as the products where channels are few and pixels many (64 and 256 channels, 56x56: 2.9 ms
// in place of 2.1).
#pragma once

#include "weight_gradient/weight_gradient.h"

namespace omma {

bool isPointwise(const WeightGradientShape& shape);
// With an even number of pixels an image, so that no pair lies in two images.
bool isEvenPointwise(const WeightGradientShape& shape);

size_t pointwiseScratch(const WeightGradientShape& shape);
void pointwiseWeightGradient(const WeightGradientShape& shape, const BFloat16* x, const BFloat16* dy, float* dw, void* scratch);

}  // namespace omma
