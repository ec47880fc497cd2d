// See parse.h.
#include "addon/parse.h"

#include <limits>
#include <optional>

namespace omma {

namespace {

// Numbers, and the strings that stand for the ones JSON lacks.
std::optional<double> asNumber(const Napi::Value& value) {
  if (value.IsNumber()) return value.As<Napi::Number>().DoubleValue();
  if (!value.IsString()) return std::nullopt;
  const std::string text = value.As<Napi::String>();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

Attribute parseList(const Napi::Array& array) {
  const uint32_t length = array.Length();
  std::vector<double> numbers;
  numbers.reserve(length);
  for (uint32_t i = 0; i < length; i++) {
    const std::optional<double> number = asNumber(array.Get(i));
    if (!number) break;
    numbers.push_back(*number);
  }
  if (numbers.size() == length) return Attribute(std::move(numbers));
  Attribute::List list;
  for (uint32_t i = 0; i < length; i++) list.push_back(parseAttribute(array.Get(i)));
  return Attribute(std::move(list));
}

std::vector<int> parseIds(const Napi::Value& value) {
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<int> ids(array.Length());
  for (uint32_t i = 0; i < ids.size(); i++) ids[i] = array.Get(i).As<Napi::Number>().Int32Value();
  return ids;
}

std::string text(const Napi::Object& object, const char* name) { return object.Get(name).As<Napi::String>(); }

template <typename Read>
void each(const Napi::Object& object, const char* name, Read read) {
  const Napi::Array array = object.Get(name).As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    Napi::HandleScope scope(object.Env());
    read(array.Get(i).As<Napi::Object>());
  }
}

void checkId(int id, const GraphSpec& graph) {
  if (id < 0 || id >= static_cast<int>(graph.values.size())) {
    throw std::runtime_error("graph: value %" + std::to_string(id) + " does not exist");
  }
}

}  // namespace

Attribute parseAttribute(const Napi::Value& value) {
  if (value.IsNumber()) return Attribute(value.As<Napi::Number>().DoubleValue());
  if (value.IsBoolean()) return Attribute(value.As<Napi::Boolean>().Value());
  if (value.IsString()) return Attribute(static_cast<std::string>(value.As<Napi::String>()));
  if (value.IsArray()) return parseList(value.As<Napi::Array>());
  if (!value.IsObject()) return {};
  Attribute::Object members;
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Array names = object.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); i++) {
    const std::string name = names.Get(i).As<Napi::String>();
    members.emplace(name, parseAttribute(object.Get(name)));
  }
  return Attribute(std::move(members));
}

GraphValue parseType(const Napi::Object& type) {
  const Napi::Array shape = type.Get("shape").As<Napi::Array>();
  GraphValue value{dtypeNamed(text(type, "dtype")), Shape(shape.Length())};
  for (uint32_t i = 0; i < value.shape.size(); i++) value.shape[i] = shape.Get(i).As<Napi::Number>().Int64Value();
  return value;
}

GraphSpec parseGraph(const Napi::Object& object) {
  GraphSpec graph;
  each(object, "values", [&](const Napi::Object& value) { graph.values.push_back(parseType(value)); });
  each(object, "nodes", [&](const Napi::Object& node) {
    graph.nodes.push_back({text(node, "op"), text(node, "scope"), parseAttribute(node.Get("attrs")),
                           parseIds(node.Get("inputs")), parseIds(node.Get("outputs"))});
    for (int id : graph.nodes.back().inputs) checkId(id, graph);
    for (int id : graph.nodes.back().outputs) checkId(id, graph);
  });
  const auto port = [](const Napi::Object& from) {
    return GraphPort{text(from, "name"), from.Get("value").As<Napi::Number>().Int32Value()};
  };
  each(object, "inputs", [&](const Napi::Object& from) { graph.inputs.push_back(port(from)); });
  each(object, "outputs", [&](const Napi::Object& from) { graph.outputs.push_back(port(from)); });
  each(object, "state", [&](const Napi::Object& slot) {
    const Napi::Value write = slot.Get("write");
    graph.state.push_back({text(slot, "name"), slot.Get("read").As<Napi::Number>().Int32Value(),
                           write.IsNumber() ? write.As<Napi::Number>().Int32Value() : -1});
    checkId(graph.state.back().read, graph);
  });
  for (const GraphPort& p : graph.inputs) checkId(p.value, graph);
  for (const GraphPort& p : graph.outputs) checkId(p.value, graph);
  return graph;
}

}  // namespace omma
