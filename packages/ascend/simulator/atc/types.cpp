#include "types.h"

#include <algorithm>
#include <set>

#include "carrier.h"
#include "failure.h"
#include "ort/ort.h"

namespace omma::atc {

using onnx::TensorProto;

namespace {

// Inputs that may be of another floating type than the node's first: sizes and factors beside the data.
bool hasOwnType(const std::string& type, int input) {
  static const std::set<std::string> mixed = {"Resize", "Upsample", "BatchNormalization", "Dropout", "OneHot", "Range"};
  return input > 0 && mixed.count(type) > 0;
}

// The input whose floating type the outputs take.
int leadingInput(const onnx::NodeProto& node) {
  if (node.op_type() == "Where") return 1;
  if (node.op_type() == "OneHot") return 2;
  return 0;
}

int32_t floatingType(const onnx::NodeProto& node, const Types& types) {
  const std::string& type = node.op_type();
  if (type == "Cast") return static_cast<int32_t>(integerAttribute(node, "to", TensorProto::FLOAT));
  if (const onnx::AttributeProto* dtype = attribute(node, "dtype")) return static_cast<int32_t>(dtype->i());
  if (type == "Constant" || type == "ConstantOfShape") {
    const onnx::AttributeProto* value = attribute(node, "value");
    return value == nullptr ? static_cast<int32_t>(TensorProto::FLOAT) : value->t().data_type();
  }
  const int leading = leadingInput(node);
  if (leading >= node.input_size()) return TensorProto::FLOAT;
  const int32_t found = types.at(node.input(leading)).elementType;
  return isFloating(found) ? found : static_cast<int32_t>(TensorProto::FLOAT);
}

void requireOneFloatingType(const onnx::NodeProto& node, const Types& types) {
  int32_t first = 0;
  for (int i = 0; i < node.input_size(); i++) {
    if (node.input(i).empty() || hasOwnType(node.op_type(), i)) continue;
    const int32_t type = types.at(node.input(i)).elementType;
    if (!isFloating(type)) continue;
    if (first == 0) first = type;
    if (type != first) {
      throw innerError("Node " + node.name() + " of type " + node.op_type() + " mixes inputs of types " + elementName(first) + " and " + elementName(type) + ".");
    }
  }
}

// The carrier with every value an output and with input shapes as given.
onnx::ModelProto probe(const onnx::ModelProto& model, const std::unordered_map<std::string, Dims>& inputDims) {
  onnx::ModelProto out;
  out.set_ir_version(model.ir_version());
  *out.mutable_opset_import() = model.opset_import();
  *out.mutable_graph() = carrier(model.graph());
  onnx::GraphProto& graph = *out.mutable_graph();
  for (auto& input : *graph.mutable_input()) {
    auto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    shape.clear_dim();
    for (int64_t dim : inputDims.at(input.name())) shape.add_dim()->set_dim_value(dim);
  }
  graph.clear_output();
  for (const auto& node : graph.node()) {
    for (const std::string& output : node.output()) {
      if (!output.empty()) graph.add_output()->set_name(output);
    }
  }
  return out;
}

}  // namespace

Types inferTypes(const onnx::ModelProto& model, const std::unordered_map<std::string, Dims>& inputDims) {
  Types types;
  for (const auto& input : model.graph().input()) types[input.name()] = {input.type().tensor_type().elem_type(), inputDims.at(input.name())};
  for (const TensorProto& tensor : model.graph().initializer()) types[tensor.name()] = {tensor.data_type(), Dims(tensor.dims().begin(), tensor.dims().end())};
  if (model.graph().node_size() == 0) return types;
  try {
    const ort::Session session(probe(model, inputDims).SerializeAsString(), ort::Optimization::None, 1);
    for (size_t i = 0; i < session.outputNames().size(); i++) {
      const ort::TensorType type = session.outputType(i);
      types[session.outputNames()[i]] = {type.elementType, type.dims};
    }
  } catch (const ort::Error& error) {
    throw innerError(std::string("The model cannot be compiled. ONNX Runtime says: ") + error.what());
  }
  for (const auto& node : model.graph().node()) {
    requireOneFloatingType(node, types);
    const int32_t floating = floatingType(node, types);
    for (const std::string& output : node.output()) {
      if (output.empty()) continue;
      ValueType& type = types.at(output);
      if (isFloating(type.elementType)) type.elementType = floating;
      if (std::count_if(type.dims.begin(), type.dims.end(), [](int64_t dim) { return dim <= 0; }) == 0) continue;
      throw innerError("Infer shape of node " + node.name() + " of type " + node.op_type() + " gives " + format(type.dims) +
                       ": shapes must be known when compiling, and without zeros.");
    }
  }
  return types;
}

}  // namespace omma::atc
