// From an ONNX file and the command line to an offline model: the order in which atc does its work.
#pragma once

#include "om/format.h"
#include "operators.h"
#include "options.h"

namespace omma::atc {

struct Compiled {
  om::Model model;
  std::vector<std::string> warnings;  // lines to print after success
};

// Throws Failure.
Compiled compile(const Options& options, const OperatorTable& table);

}  // namespace omma::atc
