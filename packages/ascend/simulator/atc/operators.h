// The operator table, packages/ascend/operators, on the C++ side: which ONNX operators CANN takes, in which opsets and types, on which chip.
// The same files that `omma ascend check` reads (their README defines every field); no second copy.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "nodeFacts.h"

namespace omma::atc {

struct Soc {
  std::string version;  // as in --soc_version: Ascend910B3
  std::string family;   // chips of one family run the same .om: 910B
  std::string column;   // the family's column in the table of kernels
  bool bfloat16 = false;
  bool saturates = false;  // float16 results beyond the range become its largest number, not infinity
};

// What mixed precision does with a kernel: white computes in 16 bits, black does not, grey follows the producer of its first input.
enum class MixedPrecision { White, Grey, Black };

// The kernel that runs a node on one chip. Element types are ONNX's.
struct Kernel {
  std::string type;  // of the graph engine: Conv2D
  MixedPrecision mixed = MixedPrecision::Grey;
  bool cube = false;  // runs on the matrix unit
  std::set<int32_t> aiCore, aiCpu;
};

// A broken limit of the table.
struct Broken {
  bool fails = false;  // else the node leaves AI Core
  std::string because;
};

class OperatorTable {
 public:
  // From the folder OMMA_ASCEND_OPERATORS, or where it was when this was built, for the CANN release OMMA_ASCEND_SIM_CANN. Throws Failure.
  OperatorTable();
  ~OperatorTable();

  const std::string& toolkit() const { return toolkit_; }
  // The id of the error for operators that are not registered: it changed between releases.
  const std::string& unregisteredError() const { return unregisteredError_; }
  bool hasPrecisionModeV2() const { return precisionModeV2_; }

  // Throws Failure E10001 for a chip that the table does not have.
  Soc soc(const std::string& version) const;

  bool isRegistered(const std::string& domain, const std::string& type, int64_t opset) const;
  Kernel kernel(const NodeFacts& node, const Soc& soc) const;
  // Limits that do not hold, in the order of the table; doubts are left out.
  std::vector<Broken> broken(const NodeFacts& node, int64_t opset, const Soc& soc) const;

 private:
  const nlohmann::json* find(const std::string& domain, const std::string& type) const;
  const nlohmann::json* row(const std::string& kernel) const;

  std::unique_ptr<nlohmann::json> operators_, socs_;
  std::unordered_map<std::string, const nlohmann::json*> byKey_, rows_;  // operators by domain::type, kernels by name
  std::string toolkit_, unregisteredError_;
  std::string toolkitOpsets_;
  bool precisionModeV2_ = true;
};

}  // namespace omma::atc
