#include "precision.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "failure.h"

namespace omma::atc {

using onnx::TensorProto;

namespace {

constexpr int32_t kFloat = TensorProto::FLOAT, kFloat16 = TensorProto::FLOAT16, kBfloat16 = TensorProto::BFLOAT16;

// The first of `wanted` that AI Core has, or 0.
int32_t firstOf(const Kernel& kernel, std::initializer_list<int32_t> wanted) {
  for (int32_t type : wanted) {
    if (kernel.aiCore.count(type) > 0) return type;
  }
  return 0;
}

// As the model says; a float16 operator may be computed in float32.
int32_t keep(const Kernel& kernel, int32_t type) { return type == kFloat16 ? firstOf(kernel, {kFloat16, kFloat}) : firstOf(kernel, {type}); }

int32_t lowered(const Kernel& kernel, int32_t type, int32_t narrow) {
  if (narrow == kBfloat16) return type == kFloat ? firstOf(kernel, {kFloat, kBfloat16}) : firstOf(kernel, {type, kFloat});
  if (type == kFloat && kernel.cube) return firstOf(kernel, {kFloat16, kFloat});
  return type == kFloat ? firstOf(kernel, {kFloat, kFloat16}) : firstOf(kernel, {type, kFloat, kFloat16});
}

struct Choice {
  int32_t inputType = 0, outputType = 0;
};

Choice same(int32_t type) { return {type, type}; }

class Placer {
 public:
  Placer(const onnx::GraphProto& graph, int64_t opset, const Types& types, const OperatorTable& table, const Soc& soc, const Options& options)
      : graph_(graph), opset_(opset), types_(types), table_(table), soc_(soc), options_(options), overrides_(options), producersOf_(graph),
        constants_(constantValues(graph)) {
    for (const auto& [name, type] : types) {
      if (isFloating(type.elementType)) chip_[name] = type.elementType;
    }
  }

  std::vector<Placement> run() {
    std::vector<Placement> out;
    for (const auto& node : graph_.node()) out.push_back(place(node));
    return out;
  }

 private:
  Placement place(const onnx::NodeProto& node) {
    if (node.op_type() == "Constant") return {};
    const NodeFacts facts(node, types_, producersOf_, constants_);
    Kernel kernel = table_.kernel(facts, soc_);
    const bool limited = leavesAiCore(facts);
    made_[node.output(0)] = &node;
    const int32_t original = floatingType(node);
    if (original == 0 || node.op_type() == "Cast") {
      Placement placement = placeFixed(node, kernel);
      placement.aiCpu = placement.aiCpu || limited;
      return placement;
    }
    freeSideTypes(facts, kernel);
    Choice choice = choose(node, kernel, original);
    const bool aiCpu = choice.inputType == 0 || limited;
    if (choice.inputType == 0) {
      if (kernel.aiCpu.count(original) == 0) throw noKernel(node, kernel, original);
      choice = same(original);
    }
    for (const std::string& output : node.output()) {
      const auto found = chip_.find(output);
      if (found != chip_.end()) found->second = choice.outputType;
    }
    return {choice.inputType, choice.outputType, aiCpu};
  }

  // Limits of the table: broken ones refuse the node or send it to AI CPU.
  bool leavesAiCore(const NodeFacts& facts) const {
    bool leaves = false;
    for (const Broken& limit : table_.broken(facts, opset_, soc_)) {
      if (limit.fails) throw refused(facts.node(), limit);
      leaves = true;
    }
    return leaves;
  }

  static Failure refused(const onnx::NodeProto& node, const Broken& limit) {
    return Failure("E11010", "Failed to parse params for op " + node.name() + " with optype " + node.op_type() + ". Reason: " + limit.because + ".");
  }

  // The type of input 0 is what the table of kernels is about. Where it is not floating (Where, OneHot), floating data beside it goes any way.
  void freeSideTypes(const NodeFacts& facts, Kernel& kernel) const {
    const ValueType* first = facts.input(0);
    if (first == nullptr || isFloating(first->elementType)) return;
    const int32_t fixed = first->elementType;
    if (kernel.aiCore.count(fixed) == 0) {
      if (kernel.aiCpu.count(fixed) == 0) throw noKernel(facts.node(), kernel, fixed);
      kernel.aiCore.clear();
    } else {
      kernel.aiCore.insert({kFloat, kFloat16});
      if (soc_.bfloat16) kernel.aiCore.insert(kBfloat16);
    }
    kernel.aiCpu.insert({kFloat, kFloat16});
  }

  // Casts, and nodes on integers and booleans only: the types are as the model says.
  Placement placeFixed(const onnx::NodeProto& node, const Kernel& kernel) const {
    const std::string& value = node.input_size() > 0 && !node.input(0).empty() ? node.input(0) : node.output(0);
    const auto floating = chip_.find(value);
    const int32_t type = floating != chip_.end() ? floating->second : types_.at(value).elementType;
    if (kernel.aiCore.count(type) > 0) return {};
    if (kernel.aiCpu.count(type) == 0) throw noKernel(node, kernel, type);
    return {0, 0, true};
  }

  // The floating type that the model gives the node: of its first floating input, else of its outputs.
  int32_t floatingType(const onnx::NodeProto& node) const {
    const std::string* first = firstFloatingInput(node);
    if (first != nullptr) return types_.at(*first).elementType;
    for (const std::string& output : node.output()) {
      if (!output.empty() && isFloating(types_.at(output).elementType)) return types_.at(output).elementType;
    }
    return 0;
  }

  const std::string* firstFloatingInput(const onnx::NodeProto& node) const {
    for (const std::string& input : node.input()) {
      if (!input.empty() && isFloating(types_.at(input).elementType)) return &input;
    }
    return nullptr;
  }

  Choice choose(const onnx::NodeProto& node, const Kernel& kernel, int32_t original) const {
    if (overrides_.keeps(node.name(), kernel.type)) return same(keep(kernel, original));
    switch (options_.precision) {
      case Precision::Fp16: return same(firstOf(kernel, {kFloat16, original, kFloat}));
      case Precision::Origin: return same(keep(kernel, original));
      case Precision::CubeFp16InFp32Out:
        if (kernel.cube && kernel.aiCore.count(kFloat16) > 0) return {kFloat16, kFloat};
        return same(firstOf(kernel, {kFloat, kFloat16}));
      case Precision::AllowFp32ToFp16: return same(lowered(kernel, original, kFloat16));
      case Precision::AllowFp32ToBf16: return same(lowered(kernel, original, kBfloat16));
      case Precision::MixedFloat16: return same(mixed(node, kernel, original, kFloat16));
      case Precision::MixedBfloat16: return same(mixed(node, kernel, original, kBfloat16));
    }
    throw innerError("A precision mode without a rule.");
  }

  int32_t mixed(const onnx::NodeProto& node, const Kernel& kernel, int32_t original, int32_t narrow) const {
    switch (overrides_.list(kernel.type, kernel.mixed)) {
      case MixedPrecision::White: return firstOf(kernel, {narrow, original, kFloat});
      case MixedPrecision::Black: return keep(kernel, original);
      case MixedPrecision::Grey: break;
    }
    const std::string* first = firstFloatingInput(node);
    if (first == nullptr) return lowered(kernel, original, narrow);
    const int32_t father = chip_.at(throughCast(*first, narrow));
    const int32_t match = father == narrow ? firstOf(kernel, {narrow, kFloat}) : firstOf(kernel, {father});
    return match != 0 ? match : lowered(kernel, original, narrow);
  }

  // What stands before a Cast from the narrow type to a wider one.
  std::string throughCast(const std::string& value, int32_t narrow) const {
    const auto producer = made_.find(value);
    if (producer == made_.end() || producer->second->op_type() != "Cast") return value;
    const std::string& source = producer->second->input(0);
    const auto type = chip_.find(source);
    return type != chip_.end() && type->second == narrow && chip_.at(value) != narrow ? source : value;
  }

  Failure noKernel(const onnx::NodeProto& node, const Kernel& kernel, int32_t type) const {
    return Failure("EZ3003", "No supported Ops kernel and engine are found for [" + node.name() + "], optype [" + kernel.type + "]. " + elementName(type) +
                                 " has no AI Core and no AI CPU kernel on " + soc_.version + " with precision mode " + name(options_.precision) + ".");
  }

  const onnx::GraphProto& graph_;
  int64_t opset_;
  const Types& types_;
  const OperatorTable& table_;
  const Soc& soc_;
  const Options& options_;
  PrecisionOverrides overrides_;
  Producers producersOf_;
  std::unordered_set<std::string> constants_;
  std::map<std::string, int32_t> chip_;  // the floating type in which a value is computed
  std::map<std::string, const onnx::NodeProto*> made_;  // the nodes so far, by first output
};

MixedPrecision listNamed(const std::string& file, const std::string& name) {
  if (name == "white-list") return MixedPrecision::White;
  if (name == "gray-list") return MixedPrecision::Grey;
  if (name == "black-list") return MixedPrecision::Black;
  throw Failure("E10032", "Failed to parse JSON file " + file + ". Reason: Top level should be gray-list, white-list or black-list, not " + name + ".");
}

}  // namespace

PrecisionOverrides::PrecisionOverrides(const Options& options) {
  if (!options.keepDtypeFile.empty()) {
    std::ifstream file(options.keepDtypeFile);
    for (std::string line; std::getline(file, line);) {
      const std::string entry = trim(line);
      if (entry.rfind("OpType::", 0) == 0) keptTypes_.insert(entry.substr(8));
      else if (!entry.empty()) keptNodes_.insert(entry);
    }
  }
  if (options.mixlistFile.empty()) return;
  std::ifstream file(options.mixlistFile);
  try {
    const auto lists = nlohmann::json::parse(file);
    for (const auto& [listName, changes] : lists.items()) {
      const MixedPrecision list = listNamed(options.mixlistFile, listName);
      for (const std::string& type : changes.value("to-add", std::vector<std::string>())) added_[type] = list;
      for (const std::string& type : changes.value("to-remove", std::vector<std::string>())) removed_[type] = list;
    }
  } catch (const nlohmann::json::exception& error) {
    throw Failure("E10032", "Failed to parse JSON file " + options.mixlistFile + ". Reason: " + error.what() + ".");
  }
}

bool PrecisionOverrides::keeps(const std::string& node, const std::string& geType) const { return keptNodes_.count(node) > 0 || keptTypes_.count(geType) > 0; }

MixedPrecision PrecisionOverrides::list(const std::string& geType, MixedPrecision builtIn) const {
  const auto added = added_.find(geType);
  if (added != added_.end()) return added->second;
  const auto removed = removed_.find(geType);
  return removed != removed_.end() && removed->second == builtIn ? MixedPrecision::Grey : builtIn;
}

std::vector<Placement> placeNodes(const onnx::GraphProto& graph, int64_t opset, const Types& types, const OperatorTable& table, const Soc& soc, const Options& options) {
  const bool bfloat16 = options.precision == Precision::MixedBfloat16 || options.precision == Precision::AllowFp32ToBf16;
  if (bfloat16 && !soc.bfloat16) throw invalidValue("--precision_mode_v2", name(options.precision), "bfloat16 is not supported by " + soc.version + ".");
  return Placer(graph, opset, types, table, soc, options).run();
}

}  // namespace omma::atc
