// HCCL's environment variables, as far as the simulator follows them, and its own two.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hccl {

struct Environment {
  std::chrono::milliseconds connectTimeout;  // HCCL_CONNECT_TIMEOUT and the 20 s that the real library adds
  std::chrono::milliseconds execTimeout;     // HCCL_EXEC_TIMEOUT
  std::string address;                       // HCCL_IF_IP; the simulator's ranks are on one machine unless it is given
  uint16_t basePort;                         // HCCL_IF_BASE_PORT: where rank 0 of a rank table listens, plus its device id
  bool silentLoss;                           // OMMA_ASCEND_SIM_HCCL_LOSS=silent: a rank that dies shows only by the execution timeout
};

// Read anew for each communicator. Throws Failure EI0001.
Environment environment();

}  // namespace hccl
