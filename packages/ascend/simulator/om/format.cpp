#include "format.h"

#include <cstring>
#include <nlohmann/json.hpp>

namespace omma::om {

namespace {

using Json = nlohmann::json;

constexpr char kMagic[8] = {'O', 'M', 'M', 'A', 'S', 'I', 'M', '\0'};
constexpr uint32_t kVersion = 1;
constexpr size_t kPrefixBytes = 8 + 4 + 4 + 8 + 8;

template <typename T>
void put(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); i++) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

template <typename T>
T get(const uint8_t* in) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); i++) value |= static_cast<T>(in[i]) << (8 * i);
  return value;
}

uint64_t checksum(const uint8_t* data, size_t bytes, uint64_t hash = 0xcbf29ce484222325u) {
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ data[i]) * 0x100000001b3u;
  return hash;
}

const uint8_t* bytesOf(const std::string& text) { return reinterpret_cast<const uint8_t*>(text.data()); }

const char* gearName(GearKind kind) {
  switch (kind) {
    case GearKind::Batch: return "batch";
    case GearKind::Image: return "image";
    case GearKind::Dims: return "dims";
    case GearKind::None: break;
  }
  return "none";
}

GearKind gearKind(const std::string& name) {
  for (GearKind kind : {GearKind::None, GearKind::Batch, GearKind::Image, GearKind::Dims}) {
    if (name == gearName(kind)) return kind;
  }
  throw FormatError(FormatError::Kind::Content, "the model's header has an unknown kind of gears: " + name);
}

Json json(const Tensor& tensor) {
  return {{"name", tensor.name},
          {"onnxName", tensor.onnxName},
          {"dataType", static_cast<int32_t>(tensor.dataType)},
          {"format", static_cast<int32_t>(tensor.format)},
          {"dims", tensor.dims},
          {"originDims", tensor.originDims},
          {"gearDims", tensor.gearDims},
          {"bytes", tensor.bytes}};
}

Tensor tensor(const Json& json) {
  Tensor out;
  json.at("name").get_to(out.name);
  json.at("onnxName").get_to(out.onnxName);
  out.dataType = static_cast<DataType>(json.at("dataType").get<int32_t>());
  elementBytes(out.dataType);
  out.format = static_cast<Format>(json.at("format").get<int32_t>());
  json.at("dims").get_to(out.dims);
  json.at("originDims").get_to(out.originDims);
  json.at("gearDims").get_to(out.gearDims);
  json.at("bytes").get_to(out.bytes);
  return out;
}

Json header(const Model& model) {
  Json inputs = Json::array(), outputs = Json::array();
  for (const Tensor& each : model.inputs) inputs.push_back(json(each));
  for (const Tensor& each : model.outputs) outputs.push_back(json(each));
  return {{"toolkit", model.toolkit},
          {"socVersion", model.socVersion},
          {"socFamily", model.socFamily},
          {"precisionMode", model.precisionMode},
          {"inputs", inputs},
          {"outputs", outputs},
          {"gears", {{"kind", gearName(model.gears.kind)}, {"values", model.gears.values}}},
          {"workBytes", model.workBytes},
          {"weightBytes", model.weightBytes},
          {"aiCpuNodes", model.aiCpuNodes}};
}

Model fromHeader(const Json& json) {
  Model model;
  json.at("toolkit").get_to(model.toolkit);
  json.at("socVersion").get_to(model.socVersion);
  json.at("socFamily").get_to(model.socFamily);
  json.at("precisionMode").get_to(model.precisionMode);
  for (const Json& each : json.at("inputs")) model.inputs.push_back(tensor(each));
  for (const Json& each : json.at("outputs")) model.outputs.push_back(tensor(each));
  model.gears.kind = gearKind(json.at("gears").at("kind").get<std::string>());
  json.at("gears").at("values").get_to(model.gears.values);
  json.at("workBytes").get_to(model.workBytes);
  json.at("weightBytes").get_to(model.weightBytes);
  json.at("aiCpuNodes").get_to(model.aiCpuNodes);
  return model;
}

}  // namespace

size_t elementBytes(DataType type) {
  switch (type) {
    case DataType::Int8:
    case DataType::UInt8:
    case DataType::Bool: return 1;
    case DataType::Float16:
    case DataType::BFloat16:
    case DataType::Int16:
    case DataType::UInt16: return 2;
    case DataType::Float:
    case DataType::Int32:
    case DataType::UInt32: return 4;
    case DataType::Int64:
    case DataType::UInt64:
    case DataType::Double: return 8;
  }
  throw FormatError(FormatError::Kind::Content, "unknown data type " + std::to_string(static_cast<int32_t>(type)));
}

std::string serialize(const Model& model) {
  const std::string text = header(model).dump();
  std::string out(kMagic, sizeof kMagic);
  put<uint32_t>(out, kVersion);
  put<uint32_t>(out, static_cast<uint32_t>(text.size()));
  put<uint64_t>(out, model.onnx.size());
  put<uint64_t>(out, checksum(bytesOf(model.onnx), model.onnx.size(), checksum(bytesOf(text), text.size())));
  return out + text + model.onnx;
}

Model parse(const void* data, size_t bytes) {
  const auto* start = static_cast<const uint8_t*>(data);
  if (data == nullptr || bytes < kPrefixBytes) {
    throw FormatError(FormatError::Kind::Size, "a model has at least " + std::to_string(kPrefixBytes) + " bytes but there are " + std::to_string(bytes));
  }
  if (std::memcmp(start, kMagic, sizeof kMagic) != 0) throw FormatError(FormatError::Kind::Content, "not an offline model of this simulator");
  const auto version = get<uint32_t>(start + 8);
  if (version != kVersion) {
    throw FormatError(FormatError::Kind::Content, "an offline model of version " + std::to_string(version) + ", this simulator reads " + std::to_string(kVersion));
  }
  const uint64_t headerBytes = get<uint32_t>(start + 12), onnxBytes = get<uint64_t>(start + 16), rest = bytes - kPrefixBytes;
  if (headerBytes > rest || onnxBytes != rest - headerBytes) {
    throw FormatError(FormatError::Kind::Size, "the model's parts and its " + std::to_string(bytes) + " bytes do not add up: truncated, or of a wrong size");
  }
  if (checksum(start + kPrefixBytes, rest) != get<uint64_t>(start + 24)) throw FormatError(FormatError::Kind::Content, "the model is damaged: its checksum differs");
  const auto* text = start + kPrefixBytes;
  try {
    Model model = fromHeader(Json::parse(text, text + headerBytes));
    model.onnx.assign(reinterpret_cast<const char*>(text + headerBytes), onnxBytes);
    return model;
  } catch (const Json::exception& error) {
    throw FormatError(FormatError::Kind::Content, std::string("the model's header cannot be read: ") + error.what());
  }
}

}  // namespace omma::om
