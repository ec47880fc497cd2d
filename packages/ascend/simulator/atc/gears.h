// Gears: the fixed set of input shapes that a model with --dynamic_batch_size, --dynamic_image_size or --dynamic_dims is compiled for.
#pragma once

#include <unordered_map>

#include "options.h"

namespace omma::atc {

using NamedDims = std::unordered_map<std::string, Dims>;

// The input shapes of each gear, in the order of options.gears; the shapes themselves for a model without gears.
std::vector<NamedDims> gearShapes(const NamedDims& dims, const Options& options);

}  // namespace omma::atc
