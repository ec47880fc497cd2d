#include "options.h"

#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <map>
#include <set>

#include "failure.h"

namespace omma::atc {

namespace {

constexpr size_t kLeastGears = 2, kMostGears = 100;

void require(const Flags& flags, const std::string& flag) {
  if (flags[flag].empty()) {
    throw Failure("E10054", "The required parameter --" + flag + " for ATC is empty. Another possible reason is that the values of some parameters are not enclosed by quotation marks (\"\").");
  }
}

void requireFile(const std::string& flag, const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) throw Failure("E13000", "Path " + path + " is empty. Reason: [Error 2] No such file or directory.");
  if (!S_ISREG(info.st_mode)) throw Failure("E13026", "Input path " + path + " is invalid. Reason: --" + flag + " is not a file.");
}

void requireOutputPath(const std::string& path, const std::string& flag) {
  if (path.size() > PATH_MAX) throw Failure("E10021", "Path for parameter --" + flag + " is too long. Keep the length within " + std::to_string(PATH_MAX) + ".");
  const size_t slash = path.find_last_of('/');
  if (slash + 1 == path.size()) throw Failure("E10022", "Path " + path + " for parameter --" + flag + " does not include the file name.");
  if (slash == std::string::npos || slash == 0) return;
  struct stat info {};
  const std::string folder = path.substr(0, slash);
  if (stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    throw Failure("E13026", "Input path " + folder + " is invalid. Reason: The folder of --" + flag + " does not exist.");
  }
}

Failure invalidShape(const std::string& shape, const std::string& reason) {
  return Failure("E10002", "Value " + shape + " for parameter --input_shape is invalid. Reason: " + reason + ". The value must be formatted as \"input_name1:n1,c1,h1,w1\".");
}

Dims parseDims(const std::string& shape, const std::string& values) {
  Dims dims;
  for (const std::string& text : split(values, ',')) {
    int64_t value = 0;
    if (text.find('.') != std::string::npos) throw invalidShape(shape, "The float number is unsupported");
    if (!parseInteger(text, value)) throw invalidShape(shape, "It is not a digit");
    if (value == 0 || value < -1) {
      throw Failure("E10011", "Value " + shape + " for parameter --input_shape is invalid. Shape values must be positive integers. The error value in the shape is " + text + ".");
    }
    dims.push_back(value);
  }
  return dims;
}

std::vector<std::pair<std::string, Dims>> parseShapes(const std::string& text) {
  std::vector<std::pair<std::string, Dims>> shapes;
  for (const std::string& shape : split(text, ';')) {
    const size_t colon = shape.rfind(':');  // names may contain colons
    if (colon == std::string::npos) throw invalidShape(shape, "The shape must contain two parts: name and value");
    const std::string name = trim(shape.substr(0, colon));
    for (const auto& known : shapes) {
      if (known.first == name) throw invalidShape(shape, "The input " + name + " is given twice");
    }
    shapes.emplace_back(name, parseDims(shape, shape.substr(colon + 1)));
  }
  return shapes;
}

int64_t unknowns(const Dims& dims) { return std::count(dims.begin(), dims.end(), -1); }

void checkBatchShapes(const Options& options) {
  int64_t inputs = 0;
  for (const auto& [name, dims] : options.inputShape) {
    if (dims.empty()) {
      throw Failure("E10012", "--dynamic_batch_size is included, but the dimension count of the dynamic-shape input configured in --input_shape is less than 1.");
    }
    if (unknowns(dims) == 0) continue;
    for (size_t i = 1; i < dims.size(); i++) {
      if (dims[i] < 0) {
        throw Failure("E10018", "Value -1 for shape " + std::to_string(i) + " is invalid. When --dynamic_batch_size is included, only batch size N can be -1 in --input_shape.");
      }
    }
    inputs++;
  }
  if (inputs == 0) throw Failure("E10031", "--dynamic_batch_size is included, but none of the nodes specified in --input_shape has a batch size equaling -1.");
}

void checkImageShapes(const Options& options) {
  if (options.inputFormat != om::Format::NCHW) {
    throw Failure("E10003", "Value ND for parameter --input_format is invalid. Reason: When --dynamic_image_size is set, the input format only supports NCHW or NHWC.");
  }
  int64_t inputs = 0;
  for (const auto& [name, dims] : options.inputShape) {
    if (unknowns(dims) == 0) continue;
    if (dims.size() != 4 || unknowns(dims) != 2 || dims[2] != -1 || dims[3] != -1) inputs = INT_MIN;
    inputs++;
  }
  if (inputs <= 0) throw Failure("E10019", "When --dynamic_image_size is included, only the height and width axes can be -1 in --input_shape.");
}

void checkDimsShapes(const Options& options) {
  if (options.inputFormat != om::Format::ND) throw invalidValue("--input_format", "NCHW", "The value must be ND when --dynamic_dims is set.");
  int64_t count = 0;
  for (const auto& [name, dims] : options.inputShape) count += unknowns(dims);
  if (count == 0) throw invalidValue("--input_shape's dynamic dim num", "0", "At least one dim should be -1 when dynamic_dims is set.");
  for (const Dims& gear : options.gears) {
    if (gear.size() != static_cast<size_t>(count)) {
      throw Failure("E10003", "Value " + format(gear) + " for parameter --dynamic_dims is invalid. Reason: Each setting needs to be consistent with the number of -1 in the input shape.");
    }
  }
}

Dims parseGear(const std::string& flag, const std::string& text) {
  Dims gear;
  for (const std::string& part : split(text, ',')) {
    int64_t value = 0;
    if (!parseInteger(part, value) || value < 0) {
      if (flag == "dynamic_dims") throw invalidValue("--dynamic_dims", part, "Dynamic dims must be a positive integer.");
      throw Failure("E10003", "Value " + text + " for parameter --" + flag + " is invalid. Reason: It can only contain digits, \",\", \" \" and \";\".");
    }
    if (value == 0) throw Failure("E10038", "Dimension size 0 is invalid. The value must be greater than 0.");
    gear.push_back(value);
  }
  if (flag == "dynamic_image_size" && gear.size() != 2) throw Failure("E10020", "Value " + text + " for parameter --dynamic_image_size is invalid.");
  return gear;
}

void readGears(const Flags& flags, Options& options) {
  const std::string& batch = flags["dynamic_batch_size"];
  const std::string& image = flags["dynamic_image_size"];
  const std::string& dims = flags["dynamic_dims"];
  if (!batch.empty() + !image.empty() + !dims.empty() + !flags["input_shape_range"].empty() > 1) {
    throw Failure("E10009", "--dynamic_batch_size, --dynamic_image_size, --input_shape_range, and --dynamic_dims are mutually exclusive.");
  }
  const bool gears = !batch.empty() || !image.empty() || !dims.empty();
  const std::string& shape = flags["input_shape"];
  if (!flags["input_shape_range"].empty() || (!gears && (shape.find('~') != std::string::npos || shape.find("-1") != std::string::npos))) {
    throw invalidValue("--input_shape", shape, "Ranges and unbounded dims are not in this simulator, which compiles static shapes and gears.");
  }
  if (gears && shape.find('~') != std::string::npos) {
    throw Failure("E10040", "As the --dynamic_batch_size, --dynamic_image_size, or --dynamic_dims argument is included, the corresponding nodes specified in --input_shape must have -1 axes and cannot have '~'.");
  }
  if (gears && shape.empty()) throw Failure("E10004", "Value for --input_shape is empty.");
  options.inputShape = parseShapes(shape);
  if (!gears) return;
  if (!batch.empty()) {
    options.gearKind = om::GearKind::Batch;
    for (const std::string& each : split(batch, ',')) options.gears.push_back(parseGear("dynamic_batch_size", each));
    checkBatchShapes(options);
  } else {
    const std::string flag = image.empty() ? "dynamic_dims" : "dynamic_image_size";
    options.gearKind = image.empty() ? om::GearKind::Dims : om::GearKind::Image;
    for (const std::string& each : split(image + dims, ';')) options.gears.push_back(parseGear(flag, each));
    if (image.empty()) checkDimsShapes(options);
    else checkImageShapes(options);
  }
  const std::string count = std::to_string(options.gears.size());
  const std::string which = "--dynamic_batch_size, --dynamic_image_size, or --dynamic_dims";
  if (options.gears.size() < kLeastGears) throw Failure("E10035", which + " has " + count + " profiles, which is less than the minimum " + std::to_string(kLeastGears) + ".");
  if (options.gears.size() > kMostGears) throw Failure("E10036", which + " has " + count + " profiles, which is greater than the maximum " + std::to_string(kMostGears) + ".");
  if (std::set<Dims>(options.gears.begin(), options.gears.end()).size() != options.gears.size()) throw Failure("E10039", "The " + which + " argument has duplicate profiles.");
}

Precision readPrecision(const Flags& flags) {
  static const std::map<std::string, Precision> modes = {
      {"force_fp16", Precision::Fp16}, {"force_fp32", Precision::CubeFp16InFp32Out}, {"cube_fp16in_fp32out", Precision::CubeFp16InFp32Out},
      {"allow_mix_precision", Precision::MixedFloat16}, {"allow_mix_precision_fp16", Precision::MixedFloat16},
      {"allow_mix_precision_bf16", Precision::MixedBfloat16}, {"allow_fp32_to_fp16", Precision::AllowFp32ToFp16},
      {"allow_fp32_to_bf16", Precision::AllowFp32ToBf16}, {"must_keep_origin_dtype", Precision::Origin}, {"fp16", Precision::Fp16},
      {"origin", Precision::Origin}, {"mixed_float16", Precision::MixedFloat16}, {"mixed_bfloat16", Precision::MixedBfloat16},
  };
  const std::string& first = flags["precision_mode"];
  const std::string& second = flags["precision_mode_v2"];
  if (!first.empty() && !second.empty()) throw Failure("E10056", "Cannot configure both parameters --precision_mode and --precision_mode_v2 simultaneously.");
  if (first.empty() && second.empty()) return Precision::Fp16;
  const auto mode = modes.find(first + second);
  if (mode == modes.end()) throw invalidValue("--precision_mode_v2", second, "HiFloat8 is not supported by the chip.");
  return mode->second;
}

om::Format readFormat(const std::string& text) {
  if (text.empty() || text == "NCHW") return om::Format::NCHW;
  if (text == "ND") return om::Format::ND;
  if (text == "NCDHW") return om::Format::NCDHW;
  throw invalidValue("--input_format", text, "The value must be NCHW, ND or NCDHW in ONNX model.");
}

void checkFramework(const Flags& flags) {
  const std::string& framework = flags["framework"];
  if (framework == "-1") throw Failure("E10007", "--framework is required. The value must be 0(Caffe) or 1(MindSpore) or 3(TensorFlow) or 5(Onnx).");
  if (framework == "0" && flags["weight"].empty()) throw Failure("E10008", "--weight must not be empty when --framework is set to 0 (Caffe).");
  if (framework != "5") throw invalidValue("--framework", framework, "This simulator compiles ONNX (5) only.");
}

void checkRest(const Flags& flags) {
  if (!flags["auto_tune_mode"].empty()) {
    throw invalidValue("--auto_tune_mode", flags["auto_tune_mode"], "The Auto Tune function has been deprecated. Please use the AOE tool for tuning.");
  }
  if (flags["op_select_implmode"].empty() && !flags["optypelist_for_implmode"].empty()) {
    throw invalidValue("--op_select_implmode", "", "Parameters --op_select_implmode and --optypelist_for_implmode must be set at the same time.");
  }
  if (!flags["insert_op_conf"].empty() && !flags["dynamic_dims"].empty()) {
    throw invalidValue("--insert_op_conf", flags["insert_op_conf"], "The dynamic dims function does not support AIPP.");
  }
  for (const char* flag : {"raw_ge_options", "singleop", "cluster_config", "hccl_sub_comm_config", "op_precision_mode"}) {
    if (flags.has(flag)) throw Failure("E10055", std::string("The operation is not supported. Reason: --") + flag + " is not in this simulator.");
  }
  for (const char* flag : {"is_input_adjust_hw_layout", "is_output_adjust_hw_layout"}) {
    if (flags[flag].find("true") != std::string::npos) throw invalidValue(std::string("--") + flag, flags[flag], "NC1HWC0 inputs and outputs are not in this simulator.");
  }
  const std::string& os = flags["host_env_os"];
  if (!os.empty() && os != "linux") throw invalidValue("--host_env_os", os, "The value must be linux.");
}

void checkMixlist(const Options& options) {
  if (options.mixlistFile.empty() || options.precision == Precision::MixedFloat16 || options.precision == Precision::MixedBfloat16) return;
  throw invalidValue("--modify_mixlist", options.mixlistFile,
                     "Modify_mixlist is set. Please ensure that precision_mode_v2 is set to any of {mixed_float16, mixed_bfloat16, mixed_hif8(if available)}.");
}

}  // namespace

std::string name(Precision precision) {
  switch (precision) {
    case Precision::Fp16: return "fp16";
    case Precision::Origin: return "origin";
    case Precision::CubeFp16InFp32Out: return "cube_fp16in_fp32out";
    case Precision::MixedFloat16: return "mixed_float16";
    case Precision::MixedBfloat16: return "mixed_bfloat16";
    case Precision::AllowFp32ToFp16: return "allow_fp32_to_fp16";
    case Precision::AllowFp32ToBf16: return "allow_fp32_to_bf16";
  }
  throw innerError("A precision mode without a name.");
}

Options readOptions(const Flags& flags) {
  Options options;
  options.mode = std::stoi(flags["mode"]);
  options.model = flags["model"];
  options.output = flags["output"];
  options.om = flags["om"];
  options.json = flags["json"];
  options.checkReport = flags["check_report"];
  if (options.mode == 1 || options.mode == 6) {
    if (options.om.empty()) throw Failure("E10004", "Value for --om is empty.");
    requireFile("om", options.om);
    if (options.mode == 1 && options.json.empty()) throw Failure("E10004", "Value for --json is empty.");
    return options;
  }
  if (options.mode != 0 && options.mode != 3) throw Failure("E10055", "The operation is not supported. Reason: --mode=" + flags["mode"] + " is not in this simulator.");
  checkFramework(flags);
  options.inputFormat = readFormat(flags["input_format"]);
  require(flags, "soc_version");
  if (options.mode == 0) require(flags, "output");
  require(flags, "model");
  requireFile("model", options.model);
  if (options.mode == 0) requireOutputPath(options.output, "output");
  options.socVersion = flags["soc_version"];
  options.precision = readPrecision(flags);
  options.mixlistFile = flags["modify_mixlist"];
  options.keepDtypeFile = flags["keep_dtype"];
  checkMixlist(options);
  if (!options.keepDtypeFile.empty()) requireFile("keep_dtype", options.keepDtypeFile);
  if (!options.mixlistFile.empty()) requireFile("modify_mixlist", options.mixlistFile);
  readGears(flags, options);
  options.aippFile = flags["insert_op_conf"];
  if (!options.aippFile.empty()) requireFile("insert_op_conf", options.aippFile);
  checkRest(flags);
  options.clipWeights = flags["is_weight_clip"] == "1";
  options.outNodes = split(flags["out_nodes"], ';');
  options.fp16Inputs = split(flags["input_fp16_nodes"], ';');
  options.outputType = flags["output_type"];
  return options;
}

}  // namespace omma::atc
