// AIPP, the image preprocessing in front of an input (--insert_op_conf, ascend.md 3.6): the input becomes bytes of a picture, NHWC.
#pragma once

#include "om/format.h"
#include "model.h"
#include "options.h"

namespace omma::atc {

// Puts the preprocessing that options.aippFile describes into `onnx` and changes the inputs of `model` accordingly. Throws Failure E10052.
void applyAipp(onnx::ModelProto& onnx, om::Model& model, const Options& options);

}  // namespace omma::atc
