#include "environment.h"

#include <cerrno>
#include <cstdlib>

#include "failure.h"

namespace hccl {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int64_t number(const char* name, int64_t otherwise, int64_t lowest, int64_t highest) {
  const std::string text = variable(name);
  if (text.empty()) return otherwise;
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (*end == '\0' && errno == 0 && value >= lowest && value <= highest) return value;
  throw Failure(kPara, kEnvironment,
                std::string("Environment variable [") + name + "] is invalid. Reason: it must be a whole number from " + std::to_string(lowest) + " to " +
                    std::to_string(highest) + " but is \"" + text + "\".");
}

}  // namespace

Environment environment() {
  constexpr int64_t kAdded = 20'000;
  Environment out;
  const int64_t connect = number("HCCL_CONNECT_TIMEOUT", 120, 120, 7200) * 1000 + kAdded;
  // Tests cannot wait for two minutes, which is the least that the real library takes.
  out.connectTimeout = std::chrono::milliseconds(number("OMMA_ASCEND_SIM_HCCL_CONNECT_MS", connect, 1, 7'200'000));
  // 0 is for ever.
  out.execTimeout = std::chrono::seconds(number("HCCL_EXEC_TIMEOUT", 1836, 0, 2'147'483'647));
  out.address = variable("HCCL_IF_IP");
  if (out.address.empty()) out.address = "127.0.0.1";
  out.basePort = static_cast<uint16_t>(number("HCCL_IF_BASE_PORT", 60000, 1024, 65520));
  const std::string loss = variable("OMMA_ASCEND_SIM_HCCL_LOSS");
  if (!loss.empty() && loss != "silent" && loss != "detected") {
    throw Failure(kPara, kEnvironment, "Environment variable [OMMA_ASCEND_SIM_HCCL_LOSS] is invalid. Reason: it must be silent or detected but is \"" + loss + "\".");
  }
  out.silentLoss = loss == "silent";
  return out;
}

}  // namespace hccl
