// Makers of the kernels over fixed neighbourhoods of an image.
#pragma once

#include <memory>
#include <string>

#include "../kernel.h"
#include "tap_table.h"

namespace omma {

std::unique_ptr<Kernel> createAvgPool(const NodeSpec& node);
std::unique_ptr<Kernel> createAvgPoolGrad(const NodeSpec& node);
std::unique_ptr<Kernel> createResize(const NodeSpec& node);
std::unique_ptr<Kernel> createResizeGrad(const NodeSpec& node);
std::unique_ptr<Kernel> createUnfold(const NodeSpec& node);
std::unique_ptr<Kernel> createFold(const NodeSpec& node);

// Taps of resizing `input` elements to `output`: resize_taps.cpp.
TapTable resizeTaps(int64_t input, int64_t output, const std::string& mode, bool alignCorners);

}  // namespace omma
