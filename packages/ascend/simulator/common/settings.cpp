#include "settings.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sstream>

namespace sim {

namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

// Reference report 3.4 (memory, cores), 1.6 and 1.7 (streams, events), 1.4 (overflow). The 32 GiB of the 910A are commonly stated, not verified.
constexpr Chip kChips[] = {
    {"Ascend910B3", "Ascend910B", 64 * kGiB, true, 1984, 65536, 20, 40, true},
    {"Ascend910A", "Ascend910", 32 * kGiB, true, 2048, 65536, 32, 32, false},
    {"Ascend310P3", "Ascend310P", 24'000'000'000, false, 1024, 1023, 8, 7, false},
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const std::string& found) {
  throw SettingsError(name + ": expected " + expected + ", found \"" + found + "\": correct the variable or unset it");
}

int64_t number(const std::string& name, const std::string& expected, const std::string& text, int64_t lowest, int64_t highest) {
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || errno != 0 || value < lowest || value > highest) refuse(name, expected, text);
  return value;
}

int64_t numberOf(const std::string& name, const std::string& expected, int64_t otherwise, int64_t lowest, int64_t highest) {
  const std::string text = variable(name.c_str());
  return text.empty() ? otherwise : number(name, expected, text, lowest, highest);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

Chip chip() {
  const std::string name = "OMMA_ASCEND_SIM_SOC", text = variable(name.c_str());
  for (const Chip& each : kChips) {
    if (!text.empty() && text != each.socName) continue;
    Chip chosen = each;
    chosen.memoryBytes = static_cast<uint64_t>(
        numberOf("OMMA_ASCEND_SIM_MEMORY", "bytes of one device's memory", static_cast<int64_t>(each.memoryBytes), 1, int64_t{1} << 40));
    return chosen;
  }
  refuse(name, "Ascend910B3, Ascend910A or Ascend310P3", text);
}

// As the driver reads ASCEND_RT_VISIBLE_DEVICES: the list renumbers, and ends at the first number that is no device.
std::vector<int32_t> devices() {
  const int64_t count = numberOf("OMMA_ASCEND_SIM_DEVICES", "2 or 8 (or any number from 1 to 16)", 2, 1, 16);
  std::vector<int32_t> visible;
  const char* list = std::getenv("ASCEND_RT_VISIBLE_DEVICES");
  if (list == nullptr) {
    for (int32_t id = 0; id < count; id++) visible.push_back(id);
    return visible;
  }
  for (const std::string& part : split(list, ',')) {
    const bool digits = !part.empty() && part.size() < 4 && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) break;
    const int32_t id = std::stoi(part);
    if (id >= count || std::find(visible.begin(), visible.end(), id) != visible.end()) break;
    visible.push_back(id);
  }
  return visible;
}

Faults faults() {
  const std::string name = "OMMA_ASCEND_SIM_FAULT", expected = "oom:N, kernel:N, hang:N, killrank:RANK:N, atc-fail or atc-hang, separated by commas";
  Faults out;
  for (const std::string& fault : split(variable(name.c_str()), ',')) {
    const std::vector<std::string> parts = split(fault, ':');
    const std::string kind = parts.empty() ? "" : parts[0];
    const auto at = [&](size_t index, int64_t lowest) { return number(name, expected, parts[index], lowest, INT64_MAX); };
    if (kind == "oom" && parts.size() == 2) {
      out.outOfMemory = at(1, 1);
    } else if (kind == "kernel" && parts.size() == 2) {
      out.kernel = at(1, 1);
    } else if (kind == "hang" && parts.size() == 2) {
      out.hang = at(1, 1);
    } else if (kind == "killrank" && parts.size() == 3) {
      out.killRank = at(1, 0);
      out.killAt = at(2, 1);
    } else if (fault == "atc-fail") {
      out.atcFails = true;
    } else if (fault == "atc-hang") {
      out.atcHangs = true;
    } else {
      refuse(name, expected, fault);
    }
  }
  return out;
}

Settings read() {
  Settings out;
  out.chip = chip();
  out.devices = devices();
  const std::string cann = variable("OMMA_ASCEND_SIM_CANN");
  if (!cann.empty()) out.cann = cann;
  out.faults = faults();
  out.threads = static_cast<int>(numberOf("OMMA_ASCEND_SIM_THREADS", "a number of threads from 1 to 256", 2, 1, 256));
  out.delayMicroseconds = numberOf("OMMA_ASCEND_SIM_DELAY", "microseconds from 0 to 10000000", 0, 0, 10'000'000);
  out.paddedInputs = numberOf("OMMA_ASCEND_SIM_PADDED_INPUTS", "0 or 1", 0, 0, 1) == 1;
  out.statsFile = variable("OMMA_ASCEND_SIM_STATS");
  return out;
}

}  // namespace

const Settings& settings() {
  static const Settings* const once = new Settings(read());
  return *once;
}

}  // namespace sim
