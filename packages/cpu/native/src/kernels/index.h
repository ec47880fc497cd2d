// Makers of the kernels whose places come from data.
#pragma once

#include <memory>

#include "../kernel.h"

namespace omma {

std::unique_ptr<Kernel> createGather(const NodeSpec& node);
std::unique_ptr<Kernel> createScatterAdd(const NodeSpec& node);
std::unique_ptr<Kernel> createIndexSelect(const NodeSpec& node);
std::unique_ptr<Kernel> createIndexAdd(const NodeSpec& node);
std::unique_ptr<Kernel> createOneHot(const NodeSpec& node);
std::unique_ptr<Kernel> createTopK(const NodeSpec& node);
std::unique_ptr<Kernel> createSort(const NodeSpec& node);

}  // namespace omma
