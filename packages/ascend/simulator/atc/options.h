// What a command line asks for, checked as far as it can be without the model: which flags exclude each other, which need each other, what
// the values of gears look like (ascend.md 3.2, 3.3).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flags.h"
#include "om/format.h"
#include "text.h"

namespace omma::atc {

// Both flags of precision in one list; names are those of --precision_mode_v2 where it has one.
enum class Precision {
  Fp16,               // fp16, force_fp16: the default
  Origin,             // origin, must_keep_origin_dtype
  CubeFp16InFp32Out,  // cube_fp16in_fp32out, force_fp32
  MixedFloat16,       // mixed_float16, allow_mix_precision, allow_mix_precision_fp16
  MixedBfloat16,      // mixed_bfloat16, allow_mix_precision_bf16
  AllowFp32ToFp16,    // allow_fp32_to_fp16
  AllowFp32ToBf16,    // allow_fp32_to_bf16
};

std::string name(Precision precision);

struct Options {
  int mode = 0;
  std::string model, output, om, json, checkReport;
  std::string socVersion;
  om::Format inputFormat = om::Format::NCHW;
  std::vector<std::pair<std::string, Dims>> inputShape;  // in the order given
  om::GearKind gearKind = om::GearKind::None;
  std::vector<Dims> gears;
  std::vector<std::string> outNodes;     // node:index, or names of ONNX outputs
  std::vector<std::string> fp16Inputs;
  std::string outputType;                // empty: as the model says
  std::string aippFile;
  Precision precision = Precision::Fp16;
  bool clipWeights = true;
  std::string keepDtypeFile, mixlistFile;
};

// Throws Failure.
Options readOptions(const Flags& flags);

}  // namespace omma::atc
