// Init, finalize, versions, errors (reference report 1.3).
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "acl/acl.h"
#include "acl/runtime.h"
#include "acl/text.h"

namespace sim {

namespace {

// ACL 1.13.0, the interface of CANN 8.1.RC1.
constexpr int32_t kMajor = 1, kMinor = 13, kPatch = 0;
constexpr int32_t kPackages = 8;

// "{}" when there is none. Throws Failure 100003.
std::string readConfig(const char* path) {
  if (path == nullptr) return "{}";
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  require(in.is_open() && nlohmann::json::accept(text), acl::kInvalidFile, kAclFile,
          std::string("File [") + path + "] is invalid. Reason: it cannot be read, or is not JSON.");
  return text;
}

void initialize(const char* path) {
  Runtime& state = runtime();
  const Settings& chosen = settings();
  const std::lock_guard<std::mutex> lock(state.mutex);
  require(!state.initialized, acl::kRepeatInitialize, kAclArgument, "aclInit was called already in this process");
  const std::string config = readConfig(path);
  require(!state.finalized || config == state.config, acl::kInvalidParam, kAclArgument, "aclInit after aclFinalize with another configuration");
  state.config = config;
  if (state.devices.empty()) {
    for (size_t i = 0; i < chosen.devices.size(); i++) {
      state.devices.push_back(std::make_unique<Device>(static_cast<int32_t>(i), chosen.chip.memoryBytes));
      state.devices.back()->overflowMode = chosen.chip.infNan ? acl::kInfNan : acl::kSaturation;
    }
  }
  state.initialized = true;
  state.finalized = false;
}

void finalize() {
  Runtime& state = runtime();
  {
    const std::lock_guard<std::mutex> lock(state.mutex);
    require(state.initialized, state.finalized ? acl::kRepeatFinalize : acl::kUninitialize, kAclArgument,
            state.finalized ? "aclFinalize was called already" : "aclInit was not called yet");
    state.initialized = false;
    state.finalized = true;
  }
  const std::string stats = statsJson();
  for (const auto& device : state.devices) tearDown(*device);
  state.pinned.releaseAll();
  writeStats(stats);
}

template <size_t N>
void copyText(char (&to)[N], const std::string& from) {
  std::strncpy(to, from.c_str(), N - 1);
  to[N - 1] = '\0';
}

}  // namespace

}  // namespace sim

using namespace sim;

aclError aclInit(const char* configPath) {
  return guarded([&] { initialize(configPath); });
}

aclError aclFinalize() {
  return guarded([] { finalize(); });
}

aclError aclrtGetVersion(int32_t* majorVersion, int32_t* minorVersion, int32_t* patchVersion) {
  return guarded([&] {
    requirePointer(majorVersion, "majorVersion");
    requirePointer(minorVersion, "minorVersion");
    requirePointer(patchVersion, "patchVersion");
    *majorVersion = kMajor;
    *minorVersion = kMinor;
    *patchVersion = kPatch;
  });
}

const char* aclrtGetSocName() {
  return guardedValue<const char*>(nullptr, [] {
    requireInitialized();
    return settings().chip.socName;
  });
}

const char* aclGetRecentErrMsg() { return takeMessage(); }

aclError aclsysGetCANNVersion(int32_t name, aclCANNPackageVersion* version) {
  return guarded([&] {
    requirePointer(version, "version");
    require(name >= 0 && name < kPackages, acl::kInvalidParam, kAclArgument, "package " + number(name) + " does not exist");
    std::memset(version, 0, sizeof *version);
    std::istringstream parts(settings().cann);
    std::string major, minor, release;
    std::getline(parts, major, '.');
    std::getline(parts, minor, '.');
    std::getline(parts, release);
    copyText(version->version, settings().cann);
    copyText(version->majorVersion, major);
    copyText(version->minorVersion, minor);
    copyText(release.rfind("RC", 0) == 0 ? version->releaseVersion : version->patchVersion, release);
  });
}

size_t simGetStats(char* json, size_t size) {
  return guardedValue<size_t>(0, [&] {
    const std::string text = statsJson();
    if (json != nullptr && size > 0) {
      const size_t copied = std::min(size - 1, text.size());
      std::memcpy(json, text.data(), copied);
      json[copied] = '\0';
    }
    return text.size();
  });
}
