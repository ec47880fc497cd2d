#include "compile.h"

#include <algorithm>

#include "aipp.h"
#include "failure.h"
#include "gears.h"
#include "parser.h"
#include "ports.h"
#include "precision.h"
#include "rewrite.h"

namespace omma::atc {

namespace {

int64_t opsetOf(const onnx::ModelProto& model) {
  for (const auto& opset : model.opset_import()) {
    if (opset.domain().empty() || opset.domain() == "ai.onnx") return opset.version();
  }
  throw innerError("The model has no opset of ai.onnx.");
}

// Bytes of the intermediate values that are alive together at most: each lives from its node to its last reader.
uint64_t workBytes(const onnx::GraphProto& graph, const Types& types) {
  std::unordered_map<std::string, int> lastReader;
  for (int i = 0; i < graph.node_size(); i++) {
    for (const std::string& input : graph.node(i).input()) lastReader[input] = i;
  }
  std::vector<std::vector<uint64_t>> freed(static_cast<size_t>(graph.node_size()));
  uint64_t alive = 0, most = 0;
  for (int i = 0; i < graph.node_size(); i++) {
    for (const std::string& output : graph.node(i).output()) {
      const auto last = lastReader.find(output);
      if (output.empty() || last == lastReader.end()) continue;
      const ValueType& type = types.at(output);
      const uint64_t bytes = static_cast<uint64_t>(elements(type.dims)) * elementSize(type.elementType);
      alive += bytes;
      freed[static_cast<size_t>(last->second)].push_back(bytes);
    }
    most = std::max(most, alive);
    for (uint64_t bytes : freed[static_cast<size_t>(i)]) alive -= bytes;
  }
  return most;
}

uint64_t weightBytes(const onnx::GraphProto& graph) {
  uint64_t bytes = 0;
  for (const auto& tensor : graph.initializer()) {
    bytes += static_cast<uint64_t>(elements(Dims(tensor.dims().begin(), tensor.dims().end()))) * elementSize(tensor.data_type());
  }
  return bytes;
}

// The model inside: dims that gears decide are open, all other shapes are left to ONNX Runtime.
void openDims(onnx::GraphProto& graph, const NamedDims& dims) {
  for (auto& input : *graph.mutable_input()) {
    auto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    shape.clear_dim();
    const Dims& known = dims.at(input.name());
    for (size_t i = 0; i < known.size(); i++) {
      if (known[i] == -1) shape.add_dim()->set_dim_param(input.name() + "_" + std::to_string(i));
      else shape.add_dim()->set_dim_value(known[i]);
    }
  }
}

}  // namespace

Compiled compile(const Options& options, const OperatorTable& table) {
  const Soc soc = table.soc(options.socVersion);
  ParsedModel parsed = parseModel(readModel(options.model), table, options);
  const int64_t opset = opsetOf(parsed.model);
  const NamedDims dims = inputDims(parsed.model.graph(), options);
  const std::vector<NamedDims> shapes = gearShapes(dims, options);
  std::vector<Types> types;
  std::vector<Placement> placements;
  for (const NamedDims& shape : shapes) {
    types.push_back(inferTypes(parsed.model, shape));
    placements = placeNodes(parsed.model.graph(), opset, types.back(), table, soc, options);
  }
  const PortTypes ports = portTypes(parsed, types[0], options);

  Compiled compiled;
  om::Model& model = compiled.model;
  model.toolkit = table.toolkit();
  model.socVersion = soc.version;
  model.socFamily = "Ascend" + soc.family;
  model.precisionMode = name(options.precision);
  describePorts(model, parsed, ports, dims, shapes, types, options);
  for (const Types& each : types) model.workBytes = std::max(model.workBytes, workBytes(parsed.model.graph(), each));
  model.weightBytes = weightBytes(parsed.model.graph());
  for (size_t i = 0; i < placements.size(); i++) {
    if (!placements[i].aiCpu) continue;
    const std::string& node = parsed.model.graph().node(static_cast<int>(i)).name();
    model.aiCpuNodes.push_back(node);
    compiled.warnings.push_back("W11001: Op " + node + " does not hit the high-priority operator information library, which might result in compromised performance.");
  }

  onnx::ModelProto out;
  out.set_ir_version(parsed.model.ir_version());
  *out.mutable_opset_import() = parsed.model.opset_import();
  *out.mutable_graph() = rewrite(parsed.model.graph(), types[0], placements, ports, {options.clipWeights, soc.saturates});
  openDims(*out.mutable_graph(), dims);
  if (!options.aippFile.empty()) applyAipp(out, model, options);
  model.onnx = out.SerializeAsString();
  return compiled;
}

}  // namespace omma::atc
