#include "aipp.h"

#include <algorithm>
#include <set>

#include "aippConfig.h"
#include "failure.h"

namespace omma::atc {

using onnx::TensorProto;

namespace {

constexpr float kCscShift = 256;  // the products of the matrix are shifted by 8 bits
constexpr int64_t kLeastOpset = 11;  // Pad and Slice take their numbers as inputs

struct Size {
  int64_t height = 0, width = 0;
};

// The picture in memory, the part of it that is taken, and what the model wants; -1 where gears decide.
struct Sizes {
  Size source, taken, model;
};

Sizes sizesOf(const AippConfig& config, const om::Tensor& input) {
  Sizes sizes;
  sizes.model = {input.dims[2], input.dims[3]};
  if (sizes.model.height == -1 && (config.crop || config.pad)) throw invalidAipp("When --dynamic_image_size is set, crop and padding cannot be set to 'true'");
  sizes.source = {config.sourceHeight, config.sourceWidth};
  if (sizes.source.height == 0 && sizes.source.width == 0) {
    if (config.crop || config.pad) throw invalidAipp("src_image_size_w and src_image_size_h must be set when crop or padding is set to 'true'");
    sizes.source = sizes.model;
  }
  sizes.taken = sizes.source;
  if (config.crop) {
    sizes.taken = {config.cropHeight, config.cropWidth};
    if (config.cropHeight == 0 && config.cropWidth == 0 && !config.pad) sizes.taken = sizes.model;
    if (config.cropLeft + sizes.taken.width > sizes.source.width || config.cropTop + sizes.taken.height > sizes.source.height) {
      throw invalidAipp("load_start_pos and crop_size reach beyond src_image_size");
    }
  }
  const Size made = {sizes.taken.height + config.top + config.bottom, sizes.taken.width + config.left + config.right};
  const Size out = config.pad ? made : sizes.taken;
  if (out.height != sizes.model.height || out.width != sizes.model.width) {
    throw invalidAipp("the size after AIPP, height " + std::to_string(out.height) + " and width " + std::to_string(out.width) + ", is not the size of the model's input, " +
                  std::to_string(sizes.model.height) + " and " + std::to_string(sizes.model.width));
  }
  return sizes;
}

int64_t channelsOut(const AippConfig& config, const om::Tensor& input) {
  const int64_t wanted = input.dims[1], has = channels(config.format);
  if (wanted > has || (config.csc && wanted > 3)) {
    throw invalidAipp("the model's input has " + std::to_string(wanted) + " channels but the picture has " + std::to_string(has));
  }
  return wanted;
}

// Nodes for one input, in the order of the hardware: channel swap, crop, colour space, normalisation, padding. Everything is NHWC until the end.
class Preprocessing {
 public:
  Preprocessing(GraphWriter& writer, const AippConfig& config, const Sizes& sizes, int64_t channelCount)
      : writer_(writer), config_(config), sizes_(sizes), channels_(channelCount) {}

  std::string write(const std::string& input) {
    value_ = writer_.cast(input, TensorProto::FLOAT, "aipp_float");
    swap();
    crop();
    if (config_.csc) convertColours();
    normalise();
    if (config_.pad) pad();
    value_ = writer_.node("Transpose", {value_}, "aipp_nchw");
    setIntegers(writer_.last(), "perm", {0, 3, 1, 2});
    // The unit hands float16 to the AI Core.
    return writer_.cast(writer_.cast(value_, TensorProto::FLOAT16, "aipp_float16"), TensorProto::FLOAT, "aipp_out");
  }

 private:
  // Which channel of memory becomes which; channels beyond those used are left out unless the colour matrix still needs them.
  void swap() {
    Dims order;
    for (int64_t i = 0; i < channels(config_.format); i++) order.push_back(i);
    if (config_.swapAlpha && order.size() == 4) order = {1, 2, 3, 0};
    if (config_.swapRedBlue && order.size() >= 3) std::swap(order[0], order[2]);
    order.resize(config_.csc ? std::min<size_t>(order.size(), 3) : static_cast<size_t>(channels_));
    value_ = writer_.node("Gather", {value_, writer_.integers(order, "aipp_channels")}, "aipp_swap");
    setInteger(writer_.last(), "axis", 3);
  }

  void crop() {
    if (!config_.crop) return;
    const std::string starts = writer_.integers({config_.cropTop, config_.cropLeft}, "aipp_starts");
    const std::string ends = writer_.integers({config_.cropTop + sizes_.taken.height, config_.cropLeft + sizes_.taken.width}, "aipp_ends");
    value_ = writer_.node("Slice", {value_, starts, ends, writer_.integers({1, 2}, "aipp_axes")}, "aipp_crop");
  }

  void convertColours() {
    const bool fromYuv = config_.format == PictureFormat::Yuv400;
    std::vector<float> matrix;  // transposed: pixels are rows
    for (size_t from = 0; from < 3; from++) {
      for (size_t to = 0; to < 3; to++) matrix.push_back(config_.matrix[to][from] / kCscShift);
    }
    const std::vector<float> inputBias(config_.inputBias.begin(), config_.inputBias.end()), outputBias(config_.outputBias.begin(), config_.outputBias.end());
    if (fromYuv) value_ = writer_.node("Sub", {value_, writer_.floats({inputBias[0]}, {1}, "aipp_input_bias")}, "aipp_unbias");
    if (channels(config_.format) == 1) matrix = {matrix[0], matrix[1], matrix[2]};
    const auto rows = static_cast<int64_t>(matrix.size() / 3);
    value_ = writer_.node("MatMul", {value_, writer_.floats(matrix, {rows, 3}, "aipp_matrix")}, "aipp_colours");
    value_ = writer_.node("Floor", {value_}, "aipp_shift");
    if (!fromYuv) value_ = writer_.node("Add", {value_, writer_.floats(outputBias, {3}, "aipp_output_bias")}, "aipp_bias");
    value_ = writer_.node("Max", {value_, writer_.floats({0}, {}, "aipp_black")}, "aipp_from");
    value_ = writer_.node("Min", {value_, writer_.floats({255}, {}, "aipp_white")}, "aipp_to");
    if (channels_ == 3) return;
    value_ = writer_.node("Gather", {value_, writer_.integers({0}, "aipp_first")}, "aipp_grey");
    setInteger(writer_.last(), "axis", 3);
  }

  // out = (in - mean - min) * reciprocal; min and reciprocal are float16 in the unit's registers.
  void normalise() {
    const auto count = static_cast<size_t>(channels_);
    const std::vector<float> mean(config_.mean.begin(), config_.mean.begin() + channels_), min(config_.min.begin(), config_.min.begin() + channels_),
        reciprocal(config_.reciprocal.begin(), config_.reciprocal.begin() + channels_);
    const Dims dims = {static_cast<int64_t>(count)};
    value_ = writer_.node("Sub", {value_, writer_.floats(mean, dims, "aipp_mean")}, "aipp_sub_mean");
    value_ = writer_.node("Sub", {value_, half(writer_.floats(min, dims, "aipp_min"))}, "aipp_sub_min");
    value_ = writer_.node("Mul", {value_, half(writer_.floats(reciprocal, dims, "aipp_var_reci"))}, "aipp_scale");
  }

  std::string half(const std::string& constant) {
    return writer_.cast(writer_.cast(constant, TensorProto::FLOAT16, constant + "_half"), TensorProto::FLOAT, constant + "_wide");
  }

  void pad() {
    const std::string pads = writer_.integers({0, config_.top, config_.left, 0, 0, config_.bottom, config_.right, 0}, "aipp_pads");
    value_ = writer_.node("Pad", {value_, pads, writer_.floats({config_.padValue}, {}, "aipp_pad_value")}, "aipp_pad");
  }

  GraphWriter& writer_;
  const AippConfig& config_;
  const Sizes& sizes_;
  int64_t channels_;
  std::string value_;
};

Dims pictureDims(const Dims& dims, const Size& source, int64_t channelCount) {
  return {dims[0], source.height == -1 ? dims[2] : source.height, source.width == -1 ? dims[3] : source.width, channelCount};
}

void changePort(om::Tensor& input, const AippConfig& config, const Size& source) {
  const int64_t count = channels(config.format);
  input.dataType = om::DataType::UInt8;
  input.format = om::Format::NHWC;
  input.dims = pictureDims(input.dims, source, count);
  input.bytes = 0;
  for (Dims& dims : input.gearDims) {
    dims = pictureDims(dims, source, count);
    input.bytes = std::max(input.bytes, static_cast<uint64_t>(elements(dims)));
  }
  if (input.gearDims.empty()) input.bytes = static_cast<uint64_t>(elements(input.dims));
}

void changePort(onnx::ValueInfoProto& input, const Dims& dims) {
  auto& type = *input.mutable_type()->mutable_tensor_type();
  type.set_elem_type(TensorProto::UINT8);
  type.mutable_shape()->clear_dim();
  for (size_t i = 0; i < dims.size(); i++) {
    if (dims[i] == -1) type.mutable_shape()->add_dim()->set_dim_param(input.name() + "_" + std::to_string(i));
    else type.mutable_shape()->add_dim()->set_dim_value(dims[i]);
  }
}

}  // namespace

void applyAipp(onnx::ModelProto& onnx, om::Model& model, const Options& options) {
  if (options.inputFormat != om::Format::NCHW) throw invalidAipp("--input_format must be NCHW when --insert_op_conf is set");
  if (onnx.opset_import(0).version() < kLeastOpset) throw innerError("AIPP with a model of an opset below " + std::to_string(kLeastOpset) + " is not in this simulator.");
  onnx::GraphProto& graph = *onnx.mutable_graph();
  onnx::GraphProto front;
  GraphWriter writer(front, graph);
  std::unordered_map<std::string, std::string> replaced;
  std::set<int64_t> done;
  for (const AippConfig& config : readAippConfigs(options.aippFile)) {
    if (config.input >= graph.input_size()) throw invalidAipp("Cannot find the data node by aipp parameter related_input_rank " + std::to_string(config.input));
    if (!done.insert(config.input).second) throw invalidAipp("related_input_rank " + std::to_string(config.input) + " is configured twice");
    onnx::ValueInfoProto& port = *graph.mutable_input(static_cast<int>(config.input));
    om::Tensor& input = model.inputs[static_cast<size_t>(config.input)];
    if (input.dims.size() != 4 || input.dims[1] == -1) throw invalidAipp("the model's input " + input.name + " has no channels, height and width");
    if (input.dataType == om::DataType::Float16) throw Failure("E10034", "Nodes (for example, " + input.name + ") connected to AIPP must not be of type FP16.");
    if (input.dataType != om::DataType::Float) throw invalidAipp("the model's input " + input.name + " is not float32");
    const Sizes sizes = sizesOf(config, input);
    replaced[port.name()] = Preprocessing(writer, config, sizes, channelsOut(config, input)).write(port.name());
    changePort(input, config, sizes.source);
    changePort(port, input.dims);
  }
  for (const auto& node : graph.node()) {
    onnx::NodeProto& copy = *front.add_node();
    copy = node;
    for (std::string& input : *copy.mutable_input()) {
      const auto found = replaced.find(input);
      if (found != replaced.end()) input = found->second;
    }
  }
  *graph.mutable_node() = front.node();
  for (const TensorProto& tensor : front.initializer()) *graph.add_initializer() = tensor;
}

}  // namespace omma::atc
