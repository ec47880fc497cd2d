#include "model.h"

#include <cstring>
#include <fstream>

#include "failure.h"

namespace omma::atc {

using onnx::AttributeProto;
using onnx::TensorProto;

onnx::ModelProto readModel(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Failure("E13001", "Failed to open file " + path + ". Reason: [Error 13] Permission denied.");
  onnx::ModelProto model;
  if (!model.ParseFromIstream(&file)) throw Failure("E13005", "Failed to parse file " + path + ".");
  return model;
}

const AttributeProto* attribute(const onnx::NodeProto& node, const std::string& name) {
  for (const AttributeProto& each : node.attribute()) {
    if (each.name() == name) return &each;
  }
  return nullptr;
}

int64_t integerAttribute(const onnx::NodeProto& node, const std::string& name, int64_t standard) {
  const AttributeProto* found = attribute(node, name);
  return found == nullptr ? standard : found->i();
}

std::string stringAttribute(const onnx::NodeProto& node, const std::string& name, const std::string& standard) {
  const AttributeProto* found = attribute(node, name);
  return found == nullptr ? standard : found->s();
}

Dims integersAttribute(const onnx::NodeProto& node, const std::string& name) {
  const AttributeProto* found = attribute(node, name);
  return found == nullptr ? Dims() : Dims(found->ints().begin(), found->ints().end());
}

bool isFloating(int32_t type) { return type == TensorProto::FLOAT || type == TensorProto::FLOAT16 || type == TensorProto::BFLOAT16; }

bool isNarrow(int32_t type) { return type == TensorProto::FLOAT16 || type == TensorProto::BFLOAT16; }

const char* elementName(int32_t type) {
  switch (type) {
    case TensorProto::FLOAT: return "float32";
    case TensorProto::FLOAT16: return "float16";
    case TensorProto::BFLOAT16: return "bfloat16";
    case TensorProto::DOUBLE: return "float64";
    case TensorProto::INT8: return "int8";
    case TensorProto::INT16: return "int16";
    case TensorProto::INT32: return "int32";
    case TensorProto::INT64: return "int64";
    case TensorProto::UINT8: return "uint8";
    case TensorProto::UINT16: return "uint16";
    case TensorProto::UINT32: return "uint32";
    case TensorProto::UINT64: return "uint64";
    case TensorProto::BOOL: return "bool";
    default: return "unknown";
  }
}

size_t elementSize(int32_t type) {
  switch (type) {
    case TensorProto::INT8:
    case TensorProto::UINT8:
    case TensorProto::BOOL: return 1;
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
    case TensorProto::INT16:
    case TensorProto::UINT16: return 2;
    case TensorProto::FLOAT:
    case TensorProto::INT32:
    case TensorProto::UINT32: return 4;
    case TensorProto::DOUBLE:
    case TensorProto::INT64:
    case TensorProto::UINT64: return 8;
    default: throw innerError("Element type " + std::to_string(type) + " of ONNX is not supported.");
  }
}

std::optional<Dims> integers(const TensorProto& tensor) {
  const std::string& raw = tensor.raw_data();
  Dims out;
  if (tensor.data_type() == TensorProto::INT64) {
    if (raw.empty()) return Dims(tensor.int64_data().begin(), tensor.int64_data().end());
    out.resize(raw.size() / sizeof(int64_t));
    std::memcpy(out.data(), raw.data(), out.size() * sizeof(int64_t));
    return out;
  }
  if (tensor.data_type() != TensorProto::INT32) return std::nullopt;
  if (raw.empty()) return Dims(tensor.int32_data().begin(), tensor.int32_data().end());
  std::vector<int32_t> narrow(raw.size() / sizeof(int32_t));
  std::memcpy(narrow.data(), raw.data(), narrow.size() * sizeof(int32_t));
  return Dims(narrow.begin(), narrow.end());
}

bool isGraphInput(const onnx::GraphProto& graph, const std::string& name) {
  for (const auto& input : graph.input()) {
    if (input.name() == name) return true;
  }
  return false;
}

Producers::Producers(const onnx::GraphProto& graph) {
  for (const TensorProto& tensor : graph.initializer()) constants_[tensor.name()] = &tensor;
  for (const onnx::NodeProto& node : graph.node()) {
    for (const std::string& output : node.output()) {
      if (!output.empty()) nodes_[output] = &node;
    }
    const AttributeProto* value = node.op_type() == "Constant" ? attribute(node, "value") : nullptr;
    if (value != nullptr) constants_[node.output(0)] = &value->t();
  }
}

const TensorProto* Producers::constant(const std::string& name) const {
  const auto found = constants_.find(name);
  return found == constants_.end() ? nullptr : found->second;
}

const onnx::NodeProto* Producers::node(const std::string& name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : found->second;
}

GraphWriter::GraphWriter(onnx::GraphProto& graph, const onnx::GraphProto& names) : graph_(graph) {
  for (const auto& input : names.input()) taken_[input.name()] = 0;
  for (const auto& tensor : names.initializer()) taken_[tensor.name()] = 0;
  for (const auto& node : names.node()) {
    taken_[node.name()] = 0;
    for (const std::string& output : node.output()) taken_[output] = 0;
  }
}

std::string GraphWriter::unique(const std::string& base) {
  std::string out = base;
  while (taken_.count(out) > 0) out = base + "_" + std::to_string(++taken_[base]);
  taken_[out] = 0;
  return out;
}

std::string GraphWriter::node(const std::string& type, const std::vector<std::string>& inputs, const std::string& name) {
  onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(type);
  node.set_name(unique(name));
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(unique(node.name() + "_out"));
  return node.output(0);
}

onnx::NodeProto& GraphWriter::last() { return *graph_.mutable_node(graph_.node_size() - 1); }

std::string GraphWriter::cast(const std::string& value, int32_t elementType, const std::string& name) {
  std::string out = node("Cast", {value}, name);
  setInteger(last(), "to", elementType);
  return out;
}

std::string GraphWriter::floats(const std::vector<float>& values, const Dims& dims, const std::string& name) {
  TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(unique(name));
  tensor.set_data_type(TensorProto::FLOAT);
  for (int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
  return tensor.name();
}

std::string GraphWriter::integers(const Dims& values, const std::string& name) {
  TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(unique(name));
  tensor.set_data_type(TensorProto::INT64);
  tensor.add_dims(static_cast<int64_t>(values.size()));
  tensor.set_raw_data(values.data(), values.size() * sizeof(int64_t));
  return tensor.name();
}

void setInteger(onnx::NodeProto& node, const std::string& name, int64_t value) {
  AttributeProto& made = *node.add_attribute();
  made.set_name(name);
  made.set_type(AttributeProto::INT);
  made.set_i(value);
}

void setIntegers(onnx::NodeProto& node, const std::string& name, const Dims& values) {
  AttributeProto& made = *node.add_attribute();
  made.set_name(name);
  made.set_type(AttributeProto::INTS);
  for (int64_t value : values) made.add_ints(value);
}

}  // namespace omma::atc
