// The inputs and outputs of the offline model: their types as the flags leave them, and what its header says about them.
#pragma once

#include "gears.h"
#include "parser.h"
#include "rewrite.h"

namespace omma::atc {

// As in the model, unless --input_fp16_nodes or --output_type say otherwise. Throws Failure E10016, E10017, E10001.
PortTypes portTypes(const ParsedModel& parsed, const Types& types, const Options& options);

// Fills inputs, outputs and gears of the header. `shapes` and `types` are those of each gear; the largest gear gives sizes.
void describePorts(om::Model& model, const ParsedModel& parsed, const PortTypes& ports, const NamedDims& dims, const std::vector<NamedDims>& shapes,
                   const std::vector<Types>& types, const Options& options);

}  // namespace omma::atc
