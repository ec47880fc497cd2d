#include "rewrite.h"

#include "carrier.h"

namespace omma::atc {

using onnx::TensorProto;

namespace {

constexpr float kLargestFloat16 = 65504.0f;

// Operators whose results are some of their inputs, perhaps with the other sign: rounded inputs give rounded outputs.
bool onlySelects(const std::string& type) {
  static const std::set<std::string> selecting = {
      "Abs", "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "GlobalMaxPool", "Identity", "Max",
      "MaxPool", "Min", "Neg", "Pad", "ReduceMax", "ReduceMin", "Relu", "Reshape", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile",
      "TopK", "Transpose", "Unsqueeze", "Where"};
  return selecting.count(type) > 0;
}

class Rewriter {
 public:
  Rewriter(const onnx::GraphProto& source, const Types& types, const PortTypes& ports, const Clipping& clipping)
      : carrier_(carrier(source)), ports_(ports), clipping_(clipping), writer_(target_, source) {
    for (const auto& [name, type] : types) chip_[name] = type.elementType;
    for (const TensorProto& tensor : source.initializer()) constants_.insert(tensor.name());
    source_ = &source;
  }

  onnx::GraphProto run(const std::vector<Placement>& placements) {
    target_.set_name(carrier_.name());
    *target_.mutable_initializer() = carrier_.initializer();
    for (const auto& input : carrier_.input()) declareInput(input);
    for (const auto& output : carrier_.output()) declareOutput(output);
    for (int i = 0; i < carrier_.node_size(); i++) write(source_->node(i), carrier_.node(i), placements[static_cast<size_t>(i)]);
    for (const std::string& output : castOutputs_) {
      onnx::NodeProto& node = *target_.add_node();
      node.set_op_type("Cast");
      node.set_name(writer_.unique(output + "_port"));
      node.add_input(now(output));
      node.add_output(output);
      setInteger(node, "to", ports_.outputs.at(output));
    }
    return std::move(target_);
  }

 private:
  // The name under which a value of the source is in the target.
  std::string now(const std::string& value) const {
    const auto found = renamed_.find(value);
    return found == renamed_.end() ? value : found->second;
  }

  void declareInput(const onnx::ValueInfoProto& input) {
    onnx::ValueInfoProto& port = *target_.add_input();
    port = input;
    const int32_t type = ports_.inputs.at(input.name());
    port.mutable_type()->mutable_tensor_type()->set_elem_type(type);
    if (isNarrow(type)) renamed_[input.name()] = writer_.cast(input.name(), TensorProto::FLOAT, input.name() + "_wide");
    if (isFloating(type)) chip_[input.name()] = type;
  }

  // An output whose type is not the carrier's is cast at the end, from a value under another name.
  void declareOutput(const onnx::ValueInfoProto& output) {
    onnx::ValueInfoProto& port = *target_.add_output();
    port.set_name(output.name());
    const int32_t type = ports_.outputs.at(output.name());
    port.mutable_type()->mutable_tensor_type()->set_elem_type(type);
    const int32_t inside = isFloating(chip_.at(output.name())) ? static_cast<int32_t>(TensorProto::FLOAT) : chip_.at(output.name());
    if (type == inside) return;
    renamed_[output.name()] = writer_.unique(output.name() + "_inner");
    castOutputs_.push_back(output.name());
  }

  void write(const onnx::NodeProto& source, const onnx::NodeProto& node, const Placement& placement) {
    if (source.op_type() == "Cast") return writeCast(source);
    std::vector<std::string> inputs;
    for (const std::string& input : node.input()) inputs.push_back(input.empty() ? input : operand(input, placement.inputType));
    onnx::NodeProto copy = node;
    copy.clear_input();
    for (const std::string& input : inputs) copy.add_input(input);
    const bool round = isNarrow(placement.outputType) && !(onlySelects(node.op_type()) && placement.inputType == placement.outputType);
    std::vector<std::pair<std::string, std::string>> rounded;
    for (std::string& output : *copy.mutable_output()) {
      if (output.empty()) continue;
      const std::string value = output;
      output = now(value);
      if (!isFloating(chip_.at(value))) continue;
      chip_[value] = placement.outputType == 0 ? chip_[value] : placement.outputType;
      if (!round) continue;
      rounded.emplace_back(writer_.unique(value + "_exact"), output);
      output = rounded.back().first;
    }
    *target_.add_node() = copy;
    for (const auto& [exact, result] : rounded) roundInto(exact, placement.outputType, result);
  }

  // The model's own Cast: to a 16-bit type it is a rounding.
  void writeCast(const onnx::NodeProto& source) {
    const std::string& value = source.output(0);
    const auto to = static_cast<int32_t>(integerAttribute(source, "to", TensorProto::FLOAT));
    if (isNarrow(to)) return roundInto(asFloat(source.input(0), value), to, now(value));
    onnx::NodeProto& node = *target_.add_node();
    node = source;
    node.set_input(0, now(source.input(0)));
    node.set_output(0, now(value));
  }

  // Whole numbers and booleans become float32 first, so that they can be clipped.
  std::string asFloat(const std::string& value, const std::string& result) {
    return isFloating(chip_.at(value)) ? now(value) : writer_.cast(now(value), TensorProto::FLOAT, result + "_float");
  }

  // What a node reads for `value` when it takes floating inputs as `type`.
  std::string operand(const std::string& value, int32_t type) {
    const std::string name = now(value);
    if (!isFloating(chip_.at(value)) || !isNarrow(type) || chip_.at(value) == type) return name;
    std::string& known = rounded_[{value, type}];
    if (!known.empty()) return known;
    known = writer_.unique(value + (type == TensorProto::FLOAT16 ? "_float16" : "_bfloat16"));
    roundInto(name, type, known, constants_.count(value) > 0);
    return known;
  }

  void roundInto(const std::string& value, int32_t type, const std::string& result, bool constant = false) {
    const bool clips = type == TensorProto::FLOAT16 && (constant ? clipping_.weights : clipping_.results);
    const std::string narrow = writer_.cast(clips ? clipped(value, result) : value, type, result + "_round");
    onnx::NodeProto& node = *target_.add_node();
    node.set_op_type("Cast");
    node.set_name(writer_.unique(result + "_widen"));
    node.add_input(narrow);
    node.add_output(result);
    setInteger(node, "to", TensorProto::FLOAT);
  }

  std::string clipped(const std::string& value, const std::string& result) {
    if (lowest_.empty()) lowest_ = writer_.floats({-kLargestFloat16}, {}, "lowest_float16");
    if (largest_.empty()) largest_ = writer_.floats({kLargestFloat16}, {}, "largest_float16");
    return writer_.node("Min", {writer_.node("Max", {value, lowest_}, result + "_from"), largest_}, result + "_to");
  }

  const onnx::GraphProto* source_;
  onnx::GraphProto carrier_, target_;
  const PortTypes& ports_;
  Clipping clipping_;
  GraphWriter writer_;
  std::set<std::string> constants_;
  std::string lowest_, largest_;  // names of the ends of float16's range
  std::unordered_map<std::string, int32_t> chip_;  // element type of a value on the chip
  std::unordered_map<std::string, std::string> renamed_;
  std::map<std::pair<std::string, int32_t>, std::string> rounded_;
  std::vector<std::string> castOutputs_;
};

}  // namespace

onnx::GraphProto rewrite(const onnx::GraphProto& graph, const Types& types, const std::vector<Placement>& placements, const PortTypes& ports,
                         const Clipping& clipping) {
  return Rewriter(graph, types, ports, clipping).run(placements);
}

}  // namespace omma::atc
