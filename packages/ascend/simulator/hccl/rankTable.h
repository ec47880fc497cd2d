// The rank table of HcclCommInitClusterInfo (reference report 2.5): a JSON file in which every value is a string.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hccl {

struct RankEntry {
  uint32_t rank;
  int32_t device;        // physical id
  std::string server;    // server_id
};

// The ranks of the file at `path`, in order. Throws Failure: kOpenFile, or kPara with EI0004 and what is wrong with it.
std::vector<RankEntry> readRankTable(const std::string& path);

}  // namespace hccl
