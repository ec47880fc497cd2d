#include "operators.h"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/settings.h"
#include "failure.h"
#include "text.h"

namespace omma::atc {

using Json = nlohmann::json;
using onnx::TensorProto;

namespace {

Json readTable(const std::string& name) {
  const char* folder = std::getenv("OMMA_ASCEND_OPERATORS");
  const std::string path = (folder != nullptr ? std::string(folder) : OMMA_OPERATORS_DIR) + "/" + name;
  std::ifstream file(path);
  if (!file) throw Failure("E13001", "Failed to open file " + path + ". Reason: the operator table is not there; set OMMA_ASCEND_OPERATORS to its folder.");
  try {
    return Json::parse(file);
  } catch (const Json::exception& error) {
    throw Failure("E10032", "Failed to parse JSON file " + path + ". Reason: " + error.what() + ".");
  }
}

// "8,12-18"
bool listsNumber(const std::string& ranges, int64_t number) {
  for (const std::string& part : split(ranges, ',')) {
    const auto ends = split(part, '-');
    if (!ends.empty() && number >= std::stoll(ends.front()) && number <= std::stoll(ends.back())) return true;
  }
  return false;
}

// Numbers of a release: 8.1.RC1 is {8, 1, 0}, before 8.1.0 is not needed anywhere.
std::vector<int> release(const std::string& version) {
  std::vector<int> out;
  for (const std::string& part : split(version, '.')) out.push_back(std::atoi(part.c_str()));
  out.resize(3);
  return out;
}

// "<7.0.0", ">=7.0.0"
bool inReleases(const std::string& toolkit, const std::string& condition) {
  if (condition.rfind(">=", 0) == 0) return release(toolkit) >= release(condition.substr(2));
  if (condition.rfind("<", 0) == 0) return release(toolkit) < release(condition.substr(1));
  throw innerError("The operator table has a release condition that is not known: " + condition);
}

bool lists(const Json& row, const char* field, const std::string& word) {
  const auto words = split(row.value(field, ""), ' ');
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

OperatorTable::OperatorTable() : operators_(std::make_unique<Json>(readTable("operators.json"))), socs_(std::make_unique<Json>(readTable("socs.json"))) {
  for (const Json& each : operators_->at("operators")) byKey_[each.value("domain", "") + "::" + each.at("onnx").get<std::string>()] = &each;
  for (const Json& each : operators_->at("kernels")) rows_[each.at("ge").get<std::string>()] = &each;
  toolkit_ = sim::settings().cann;
  const Json toolkits = readTable("toolkits.json");
  for (const Json& each : toolkits.at("toolkits")) {
    if (each.at("version") != toolkit_) continue;
    unregisteredError_ = each.at("unregisteredError").get<std::string>();
    toolkitOpsets_ = each.at("opsets").get<std::string>();
    precisionModeV2_ = each.at("precisionModeV2").get<bool>();
    return;
  }
  throw innerError("CANN " + toolkit_ + " is not in the table of toolkits.");
}

OperatorTable::~OperatorTable() = default;

Soc OperatorTable::soc(const std::string& version) const {
  for (const Json& each : socs_->at("socs")) {
    if (each.at("name") != version) continue;
    for (const Json& family : socs_->at("families")) {
      if (family.at("name") != each.at("family")) continue;
      if (family.at("kernels").is_null()) throw invalidValue("--soc_version", version, "The simulator has no table of kernels for this chip.");
      return {version, family.at("name").get<std::string>(), family.at("kernels").get<std::string>(), family.at("bfloat16").get<bool>(), family.at("overflow") == "saturation"};
    }
  }
  throw invalidValue("--soc_version", version, "The current value is not within the valid range.");
}

const Json* OperatorTable::find(const std::string& domain, const std::string& type) const {
  const auto found = byKey_.find(domain + "::" + type);
  return found == byKey_.end() ? nullptr : found->second;
}

const Json* OperatorTable::row(const std::string& kernel) const {
  const auto found = rows_.find(kernel);
  return found == rows_.end() ? nullptr : found->second;
}

bool OperatorTable::isRegistered(const std::string& domain, const std::string& type, int64_t opset) const {
  const Json* entry = find(domain, type);
  if (entry == nullptr || !listsNumber(entry->at("opsets").get<std::string>(), opset)) return false;
  const auto ends = split(toolkitOpsets_, '-');
  return !domain.empty() || opset <= std::stoll(ends.back());
}

Kernel OperatorTable::kernel(const NodeFacts& node, const Soc& soc) const {
  const Json& ge = find(node.node().domain(), node.node().op_type())->at("ge");
  Kernel kernel;
  if (ge.is_string()) {
    kernel.type = ge.get<std::string>();
  } else {
    for (const Json& each : ge) {
      if (each.contains("cann") && !inReleases(toolkit_, each.at("cann").get<std::string>())) continue;
      if (each.contains("when") && node.holds(each.at("when")) != Truth::True) continue;
      kernel.type = each.at("kernel").get<std::string>();
      break;
    }
  }
  const Json* found = row(kernel.type);
  kernel.aiCore = elementTypes(found == nullptr ? "any" : found->at(soc.column).get<std::string>());
  if (!soc.bfloat16) kernel.aiCore.erase(TensorProto::BFLOAT16);
  if (found == nullptr) return kernel;
  kernel.aiCpu = elementTypes(found->at("aiCpu").get<std::string>());
  kernel.cube = found->value("cube", false);
  if (lists(*found, "white", soc.column)) kernel.mixed = MixedPrecision::White;
  if (lists(*found, "black", soc.column)) kernel.mixed = MixedPrecision::Black;
  return kernel;
}

std::vector<Broken> OperatorTable::broken(const NodeFacts& node, int64_t opset, const Soc& soc) const {
  std::vector<Broken> out;
  for (const Json& limit : find(node.node().domain(), node.node().op_type())->value("limits", Json::array())) {
    if (limit.contains("opsets") && !listsNumber(limit.at("opsets").get<std::string>(), opset)) continue;
    if (limit.contains("cann") && !inReleases(toolkit_, limit.at("cann").get<std::string>())) continue;
    if (limit.contains("families")) {
      const Json& families = limit.at("families");
      if (std::find(families.begin(), families.end(), soc.family) == families.end()) continue;
    }
    const bool lifted = limit.contains("doubtFrom") && inReleases(toolkit_, ">=" + limit.at("doubtFrom").get<std::string>());
    if (lifted || limit.at("else") == "doubt" || node.holds(limit.at("must")) != Truth::False) continue;
    out.push_back({limit.at("else") == "fails", limit.at("because").get<std::string>()});
  }
  return out;
}

}  // namespace omma::atc
