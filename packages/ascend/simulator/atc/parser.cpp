#include "parser.h"

#include <algorithm>
#include <set>

#include "failure.h"

namespace omma::atc {

namespace {

// ONNX's own domain has two spellings.
std::string plainDomain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

void requireOneOpsetEach(const onnx::ModelProto& model) {
  std::set<std::string> domains;
  for (const auto& opset : model.opset_import()) {
    if (domains.insert(plainDomain(opset.domain())).second) continue;
    throw Failure("E16005", "The model has " + std::to_string(model.opset_import_size()) + " --domain_version fields, but only one is allowed.");
  }
}

// Inputs with the name of an initializer are constants to CANN.
void dropConstantInputs(onnx::GraphProto& graph) {
  std::set<std::string> constants;
  for (const auto& tensor : graph.initializer()) constants.insert(tensor.name());
  auto& inputs = *graph.mutable_input();
  inputs.erase(std::remove_if(inputs.begin(), inputs.end(), [&](const auto& input) { return constants.count(input.name()) > 0; }), inputs.end());
}

void nameNodes(onnx::GraphProto& graph) {
  std::set<std::string> names;
  int unnamed = 0;
  for (auto& node : *graph.mutable_node()) {
    if (node.name().empty()) node.set_name(node.op_type() + "_" + std::to_string(unnamed++));
    if (!names.insert(node.name()).second) {
      throw Failure("E13009", "Operator " + node.name() + " already exists in the graph. Ensure that operator names are unique.");
    }
  }
}

Failure notRegistered(const onnx::NodeProto& node, const std::string& key, const OperatorTable& table) {
  if (table.unregisteredError() == "E16002") return Failure("E16002", "No ONNX parser is registered for optype " + key + ".");
  return Failure(table.unregisteredError(), "No parser is registered for Op [" + node.name() + ", optype [" + key + "]].");
}

void checkRegistered(const onnx::ModelProto& model, const OperatorTable& table) {
  for (const auto& node : model.graph().node()) {
    const std::string key = unregistered(model, node, table);
    if (!key.empty()) throw notRegistered(node, key, table);
    const std::string domain = plainDomain(node.domain());
    if (!domain.empty()) throw innerError("Node " + node.name() + " of type " + domain + "::" + node.op_type() + " cannot be run by this simulator.");
  }
}

const onnx::NodeProto* nodeNamed(const onnx::GraphProto& graph, const std::string& name) {
  for (const auto& node : graph.node()) {
    if (node.name() == name) return &node;
  }
  return nullptr;
}

std::string portName(const onnx::NodeProto& node, const std::string& value) {
  const auto& outputs = node.output();
  const auto index = std::find(outputs.begin(), outputs.end(), value) - outputs.begin();
  return node.name() + ":" + std::to_string(index);
}

Failure unknownName(const std::string& name, const std::string& flag) {
  return Failure("E10016", "Op name " + name + " specified in --" + flag + " is not found in the model. Confirm whether this node name exists, or whether the node is not split with the specified delimiter ';'.");
}

// "node:0", or the name of a value.
OutputPort chosenOutput(const onnx::GraphProto& graph, const Producers& producers, const std::string& text) {
  if (const onnx::NodeProto* node = producers.node(text)) return {text, portName(*node, text)};
  const size_t colon = text.rfind(':');
  const std::string name = text.substr(0, colon);
  const onnx::NodeProto* node = nodeNamed(graph, name);
  int64_t index = 0;
  if (node == nullptr || colon == std::string::npos || !parseInteger(text.substr(colon + 1), index)) throw unknownName(name, "out_nodes");
  if (index < 0 || index >= node->output_size()) throw unknownName(text, "out_nodes");
  return {node->output(static_cast<int>(index)), text};
}

std::vector<OutputPort> chooseOutputs(onnx::GraphProto& graph, const Options& options) {
  const Producers producers(graph);
  std::vector<OutputPort> ports;
  for (const std::string& each : options.outNodes) ports.push_back(chosenOutput(graph, producers, each));
  if (!ports.empty()) {
    graph.clear_output();
    for (const OutputPort& port : ports) graph.add_output()->set_name(port.value);
    return ports;
  }
  for (const auto& output : graph.output()) {
    const onnx::NodeProto* node = producers.node(output.name());
    if (node == nullptr || node->op_type() == "Constant") {
      throw innerError("[Get][Outputs] Cannot find output:" + output.name() + " in graph: an output must be made by a node; put an Identity between.");
    }
    ports.push_back({output.name(), portName(*node, output.name()) + ":" + output.name()});
  }
  return ports;
}

// Nodes and constants that no output needs are left out, as the compiler does before it looks for kernels.
void dropDead(onnx::GraphProto& graph) {
  std::set<std::string> needed;
  for (const auto& output : graph.output()) needed.insert(output.name());
  std::vector<onnx::NodeProto> alive;
  for (int i = graph.node_size() - 1; i >= 0; i--) {
    const onnx::NodeProto& node = graph.node(i);
    if (std::none_of(node.output().begin(), node.output().end(), [&](const std::string& name) { return needed.count(name) > 0; })) continue;
    needed.insert(node.input().begin(), node.input().end());
    alive.push_back(node);
  }
  graph.clear_node();
  for (auto node = alive.rbegin(); node != alive.rend(); ++node) *graph.add_node() = *node;
  auto& constants = *graph.mutable_initializer();
  constants.erase(std::remove_if(constants.begin(), constants.end(), [&](const auto& tensor) { return needed.count(tensor.name()) == 0; }), constants.end());
}

// What CANN takes and this simulator does not: nodes with graphs inside, and casts whose type is not written.
void refuseUnsupported(const onnx::GraphProto& graph) {
  for (const auto& node : graph.node()) {
    if (node.op_type() == "CastLike") throw innerError("Node " + node.name() + " of type CastLike is not in this simulator; write Cast.");
    for (const auto& each : node.attribute()) {
      if (each.has_g()) throw innerError("Node " + node.name() + " of type " + node.op_type() + " has a subgraph, which is not in this simulator.");
    }
  }
}

Dims modelDims(const onnx::ValueInfoProto& input) {
  Dims dims;
  for (const auto& dim : input.type().tensor_type().shape().dim()) dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
  return dims;
}

}  // namespace

std::string unregistered(const onnx::ModelProto& model, const onnx::NodeProto& node, const OperatorTable& table) {
  const std::string domain = plainDomain(node.domain());
  for (const auto& opset : model.opset_import()) {
    if (plainDomain(opset.domain()) != domain) continue;
    if (table.isRegistered(domain, node.op_type(), opset.version())) return "";
    return (domain.empty() ? "ai.onnx" : domain) + "::" + std::to_string(opset.version()) + "::" + node.op_type();
  }
  throw innerError("The opset of domain[" + domain + "] has no responding version.");
}

ParsedModel parseModel(onnx::ModelProto model, const OperatorTable& table, const Options& options) {
  if (!model.has_graph()) throw Failure("E16004", "ONNX model has no graph.");
  requireOneOpsetEach(model);
  onnx::GraphProto& graph = *model.mutable_graph();
  if (graph.output_size() == 0) throw Failure("E16001", "The model has no output node.");
  dropConstantInputs(graph);
  if (graph.input_size() == 0) throw Failure("E16001", "The model has no input node.");
  nameNodes(graph);
  checkRegistered(model, table);
  refuseUnsupported(graph);
  ParsedModel parsed;
  parsed.outputs = chooseOutputs(graph, options);
  dropDead(graph);
  parsed.model = std::move(model);
  return parsed;
}

std::unordered_map<std::string, Dims> inputDims(const onnx::GraphProto& graph, const Options& options) {
  std::unordered_map<std::string, Dims> given;
  for (const auto& [name, dims] : options.inputShape) {
    if (!isGraphInput(graph, name)) throw unknownName(name, "input_shape");
    given[name] = dims;
  }
  std::unordered_map<std::string, Dims> out;
  for (const auto& input : graph.input()) {
    const Dims inModel = modelDims(input);
    const auto found = given.find(input.name());
    Dims& dims = out[input.name()] = found == given.end() ? inModel : found->second;
    if (dims.size() != inModel.size()) {
      throw Failure("E10049", "Dimension count " + std::to_string(dims.size()) + " configured in --input_shape does not match dimension count " +
                                  std::to_string(inModel.size()) + " of the node.");
    }
    if (std::find(dims.begin(), dims.end(), 0) != dims.end()) throw invalidValue("--input_shape", format(dims), "Input " + input.name() + " has a dim of size zero.");
    if (found == given.end() && std::find(dims.begin(), dims.end(), -1) != dims.end()) {
      throw invalidValue("--input_shape", "", "Input " + input.name() + " has dims that the model leaves open and --input_shape does not give.");
    }
  }
  return out;
}

}  // namespace omma::atc
