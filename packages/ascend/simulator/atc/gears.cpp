#include "gears.h"

namespace omma::atc {

namespace {

// The -1 dims take the values of the gear in order: all of them the batch, or of each input height and width, or one value each through all
// inputs in the order of --input_shape.
NamedDims shapesOf(const NamedDims& dims, const Options& options, const Dims& gear) {
  NamedDims out = dims;
  size_t next = 0;
  for (const auto& [name, shape] : options.inputShape) {
    if (options.gearKind == om::GearKind::Image) next = 0;
    for (int64_t& dim : out.at(name)) {
      if (dim != -1) continue;
      dim = options.gearKind == om::GearKind::Batch ? gear[0] : gear.at(next++);
    }
  }
  return out;
}

}  // namespace

std::vector<NamedDims> gearShapes(const NamedDims& dims, const Options& options) {
  if (options.gearKind == om::GearKind::None) return {dims};
  std::vector<NamedDims> out;
  for (const Dims& gear : options.gears) out.push_back(shapesOf(dims, options, gear));
  return out;
}

}  // namespace omma::atc
