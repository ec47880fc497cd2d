// How ranks find each other: one of them listens, all tell it where they listen themselves, it tells all where everybody is, and each pair
// connects.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "environment.h"
#include "exchange.h"
#include "hccl/hccl.h"
#include "rankTable.h"

namespace hccl {

struct Member {
  uint32_t rank;
  uint32_t size;
  int32_t device;  // physical id
};

// Starts listening for the ranks of a new communicator, in a thread of its own that ends when they are connected or the time is over.
HcclRootInfo newRoot(const Environment& environment);

// Connections to all other ranks, by rank; the own one is closed. Throws Failure: kTimeout, kTcpConnect, kPara when the ranks do not fit together.
std::vector<Link> connectAll(const HcclRootInfo& root, const Member& member, const Environment& environment);

// The same without a root info: rank 0 of the table listens at HCCL_IF_BASE_PORT plus its device id.
std::vector<Link> connectByTable(const std::vector<RankEntry>& table, const Member& member, const Environment& environment);

}  // namespace hccl
