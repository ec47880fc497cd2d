// HCCL's ABI as the simulator exports it (reference report 2.2, 2.3; CANN 8.1.RC1). Facts, not a copy of a header; hccl/api.cpp asserts the sizes.
// Enums are int32_t here, because a caller may pass any number and the simulator has to refuse it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "acl/types.h"

extern "C" {

using HcclResult = int32_t;
using HcclComm = void*;
using HcclDataType = int32_t;
using HcclReduceOp = int32_t;

constexpr uint32_t HCCL_ROOT_INFO_BYTES = 4108;

struct HcclRootInfo {
  char internal[HCCL_ROOT_INFO_BYTES];
};

// Grows with the release; the library reads the head and goes by `size` and `version`.
struct HcclCommConfigHead {
  size_t size;
  uint32_t magic;
  uint32_t version;
  uint64_t reserved;
};

struct HcclSendRecvItem {
  int32_t sendRecvType;
  void* buf;
  uint64_t count;
  HcclDataType dataType;
  uint32_t remoteRank;
};

union HcclConfigValue {
  int32_t value;
};

}  // extern "C"

namespace hccl {

enum Result : HcclResult {
  kSuccess = 0,
  kPara = 1,
  kPtr = 2,
  kMemory = 3,
  kInternal = 4,
  kNotSupport = 5,
  kNotFound = 6,
  kUnavail = 7,
  kSyscall = 8,
  kTimeout = 9,
  kOpenFile = 10,
  kTcpConnect = 11,
  kTcpTransfer = 13,
  kRuntime = 15,
  kRemote = 21,
};

enum DataType : HcclDataType {
  kInt8 = 0, kInt16 = 1, kInt32 = 2, kFp16 = 3, kFp32 = 4, kInt64 = 5, kUInt64 = 6, kUInt8 = 7, kUInt16 = 8, kUInt32 = 9, kFp64 = 10, kBfp16 = 11,
  kInt128 = 12,
};

enum ReduceOp : HcclReduceOp { kSum = 0, kProd = 1, kMax = 2, kMin = 3 };

constexpr int32_t kDeterministic = 0;
constexpr uint32_t kConfigMagic = 0xf0f0f0f0;

}  // namespace hccl
