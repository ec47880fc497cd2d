// In which type each node computes, and on which unit: what --precision_mode and --precision_mode_v2 decide (ascend.md 3.3, 4.3, 4.4).
//
// The rules are those of the flags' documentation. In mixed precision a node on the white list computes in 16 bits where there is a kernel;
// one on the black list in the model's type; one on neither (grey) in the type that the producer of its first floating input has, seen
// through a widening Cast. Black or white is `precision_reduce` of the chip's ops-info.json, kept in the operator table.
#pragma once

#include <map>
#include <set>

#include "operators.h"
#include "options.h"
#include "types.h"

namespace omma::atc {

// How one node computes. A type of 0 stands for: no floating tensor takes part.
struct Placement {
  int32_t inputType = 0;   // floating inputs are rounded to it
  int32_t outputType = 0;  // floating outputs are rounded to it
  bool aiCpu = false;
};

// Nodes whose precision the user pins: --keep_dtype and --modify_mixlist. Throws Failure for files that cannot be read.
class PrecisionOverrides {
 public:
  PrecisionOverrides(const Options& options);
  bool keeps(const std::string& node, const std::string& geType) const;
  MixedPrecision list(const std::string& geType, MixedPrecision builtIn) const;

 private:
  std::set<std::string> keptNodes_, keptTypes_;
  std::map<std::string, MixedPrecision> added_;
  std::map<std::string, MixedPrecision> removed_;
};

// Placements in the order of the graph's nodes. Throws Failure E11010 for a node that breaks a limit of the table, EZ3003 for one without a
// kernel.
std::vector<Placement> placeNodes(const onnx::GraphProto& graph, int64_t opset, const Types& types, const OperatorTable& table, const Soc& soc,
                                  const Options& options);

}  // namespace omma::atc
