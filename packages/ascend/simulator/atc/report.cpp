#include "report.h"

#include <nlohmann/json.hpp>

#include "model.h"

namespace omma::atc {

using Json = nlohmann::json;

namespace {

Json ports(const std::vector<om::Tensor>& tensors) {
  Json out = Json::array();
  for (const om::Tensor& each : tensors) out.push_back({{"name", each.name}, {"dims", each.dims}, {"data_type", static_cast<int>(each.dataType)}, {"size", each.bytes}});
  return out;
}

}  // namespace

std::string toJson(const om::Model& model) {
  const Json out = {{"toolkit", model.toolkit}, {"soc_version", model.socVersion}, {"precision_mode", model.precisionMode}, {"input", ports(model.inputs)},
                    {"output", ports(model.outputs)}, {"ai_cpu", model.aiCpuNodes}};
  return out.dump(2) + "\n";
}

std::string describe(const om::Model& model) {
  std::string out = "============ Display Model Info start ============\n";
  out += "Original Atc command line: soc_version[" + model.socVersion + "], precision_mode[" + model.precisionMode + "]\n";
  out += "system   info: atc_version[" + model.toolkit + "], soc_version[" + model.socVersion + "]\n";
  out += "resource info: memory_size[" + std::to_string(model.workBytes) + " B], weight_size[" + std::to_string(model.weightBytes) + " B]\n";
  for (const om::Tensor& each : model.inputs) out += "input    info: " + each.name + " " + format(each.dims) + " " + std::to_string(each.bytes) + " B\n";
  for (const om::Tensor& each : model.outputs) out += "output   info: " + each.name + " " + format(each.dims) + " " + std::to_string(each.bytes) + " B\n";
  return out + "============ Display Model Info end   ============";
}

Precheck precheck(const onnx::ModelProto& model, const OperatorTable& table) {
  Precheck out;
  Json list = Json::array();
  for (const auto& node : model.graph().node()) {
    const std::string unknown = unregistered(model, node, table);
    Json entry = {{"name", node.name()}, {"type", node.op_type()}, {"result", unknown.empty() ? "success" : "failed"}};
    if (!unknown.empty()) {
      entry["cause"] = {{{"code", 2}, {"message", "The type is not supported."}}};
      if (out.failure.empty()) out.failure = "No operator plugin is registered for Op: " + node.name() + ", optype: " + unknown + ".";
    }
    list.push_back(entry);
  }
  out.report = Json({{"op", list}}).dump(2) + "\n";
  return out;
}

}  // namespace omma::atc
