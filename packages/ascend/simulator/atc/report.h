// What atc tells about models without building one: --mode=1 (an .om as JSON), --mode=3 (which operators are known), --mode=6 (what an .om is).
#pragma once

#include <string>

#include "om/format.h"
#include "parser.h"

namespace omma::atc {

std::string toJson(const om::Model& model);
std::string describe(const om::Model& model);

struct Precheck {
  std::string report;   // JSON: every node and whether the parser knows its operator
  std::string failure;  // what is wrong with the first one it does not know; empty if it knows all
};

Precheck precheck(const onnx::ModelProto& model, const OperatorTable& table);

}  // namespace omma::atc
