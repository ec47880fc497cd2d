// The simulator's settings: which chip, how many devices, which faults. From environment variables (docs/ascend/simulator.md), read once in
// a process and refused with one line where they make no sense: a misspelt fault that never happens would let a test pass.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace sim {

struct Chip {
  const char* socName;      // what aclrtGetSocName says and atc --soc_version takes
  const char* family;       // an offline model runs on the chips of one family
  uint64_t memoryBytes;     // of one device
  bool highBandwidth;       // HBM, otherwise DDR
  uint32_t streams;         // limits of one device
  uint32_t events;
  int32_t aiCores;
  int32_t vectorCores;
  bool infNan;              // can keep infinity and NaN in 16-bit results; otherwise they saturate
};

struct Faults {
  int64_t outOfMemory = 0;  // the N-th device allocation of the process fails; 0: none
  int64_t kernel = 0;       // the N-th execution fails when it is synchronised
  int64_t hang = 0;         // the N-th execution never ends
  int64_t killRank = -1;    // the rank that dies ...
  int64_t killAt = 0;       // ... at its N-th collective operation
  bool atcFails = false;
  bool atcHangs = false;
};

struct Settings {
  Chip chip;
  std::vector<int32_t> devices;  // the physical devices that are visible, in their logical order
  std::string cann = "8.1.RC1";  // the release that atc and the runtime say they are
  Faults faults;
  int threads = 2;               // of ONNX Runtime, for each model
  int64_t delayMicroseconds = 0; // before each task of a stream: shows a missing synchronisation
  bool paddedInputs = false;     // aclmdlGetInputSizeByIndex says more than the dense bytes
  std::string statsFile;         // empty: none is written
};

class SettingsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws SettingsError: "NAME: expected ..., found ...".
const Settings& settings();

}  // namespace sim
