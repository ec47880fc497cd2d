// Makers of the vision kernels: sampling at places that come from data, and suppression of boxes.
#pragma once

#include <memory>

#include "../kernel.h"

namespace omma {

std::unique_ptr<Kernel> createRoiAlign(const NodeSpec& node);
std::unique_ptr<Kernel> createRoiAlignGrad(const NodeSpec& node);
std::unique_ptr<Kernel> createRoiPool(const NodeSpec& node);
std::unique_ptr<Kernel> createRoiPoolGrad(const NodeSpec& node);
std::unique_ptr<Kernel> createDeformUnfold(const NodeSpec& node);
std::unique_ptr<Kernel> createDeformUnfoldGrad(const NodeSpec& node);
std::unique_ptr<Kernel> createGridSample(const NodeSpec& node);
std::unique_ptr<Kernel> createGridSampleGrad(const NodeSpec& node);
std::unique_ptr<Kernel> createNms(const NodeSpec& node);

}  // namespace omma
