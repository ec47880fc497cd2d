// One step of a collective: every rank sends something to every other and receives something from it, all at once, so that nobody waits for
// somebody who waits.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "socket.h"

namespace hccl {

// What each side says before its bytes: both must be at the same call of the same collective.
struct Header {
  uint32_t magic;
  uint32_t call;      // which function
  uint64_t sequence;  // which exchange between these two ranks
  uint32_t type;
  uint32_t argument;  // operation or root
  uint64_t bytes;     // that follow
};

struct Transfer {
  uint32_t rank;  // the other one
  const void* out;
  uint64_t outBytes;
  void* in;
  uint64_t inBytes;
};

struct Link {
  Socket socket;
  uint64_t sequence = 0;
};

struct ExchangeLimits {
  std::chrono::milliseconds timeout;  // 0: none
  bool silentLoss;
  std::function<bool()> aborted;
};

// Carries out all transfers. Throws Failure: kTimeout at the timeout, kRemote when a rank is gone, kPara when it calls something else.
void exchange(std::vector<Link>& links, const Header& header, const std::vector<Transfer>& transfers, const ExchangeLimits& limits);

// "HcclAllReduce"
std::string callName(uint32_t call);

}  // namespace hccl
