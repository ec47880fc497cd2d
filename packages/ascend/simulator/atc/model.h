// The ONNX model as atc works on it: reading it, looking things up in it, adding nodes to it.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "onnx.pb.h"
#include "text.h"

namespace omma::atc {

// Throws Failure E13000, E13001, E13005.
onnx::ModelProto readModel(const std::string& path);

const onnx::AttributeProto* attribute(const onnx::NodeProto& node, const std::string& name);
int64_t integerAttribute(const onnx::NodeProto& node, const std::string& name, int64_t standard);
std::string stringAttribute(const onnx::NodeProto& node, const std::string& name, const std::string& standard);
Dims integersAttribute(const onnx::NodeProto& node, const std::string& name);

bool isFloating(int32_t elementType);  // float32, float16, bfloat16: what precision modes choose among
bool isNarrow(int32_t elementType);    // float16, bfloat16
const char* elementName(int32_t elementType);  // "float32"
size_t elementSize(int32_t elementType);

// The integers that an int32 or int64 tensor holds; nothing for other types.
std::optional<Dims> integers(const onnx::TensorProto& tensor);

bool isGraphInput(const onnx::GraphProto& graph, const std::string& name);

// Where the values of a graph come from. Pointers into the graph: valid until it changes.
class Producers {
 public:
  explicit Producers(const onnx::GraphProto& graph);

  // The tensor behind a name that is an initializer or the output of a Constant node; null otherwise.
  const onnx::TensorProto* constant(const std::string& name) const;
  // The node that makes a value; null for inputs and initializers.
  const onnx::NodeProto* node(const std::string& name) const;

 private:
  std::unordered_map<std::string, const onnx::TensorProto*> constants_;
  std::unordered_map<std::string, const onnx::NodeProto*> nodes_;
};

// Appends nodes to a graph under names that nothing else has, neither in it nor in `names`: the graph it is made from. Used for what atc
// inserts, casts and preprocessing.
class GraphWriter {
 public:
  GraphWriter(onnx::GraphProto& graph, const onnx::GraphProto& names);

  std::string unique(const std::string& base);

  // A node with one output, whose name is returned.
  std::string node(const std::string& type, const std::vector<std::string>& inputs, const std::string& name);
  onnx::NodeProto& last();

  std::string cast(const std::string& value, int32_t elementType, const std::string& name);
  std::string floats(const std::vector<float>& values, const Dims& dims, const std::string& name);
  std::string integers(const Dims& values, const std::string& name);

 private:
  onnx::GraphProto& graph_;
  std::unordered_map<std::string, int> taken_;
};

void setInteger(onnx::NodeProto& node, const std::string& name, int64_t value);
void setIntegers(onnx::NodeProto& node, const std::string& name, const Dims& values);

}  // namespace omma::atc
