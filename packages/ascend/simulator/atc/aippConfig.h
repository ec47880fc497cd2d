// The config file of AIPP: `aipp_op { key: value ... }`, one for each input that gets preprocessing. Fields, defaults and ranges are those of the
// documented template (AIPP/config_file_template.md of the graph engine's manual).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "text.h"

namespace omma::atc {

enum class PictureFormat { Rgb888, Xrgb8888, Yuv400 };

struct AippConfig {
  int64_t input = 0;  // related_input_rank
  PictureFormat format = PictureFormat::Rgb888;
  int64_t sourceWidth = 0, sourceHeight = 0;  // 0: as the model's input
  bool crop = false;
  int64_t cropLeft = 0, cropTop = 0, cropWidth = 0, cropHeight = 0;
  bool csc = false, swapRedBlue = false, swapAlpha = false;
  std::array<std::array<float, 3>, 3> matrix = {{{298, 516, 0}, {298, -100, -208}, {298, 0, 409}}};
  std::array<float, 3> inputBias = {16, 128, 128}, outputBias = {16, 128, 128};
  std::array<float, 4> mean = {0, 0, 0, 0}, min = {0, 0, 0, 0}, reciprocal = {1, 1, 1, 1};
  bool pad = false;
  int64_t left = 0, right = 0, top = 0, bottom = 0;
  float padValue = 0;
};

// Channels of the picture in memory.
int64_t channels(PictureFormat format);

// Throws Failure E13018, E10052.
std::vector<AippConfig> readAippConfigs(const std::string& path);

}  // namespace omma::atc
