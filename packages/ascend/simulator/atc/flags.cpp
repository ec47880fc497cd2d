#include "flags.h"

#include <set>
#include <vector>

#include "failure.h"
#include "text.h"

namespace omma::atc {

namespace {

struct Flag {
  const char* name;
  const char* standard;               // the default
  std::vector<const char*> values;    // allowed values; empty: any
  const char* help = "";
};

const std::vector<Flag>& flagList() {
  static const std::vector<Flag> list = {
      {"mode", "0", {"0", "1", "3", "5", "6", "7", "30"}, "0 (default): model to om; 1: model to json; 3: only pre-check; 6: display om info"},
      {"model", "", {}, "The model file."},
      {"weight", "", {}, "The weight file. Required when framework is Caffe."},
      {"om", "", {}, "The model file to be converted to json."},
      {"framework", "-1", {"0", "1", "3", "5"}, "0:Caffe; 1:MindSpore; 3:TensorFlow; 5:ONNX"},
      {"input_format", "", {}, "Format of input data. ONNX: NCHW (default), NCDHW, ND"},
      {"input_shape", "", {}, "Shape of input data. E.g.: \"input_name1:n1,c1,h1,w1;input_name2:n2,c2,h2,w2\""},
      {"input_shape_range", "", {}, "Deprecated; use input_shape."},
      {"input_hint_shape", "", {}},
      {"dynamic_batch_size", "", {}, "Dynamic batch sizes. E.g.: \"1,2,4,8\""},
      {"dynamic_image_size", "", {}, "Dynamic image sizes. E.g.: \"224,224;448,448\""},
      {"dynamic_dims", "", {}, "Dynamic dims. E.g.: \"1,640,640;4,640,640\""},
      {"output", "", {}, "The output path and name, without .om."},
      {"output_type", "", {}, "Data type of the outputs. E.g.: FP32, or \"node:0:FP16\""},
      {"check_report", "check_result.json", {}, "The report of --mode=3."},
      {"json", "", {}, "The json file of --mode=1."},
      {"host_env_os", "", {}, "OS of the target, linux by default."},
      {"host_env_cpu", "", {}, "CPU of the target."},
      {"soc_version", "", {}, "The chip. E.g.: Ascend910B3"},
      {"virtual_type", "0", {"0", "1"}},
      {"core_type", "AiCore", {"AiCore", "VectorCore"}},
      {"aicore_num", "", {}},
      {"out_nodes", "", {}, "Output nodes. E.g.: \"node_name1:0;node_name1:1;node_name2:0\""},
      {"input_fp16_nodes", "", {}, "Inputs of type fp16. E.g.: \"node_name1;node_name2\""},
      {"insert_op_conf", "", {}, "The config file of AIPP."},
      {"op_name_map", "", {}},
      {"is_input_adjust_hw_layout", "", {}},
      {"is_output_adjust_hw_layout", "", {}},
      {"external_weight", "0", {"0", "1", "2"}},
      {"disable_reuse_memory", "0", {"0", "1"}},
      {"fusion_switch_file", "", {}},
      {"enable_scope_fusion_passes", "", {}},
      {"enable_single_stream", "", {"true", "false"}},
      {"ac_parallel_enable", "0", {"0", "1"}},
      {"tiling_schedule_optimize", "0", {"0", "1"}},
      {"quant_dumpable", "0", {"0", "1"}},
      {"cluster_config", "", {}},
      {"hccl_sub_comm_config", "", {}},
      {"enable_small_channel", "0", {"0", "1"}},
      {"enable_compress_weight", "false", {"true", "false"}},
      {"compress_weight_conf", "", {}},
      {"compression_optimize_conf", "", {}},
      {"enable_attr_compression", "true", {"true", "false"}},
      {"sparsity", "0", {"0", "1"}},
      {"buffer_optimize", "l2_optimize", {"l1_optimize", "l2_optimize", "off_optimize"}},
      {"mdl_bank_path", "", {}},
      {"oo_level", "O3", {"O1", "O3"}},
      {"oo_constant_folding", "true", {"true", "false"}},
      {"oo_dead_code_elimination", "true", {"true", "false"}},
      {"topo_sorting_mode", "", {}},
      {"export_compile_stat", "1", {"0", "1", "2"}},
      {"multi_stream_parallel_mode", "", {}},
      {"op_precision_mode", "", {}},
      {"allow_hf32", "", {"true", "false"}},
      {"precision_mode", "",
       {"force_fp16", "force_fp32", "cube_fp16in_fp32out", "allow_mix_precision", "allow_fp32_to_fp16", "must_keep_origin_dtype",
        "allow_mix_precision_fp16", "allow_mix_precision_bf16", "allow_fp32_to_bf16"},
       "force_fp16 (default), force_fp32, cube_fp16in_fp32out, allow_mix_precision, allow_fp32_to_fp16, must_keep_origin_dtype, "
       "allow_mix_precision_fp16, allow_mix_precision_bf16, allow_fp32_to_bf16"},
      {"precision_mode_v2", "", {"fp16", "origin", "cube_fp16in_fp32out", "mixed_float16", "mixed_bfloat16", "cube_hif8", "mixed_hif8"},
       "fp16 (default), origin, cube_fp16in_fp32out, mixed_float16, mixed_bfloat16"},
      {"modify_mixlist", "", {}, "The mixed precision list, a json file."},
      {"keep_dtype", "", {}, "Nodes that keep their precision, a text file."},
      {"customize_dtypes", "", {}},
      {"is_weight_clip", "1", {"0", "1"}, "1 (default): constants beyond the range of fp16 become its largest number"},
      {"op_bank_path", "", {}},
      {"jit_compile", "1", {"0", "1", "2"}},
      {"optimization_switch", "", {}},
      {"static_model_ops_lower_limit", "", {}},
      {"h2d_overlapped_with_compute", "", {}},
      {"op_select_implmode", "", {"high_precision", "high_performance", "high_precision_for_all", "high_performance_for_all"}},
      {"optypelist_for_implmode", "", {}},
      {"op_debug_level", "0", {"0", "1", "2", "3", "4"}},
      {"save_original_model", "", {"true", "false"}},
      {"log", "null", {"debug", "info", "warning", "error", "null"}, "debug, info, warning, error, null (default)"},
      {"dump_mode", "0", {"0", "1"}},
      {"debug_dir", "", {}},
      {"status_check", "0", {"0", "1"}},
      {"op_compiler_cache_dir", "", {}},
      {"op_compiler_cache_mode", "disable", {"disable", "enable", "force"}},
      {"display_model_info", "0", {"0", "1"}},
      {"shape_generalized_build_mode", "shape_precise", {"shape_generalized", "shape_precise"}},
      {"op_debug_config", "", {}},
      {"atomic_clean_policy", "0", {"0", "1"}},
      {"deterministic", "0", {"0", "1"}, "0 (default): off; 1: on"},
      {"deterministic_level", "0", {"0", "1", "2", "3"}},
      {"auto_tune_mode", "", {}},
      {"singleop", "", {}},
      {"raw_ge_options", "", {}},
      {"raw_ge_options_ignore_unsupported", "false", {"true", "false"}},
  };
  return list;
}

const Flag* find(const std::string& name) {
  for (const Flag& flag : flagList()) {
    if (name == flag.name) return &flag;
  }
  return nullptr;
}

// The real parser has an error id of its own for some flags.
void check(const Flag& flag, const std::string& value) {
  static const std::set<std::string> switches = {"status_check", "deterministic", "external_weight", "display_model_info", "atomic_clean_policy",
                                                 "dump_mode", "disable_reuse_memory", "sparsity"};
  for (const char* allowed : flag.values) {
    if (value == allowed) return;
  }
  if (flag.values.empty()) return;
  const std::string name = flag.name;
  if (switches.count(name) > 0) throw Failure("E10006", "Value " + value + " for parameter --" + name + " is invalid. The value must be either 1 or 0.");
  if (name == "log") throw Failure("E10010", "Value " + value + " for parameter --log is invalid.");
  if (name == "framework") throw Failure("E10007", "--framework is required. The value must be 0(Caffe) or 1(MindSpore) or 3(TensorFlow) or 5(Onnx).");
  if (flag.values[0] == std::string("true")) {
    throw Failure("E10005", "Value " + value + " for parameter --" + name + " is invalid. The value must be either true or false.");
  }
  std::string range;
  for (const char* allowed : flag.values) range += std::string("[") + allowed + "] ";
  throw invalidValue("--" + name, value, "The value is not within the range of values. The valid range is " + range + ".");
}

Failure commandLineError(const std::string& reason) { return Failure("E10053", "There is an error in the command line. Reason: " + reason); }

}  // namespace

Flags::Flags(int count, const char* const* arguments) {
  for (int i = 1; i < count; i++) {
    std::string argument = arguments[i];
    if (argument == "-h" || argument == "--help") {
      help_ = true;
      continue;
    }
    if (argument.rfind("--", 0) != 0) {
      throw commandLineError("Extra argument [" + argument + "]. A value that contains semicolons must be enclosed in double quotation marks.");
    }
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    const Flag* flag = find(name);
    if (flag == nullptr) throw commandLineError("Unknown option [--" + name + "].");
    if (equals == std::string::npos && i + 1 == count) throw commandLineError("Option [--" + name + "] has no value.");
    const std::string value = equals == std::string::npos ? arguments[++i] : argument.substr(equals + 1);
    if (!value.empty() || flag->values.empty()) check(*flag, value);
    given_[name] = value;
  }
}

const std::string& Flags::operator[](const std::string& name) const {
  const auto given = given_.find(name);
  if (given != given_.end()) return given->second;
  static std::map<std::string, std::string> standards;
  if (standards.empty()) {
    for (const Flag& flag : flagList()) standards[flag.name] = flag.standard;
  }
  return standards.at(name);
}

std::string helpText() {
  std::string out = "usage: atc <args>\ngenerate offline model example:\n"
                    "atc --model=./resnet18.onnx --framework=5 --output=./resnet18 --soc_version=<soc_version>\n\narguments:\n"
                    "  -h, --help          Show this help message.\n";
  for (const Flag& flag : flagList()) {
    std::string line = std::string("  --") + flag.name;
    line.resize(std::max<size_t>(line.size() + 2, 34), ' ');
    out += line + flag.help + "\n";
  }
  return out;
}

}  // namespace omma::atc
