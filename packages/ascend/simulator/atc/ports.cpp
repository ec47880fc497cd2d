#include "ports.h"

#include <algorithm>

#include "failure.h"

namespace omma::atc {

using onnx::TensorProto;

namespace {

om::DataType dataType(int32_t elementType) {
  switch (elementType) {
    case TensorProto::FLOAT: return om::DataType::Float;
    case TensorProto::FLOAT16: return om::DataType::Float16;
    case TensorProto::BFLOAT16: return om::DataType::BFloat16;
    case TensorProto::DOUBLE: return om::DataType::Double;
    case TensorProto::INT8: return om::DataType::Int8;
    case TensorProto::INT16: return om::DataType::Int16;
    case TensorProto::INT32: return om::DataType::Int32;
    case TensorProto::INT64: return om::DataType::Int64;
    case TensorProto::UINT8: return om::DataType::UInt8;
    case TensorProto::UINT16: return om::DataType::UInt16;
    case TensorProto::UINT32: return om::DataType::UInt32;
    case TensorProto::UINT64: return om::DataType::UInt64;
    case TensorProto::BOOL: return om::DataType::Bool;
    default: throw innerError("Element type " + std::to_string(elementType) + " of an input or output is not supported.");
  }
}

int32_t outputElement(const std::string& text) {
  if (text == "FP32") return TensorProto::FLOAT;
  if (text == "FP16") return TensorProto::FLOAT16;
  if (text == "UINT8") return TensorProto::UINT8;
  if (text == "INT8") return TensorProto::INT8;
  throw invalidValue("--output_type", text, "The current value is not within the valid range. Only support FP32, FP16, UINT8, INT8.");
}

// "FP16" for all outputs, or "node:0:FP16;node:1:FP32".
void applyOutputType(const ParsedModel& parsed, const std::string& text, PortTypes& ports) {
  if (text.find(':') == std::string::npos) {
    for (auto& [name, type] : ports.outputs) type = outputElement(text);
    return;
  }
  for (const std::string& each : split(text, ';')) {
    const size_t colon = each.rfind(':');
    const std::string port = each.substr(0, colon);
    const auto found = std::find_if(parsed.outputs.begin(), parsed.outputs.end(),
                                    [&](const OutputPort& output) { return output.name == port || output.name.rfind(port + ":", 0) == 0; });
    if (found == parsed.outputs.end()) throw Failure("E10016", "Op name " + port + " specified in --output_type is not found in the model.");
    ports.outputs[found->value] = outputElement(each.substr(colon + 1));
  }
}

uint64_t bytesOf(const Dims& dims, om::DataType type) { return static_cast<uint64_t>(elements(dims)) * om::elementBytes(type); }

// The index of the gear in which the tensors are largest together.
size_t largestGear(const std::vector<NamedDims>& shapes) {
  size_t best = 0;
  int64_t most = -1;
  for (size_t i = 0; i < shapes.size(); i++) {
    int64_t count = 0;
    for (const auto& [name, dims] : shapes[i]) count += elements(dims);
    if (count > most) most = count, best = i;
  }
  return best;
}

om::Tensor gearInput(const Options& options) {
  om::Tensor input;
  input.name = om::kGearInputName;
  input.dataType = om::DataType::Int64;
  input.dims = {static_cast<int64_t>(options.gears[0].size())};
  input.originDims = input.dims;
  input.gearDims.assign(options.gears.size(), input.dims);
  input.bytes = options.gears[0].size() * om::kGearValueBytes;
  return input;
}

}  // namespace

PortTypes portTypes(const ParsedModel& parsed, const Types& types, const Options& options) {
  PortTypes ports;
  for (const auto& input : parsed.model.graph().input()) ports.inputs[input.name()] = input.type().tensor_type().elem_type();
  for (const std::string& name : options.fp16Inputs) {
    const auto found = ports.inputs.find(name);
    if (found == ports.inputs.end()) {
      throw Failure("E10016", "Op name " + name + " specified in --input_fp16_nodes is not found in the model.");
    }
    if (!isFloating(found->second)) throw invalidValue("--input_fp16_nodes", name, "The input is not of a floating type.");
    found->second = TensorProto::FLOAT16;
  }
  for (const OutputPort& output : parsed.outputs) ports.outputs[output.value] = types.at(output.value).elementType;
  if (!options.outputType.empty()) applyOutputType(parsed, options.outputType, ports);
  return ports;
}

void describePorts(om::Model& model, const ParsedModel& parsed, const PortTypes& ports, const NamedDims& dims, const std::vector<NamedDims>& shapes,
                   const std::vector<Types>& types, const Options& options) {
  const bool gears = options.gearKind != om::GearKind::None;
  const size_t largest = largestGear(shapes);
  for (const auto& input : parsed.model.graph().input()) {
    om::Tensor tensor;
    tensor.name = tensor.onnxName = input.name();
    tensor.dataType = dataType(ports.inputs.at(input.name()));
    tensor.dims = tensor.originDims = dims.at(input.name());
    tensor.format = tensor.dims.size() == 4 ? options.inputFormat : om::Format::ND;
    for (const NamedDims& shape : shapes) {
      if (gears) tensor.gearDims.push_back(shape.at(input.name()));
      tensor.bytes = std::max(tensor.bytes, bytesOf(shape.at(input.name()), tensor.dataType));
    }
    model.inputs.push_back(tensor);
  }
  for (const OutputPort& output : parsed.outputs) {
    om::Tensor tensor;
    tensor.name = output.name;
    tensor.onnxName = output.value;
    tensor.dataType = dataType(ports.outputs.at(output.value));
    tensor.dims = tensor.originDims = types[largest].at(output.value).dims;
    tensor.format = tensor.dims.size() == 4 ? options.inputFormat : om::Format::ND;
    for (const Types& each : types) {
      if (gears) tensor.gearDims.push_back(each.at(output.value).dims);
      tensor.bytes = std::max(tensor.bytes, bytesOf(each.at(output.value).dims, tensor.dataType));
    }
    model.outputs.push_back(tensor);
  }
  if (!gears) return;
  model.gears = {options.gearKind, options.gears};
  model.inputs.push_back(gearInput(options));
}

}  // namespace omma::atc
