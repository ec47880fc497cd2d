#include "nodeFacts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "failure.h"

namespace omma::atc {

using Json = nlohmann::json;
using onnx::TensorProto;

namespace {

Truth truth(bool value) { return value ? Truth::True : Truth::False; }

Truth inverse(Truth value) { return value == Truth::Unknown ? value : truth(value == Truth::False); }

bool inRange(double value, const Json& range) {
  return (!range.contains("min") || value >= range.at("min").get<double>()) && (!range.contains("max") || value <= range.at("max").get<double>());
}

// The elements of an attribute, as JSON values.
std::vector<Json> attributeElements(const onnx::AttributeProto& attribute) {
  std::vector<Json> out;
  switch (attribute.type()) {
    case onnx::AttributeProto::INT: out.emplace_back(attribute.i()); break;
    case onnx::AttributeProto::FLOAT: out.emplace_back(attribute.f()); break;
    case onnx::AttributeProto::STRING: out.emplace_back(attribute.s()); break;
    case onnx::AttributeProto::INTS: out.assign(attribute.ints().begin(), attribute.ints().end()); break;
    case onnx::AttributeProto::FLOATS: out.assign(attribute.floats().begin(), attribute.floats().end()); break;
    case onnx::AttributeProto::STRINGS: out.assign(attribute.strings().begin(), attribute.strings().end()); break;
    default: break;
  }
  return out;
}

bool contains(const Json& list, const Json& value) { return std::find(list.begin(), list.end(), value) != list.end(); }

}  // namespace

std::unordered_set<std::string> constantValues(const onnx::GraphProto& graph) {
  std::unordered_set<std::string> constants;
  for (const TensorProto& tensor : graph.initializer()) constants.insert(tensor.name());
  for (const auto& node : graph.node()) {
    const bool made = std::all_of(node.input().begin(), node.input().end(), [&](const std::string& name) { return name.empty() || constants.count(name) > 0; });
    if (made && node.op_type().rfind("Random", 0) != 0) constants.insert(node.output().begin(), node.output().end());
  }
  return constants;
}

std::set<int32_t> elementTypes(const std::string& text) {
  static const std::vector<std::pair<std::string, int32_t>> names = {
      {"float32", TensorProto::FLOAT}, {"float16", TensorProto::FLOAT16}, {"bfloat16", TensorProto::BFLOAT16}, {"float64", TensorProto::DOUBLE},
      {"int8", TensorProto::INT8},     {"int16", TensorProto::INT16},     {"int32", TensorProto::INT32},       {"int64", TensorProto::INT64},
      {"uint8", TensorProto::UINT8},   {"uint16", TensorProto::UINT16},   {"uint32", TensorProto::UINT32},     {"uint64", TensorProto::UINT64},
      {"bool", TensorProto::BOOL},
  };
  std::set<int32_t> out;
  for (std::string word : split(text, ' ')) {
    if (!word.empty() && word.back() == '?') word.pop_back();
    for (const auto& [name, type] : names) {
      if (word == name || (word == "any" && type != TensorProto::DOUBLE)) out.insert(type);
    }
  }
  return out;
}

const ValueType* NodeFacts::input(int index) const {
  if (index >= node_.input_size() || node_.input(index).empty()) return nullptr;
  return &types_.at(node_.input(index));
}

Truth NodeFacts::holds(const Json& condition) const {
  if (condition.contains("any")) {
    Truth best = Truth::False;
    for (const Json& each : condition.at("any")) best = std::max(best, holds(each));
    return best;
  }
  if (condition.contains("all")) {
    Truth worst = Truth::True;
    for (const Json& each : condition.at("all")) worst = std::min(worst, holds(each));
    return worst;
  }
  if (condition.contains("not")) return inverse(holds(condition.at("not")));
  if (condition.contains("attribute")) return attributeHolds(condition);
  if (condition.contains("input")) return inputHolds(condition);
  if (condition.contains("output")) {
    const int index = condition.at("output").get<int>();
    const bool absent = index >= node_.output_size() || node_.output(index).empty();
    return truth(absent == condition.value("absent", false));
  }
  if (condition.contains("inputs")) return truth(inRange(node_.input_size(), condition.at("inputs")));
  if (condition.contains("outputs")) return truth(inRange(node_.output_size(), condition.at("outputs")));
  if (condition.value("special", "") == "lastAxisStepIsOne") return lastAxisStepIsOne();
  throw innerError("The operator table has a condition that is not known: " + condition.dump());
}

Truth NodeFacts::attributeHolds(const Json& condition) const {
  const onnx::AttributeProto* found = attribute(node_, condition.at("attribute").get<std::string>());
  if (condition.contains("absent")) return truth((found == nullptr) == condition.at("absent").get<bool>());
  if (condition.size() == 1) return truth(found != nullptr);
  if (found == nullptr) return Truth::Unknown;
  for (const Json& value : attributeElements(*found)) {
    if (condition.contains("in") && !contains(condition.at("in"), value)) return Truth::False;
    if (condition.contains("notIn") && contains(condition.at("notIn"), value)) return Truth::False;
    if (value.is_number() && !inRange(value.get<double>(), condition)) return Truth::False;
  }
  return Truth::True;
}

Truth NodeFacts::inputHolds(const Json& condition) const {
  const int index = condition.at("input").get<int>();
  const ValueType* type = input(index);
  if (condition.contains("absent")) return truth((type == nullptr) == condition.at("absent").get<bool>());
  if (condition.size() == 1) return truth(type != nullptr);
  if (type == nullptr) return Truth::Unknown;
  if (condition.contains("constant")) return truth(constants_.count(node_.input(index)) > 0);
  if (condition.contains("rank")) return truth(contains(condition.at("rank"), type->dims.size()));
  if (condition.contains("types")) return truth(elementTypes(condition.at("types").get<std::string>()).count(type->elementType) > 0);
  if (condition.contains("values")) return valuesHold(index, condition.at("values"));
  const auto axis = condition.at("axis").get<size_t>();
  return axis < type->dims.size() ? truth(inRange(static_cast<double>(type->dims[axis]), condition)) : Truth::Unknown;
}

const TensorProto* NodeFacts::constantInput(int index) const { return input(index) == nullptr ? nullptr : producers_.constant(node_.input(index)); }

Truth NodeFacts::valuesHold(int index, const Json& range) const {
  const TensorProto* tensor = constantInput(index);
  const auto values = tensor == nullptr ? std::nullopt : integers(*tensor);
  if (!values.has_value()) return Truth::Unknown;
  return truth(std::all_of(values->begin(), values->end(), [&](int64_t value) { return inRange(static_cast<double>(value), range); }));
}

// Slice: starts, ends, axes and steps are inputs 1 to 4.
Truth NodeFacts::lastAxisStepIsOne() const {
  const TensorProto* steps = constantInput(4);
  if (steps == nullptr) return input(4) == nullptr ? Truth::True : Truth::Unknown;
  const auto stepValues = integers(*steps);
  const TensorProto* axes = constantInput(3);
  const auto axisValues = axes == nullptr ? std::nullopt : integers(*axes);
  const auto rank = static_cast<int64_t>(input(0)->dims.size());
  if (!stepValues.has_value() || (input(3) != nullptr && !axisValues.has_value())) return Truth::Unknown;
  for (size_t i = 0; i < stepValues->size(); i++) {
    const int64_t axis = axisValues.has_value() ? axisValues->at(i) : static_cast<int64_t>(i);
    if ((axis == rank - 1 || axis == -1) && (*stepValues)[i] != 1) return Truth::False;
  }
  return Truth::True;
}

}  // namespace omma::atc
