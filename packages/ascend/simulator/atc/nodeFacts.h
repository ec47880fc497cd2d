// What is known about one node when the compiler looks at it, and whether a condition of the operator table holds for it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <unordered_set>

#include "types.h"

namespace omma::atc {

// Conditions about what is not known hold neither way.
enum class Truth { False, Unknown, True };

// Values that are constants: initializers, Constant nodes, and what is made from such alone.
std::unordered_set<std::string> constantValues(const onnx::GraphProto& graph);

class NodeFacts {
 public:
  // Keeps references to all of them.
  NodeFacts(const onnx::NodeProto& node, const Types& types, const Producers& producers, const std::unordered_set<std::string>& constants)
      : node_(node), types_(types), producers_(producers), constants_(constants) {}

  const onnx::NodeProto& node() const { return node_; }
  // Null for an input that is left out.
  const ValueType* input(int index) const;

  // A condition in the vocabulary of operators/README.md. Throws Failure for a word that is not in it.
  Truth holds(const nlohmann::json& condition) const;

 private:
  Truth attributeHolds(const nlohmann::json& condition) const;
  Truth inputHolds(const nlohmann::json& condition) const;
  Truth valuesHold(int index, const nlohmann::json& range) const;
  Truth lastAxisStepIsOne() const;
  const onnx::TensorProto* constantInput(int index) const;

  const onnx::NodeProto& node_;
  const Types& types_;
  const Producers& producers_;
  const std::unordered_set<std::string>& constants_;
};

// The ONNX element types that a text of the table lists ("float16 float32 bool?", "any").
std::set<int32_t> elementTypes(const std::string& text);

}  // namespace omma::atc
