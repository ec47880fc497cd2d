#include "aippConfig.h"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "failure.h"

namespace omma::atc {

namespace {

// The words of the file: names, values, braces and colons. Comments run from # to the end of the line.
std::vector<std::string> words(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  for (std::string line; std::getline(file, line);) {
    for (char c : line.substr(0, line.find('#'))) {
      if (c == '{' || c == '}' || c == ':') text += std::string(" ") + c + " ";
      else if (c != '"' && c != ',' && c != ';') text += c;
    }
    text += ' ';
  }
  std::istringstream stream(text);
  std::vector<std::string> out;
  for (std::string word; stream >> word;) out.push_back(word);
  return out;
}

bool flag(const std::string& key, const std::string& value) {
  if (value != "true" && value != "false") throw invalidAipp(key + " must be true or false but is " + value);
  return value == "true";
}

float number(const std::string& key, const std::string& value, float low, float high) {
  char* end = nullptr;
  const float out = std::strtof(value.c_str(), &end);
  if (end == value.c_str() || *end != '\0' || !(out >= low && out <= high)) {
    throw invalidAipp(key + " must be in the range [" + std::to_string(low) + ", " + std::to_string(high) + "] but is " + value);
  }
  return out;
}

int64_t integer(const std::string& key, const std::string& value, int64_t low, int64_t high) {
  int64_t out = 0;
  if (!parseInteger(value, out) || out < low || out > high) {
    throw invalidAipp(key + " must be an integer in the range [" + std::to_string(low) + ", " + std::to_string(high) + "] but is " + value);
  }
  return out;
}

PictureFormat pictureFormat(const std::string& value) {
  if (value == "RGB888_U8") return PictureFormat::Rgb888;
  if (value == "XRGB8888_U8") return PictureFormat::Xrgb8888;
  if (value == "YUV400_U8") return PictureFormat::Yuv400;
  throw invalidAipp("input_format " + value + " is not in this simulator, which takes RGB888_U8, XRGB8888_U8 and YUV400_U8");
}

constexpr float kHalf = 65504;

class Reader {
 public:
  // One key; false if it is not known.
  bool set(AippConfig& config, const std::string& key, const std::string& value) {
    static const std::map<std::string, std::function<void(AippConfig&, const std::string&, const std::string&)>> setters = {
        {"related_input_rank", [](auto& c, auto& k, auto& v) { c.input = integer(k, v, 0, INT32_MAX); }},
        {"input_format", [](auto& c, auto&, auto& v) { c.format = pictureFormat(v); }},
        {"src_image_size_w", [](auto& c, auto& k, auto& v) { c.sourceWidth = integer(k, v, 0, 4096); }},
        {"src_image_size_h", [](auto& c, auto& k, auto& v) { c.sourceHeight = integer(k, v, 0, 4096); }},
        {"crop", [](auto& c, auto& k, auto& v) { c.crop = flag(k, v); }},
        {"load_start_pos_w", [](auto& c, auto& k, auto& v) { c.cropLeft = integer(k, v, 0, 4095); }},
        {"load_start_pos_h", [](auto& c, auto& k, auto& v) { c.cropTop = integer(k, v, 0, 4095); }},
        {"crop_size_w", [](auto& c, auto& k, auto& v) { c.cropWidth = integer(k, v, 0, 4096); }},
        {"crop_size_h", [](auto& c, auto& k, auto& v) { c.cropHeight = integer(k, v, 0, 4096); }},
        {"csc_switch", [](auto& c, auto& k, auto& v) { c.csc = flag(k, v); }},
        {"rbuv_swap_switch", [](auto& c, auto& k, auto& v) { c.swapRedBlue = flag(k, v); }},
        {"ax_swap_switch", [](auto& c, auto& k, auto& v) { c.swapAlpha = flag(k, v); }},
        {"padding", [](auto& c, auto& k, auto& v) { c.pad = flag(k, v); }},
        {"left_padding_size", [](auto& c, auto& k, auto& v) { c.left = integer(k, v, 0, 32); }},
        {"right_padding_size", [](auto& c, auto& k, auto& v) { c.right = integer(k, v, 0, 32); }},
        {"top_padding_size", [](auto& c, auto& k, auto& v) { c.top = integer(k, v, 0, 32); }},
        {"bottom_padding_size", [](auto& c, auto& k, auto& v) { c.bottom = integer(k, v, 0, 32); }},
        {"padding_value", [](auto& c, auto& k, auto& v) { c.padValue = number(k, v, -kHalf, kHalf); }},
    };
    const auto setter = setters.find(key);
    if (setter != setters.end()) {
      setter->second(config, key, value);
      return true;
    }
    return setReserved(key, value) || setChannel(config, key, value);
  }

 private:
  // Keys whose feature does not exist on the chip yet: only "off" is taken.
  static bool setReserved(const std::string& key, const std::string& value) {
    static const std::map<std::string, std::string> off = {{"aipp_mode", "static"},      {"resize", "false"},          {"resize_output_w", "0"},
                                                           {"resize_output_h", "0"},     {"rotation_angle", "0"},      {"single_line_mode", "false"},
                                                           {"support_rotation", "false"}, {"max_src_image_size", "0"}, {"cpadding_value", "0.0"}};
    const auto found = off.find(key);
    if (found == off.end()) return false;
    if (value != found->second) throw invalidAipp(key + " " + value + " is not supported; it must be " + found->second);
    return true;
  }

  // Keys with numbers in them: mean_chn_0, matrix_r0c0.
  static bool setChannel(AippConfig& config, const std::string& key, const std::string& value) {
    const auto last = static_cast<size_t>(key.back() - '0');
    const std::string stem = key.substr(0, key.size() - 1);
    if (key.rfind("matrix_r", 0) == 0 && key.size() == 11 && last < 3) {
      config.matrix.at(static_cast<size_t>(key[8] - '0'))[last] = static_cast<float>(integer(key, value, -32677, 32676));
    } else if (stem == "input_bias_" && last < 3) {
      config.inputBias[last] = static_cast<float>(integer(key, value, 0, 255));
    } else if (stem == "output_bias_" && last < 3) {
      config.outputBias[last] = static_cast<float>(integer(key, value, 0, 255));
    } else if (stem == "mean_chn_" && last < 4) {
      config.mean[last] = static_cast<float>(integer(key, value, 0, 255));
    } else if (stem == "min_chn_" && last < 4) {
      config.min[last] = number(key, value, 0, 255);
    } else if (stem == "var_reci_chn_" && last < 4) {
      config.reciprocal[last] = number(key, value, -kHalf, kHalf);
    } else {
      return false;
    }
    return true;
  }
};

}  // namespace

int64_t channels(PictureFormat format) {
  switch (format) {
    case PictureFormat::Rgb888: return 3;
    case PictureFormat::Xrgb8888: return 4;
    case PictureFormat::Yuv400: return 1;
  }
  throw innerError("A picture format without channels.");
}

std::vector<AippConfig> readAippConfigs(const std::string& path) {
  const Failure unreadable("E13018", "Failed to parse file " + path + " through google::protobuf::TextFormat::Parse.");
  const auto tokens = words(path);
  std::vector<AippConfig> configs;
  Reader reader;
  for (size_t i = 0; i < tokens.size();) {
    if (tokens[i] != "aipp_op" || i + 1 >= tokens.size() || tokens[i + 1] != "{") throw unreadable;
    AippConfig config;
    bool hasMode = false, hasFormat = false;
    for (i += 2; i < tokens.size() && tokens[i] != "}"; i += 3) {
      if (i + 2 >= tokens.size() || tokens[i + 1] != ":" || !reader.set(config, tokens[i], tokens[i + 2])) throw unreadable;
      hasMode = hasMode || tokens[i] == "aipp_mode";
      hasFormat = hasFormat || tokens[i] == "input_format";
    }
    if (i >= tokens.size()) throw unreadable;
    i++;
    if (!hasMode) throw invalidAipp("aipp_mode must be configured");
    if (!hasFormat) throw invalidAipp("Input format of AIPP conf is undefined");
    configs.push_back(config);
  }
  if (configs.empty()) throw unreadable;
  return configs;
}

}  // namespace omma::atc
