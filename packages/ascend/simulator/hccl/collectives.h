// The collectives as tasks: each is one or two exchanges between all ranks. Sums are formed in rank order, so that every run gives the same bits, and
// each part of the result by one rank, so that all ranks get the same bits.
#pragma once

#include "communicator.h"

namespace hccl {

enum Call : uint32_t { kAllReduceCall, kBroadcastCall, kAllGatherCall, kReduceScatterCall, kReduceCall, kScatterCall, kSendCall, kRecvCall, kAlltoAllCall, kBarrierCall };

// A checked call. Addresses are the simulator's own, of device memory; `count` is as the C function of that name counts.
struct Operation {
  Call call;
  void* send;
  void* receive;
  uint64_t count;
  HcclDataType type;
  HcclReduceOp op;
  uint32_t root;  // or the other rank
};

void carryOut(Communicator& communicator, const Operation& operation);

}  // namespace hccl
