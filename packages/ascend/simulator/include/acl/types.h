// Types, constants and error codes of AscendCL as the simulator exports them (CANN 8.1.RC1 and the trunk of 2026 agree on all of these).
//
// An ABI, not a copy of a header: the numbers and layouts are the facts of the reference report (section 1.2, 1.13); acl/abi.cpp asserts sizes
// and offsets. Enums that cross the ABI are plain int32_t here, because a caller may pass any number and the simulator has to refuse it.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

using aclError = int32_t;
using aclrtStream = void*;
using aclrtEvent = void*;
using aclrtContext = void*;
using aclFloat16 = uint16_t;
using aclDataType = int32_t;
using aclFormat = int32_t;

// Opaque to the caller and to the simulator alike: only their addresses exist (registry.h).
struct aclDataBuffer;
struct aclTensorDesc;
struct aclmdlDataset;
struct aclmdlDesc;
struct aclmdlConfigHandle;
struct aclmdlExecConfigHandle;
struct aclrtMallocConfig;

constexpr size_t ACL_MAX_DIM_CNT = 128;
constexpr size_t ACL_MAX_TENSOR_NAME_LEN = 128;
constexpr size_t ACL_MAX_BATCH_NUM = 128;
constexpr size_t ACL_MAX_HW_NUM = 128;
constexpr size_t ACL_MAX_SHAPE_COUNT = 128;

struct aclmdlIODims {
  char name[ACL_MAX_TENSOR_NAME_LEN];
  size_t dimCount;
  int64_t dims[ACL_MAX_DIM_CNT];
};

struct aclmdlBatch {
  size_t batchCount;
  uint64_t batch[ACL_MAX_BATCH_NUM];
};

struct aclmdlHW {
  size_t hwCount;
  uint64_t hw[ACL_MAX_HW_NUM][2];
};

struct aclmdlIODimsRange {
  size_t rangeCount;
  int64_t range[ACL_MAX_SHAPE_COUNT][2];
};

struct aclCANNPackageVersion {
  char version[128];
  char majorVersion[64];
  char minorVersion[64];
  char releaseVersion[64];
  char patchVersion[64];
  char reserved[128];
};

struct aclrtUtilizationInfo {
  int32_t cubeUtilization;
  int32_t vectorUtilization;
  int32_t aicpuUtilization;
  int32_t memoryUtilization;
  void* utilizationExtend;
};

}  // extern "C"

namespace acl {

// aclError. First digit: 1 the caller's mistake, 2 a resource, 5 inside.
enum Code : aclError {
  kSuccess = 0,
  kInvalidParam = 100000,
  kUninitialize = 100001,
  kRepeatInitialize = 100002,
  kInvalidFile = 100003,
  kModelNotDynamic = 100019,
  kRepeatFinalize = 100037,
  kRtParamInvalid = 107000,
  kRtInvalidDeviceId = 107001,
  kRtContextNull = 107002,
  kRtStreamContext = 107003,
  kRtModelContext = 107004,
  kRtEventTimestampInvalid = 107006,
  kRtAddrUnaligned = 107008,
  kRtInvalidHandle = 107017,
  kRtTaskTimeout = 107020,
  kRtStreamAbort = 107023,
  kGeParamInvalid = 145000,
  kGeModelPathInvalid = 145002,
  kGeModelIdInvalid = 145003,
  kGeModelDataSizeInvalid = 145006,
  kGeDynamicInputLengthInvalid = 145012,
  kGeDynamicBatchSizeInvalid = 145013,
  kBadAlloc = 200000,
  kApiNotSupport = 200001,
  kRtFeatureNotSupport = 207000,
  kRtMemoryAllocation = 207001,
  kRtMemoryFree = 207002,
  kRtNoEventResource = 207007,
  kRtNoStreamResource = 207008,
  kInternalError = 500000,
  kRtModelExecute = 507011,
  kRtAicoreTimeout = 507014,
  kRtAicoreException = 507015,
  kRtStreamSyncTimeout = 507046,
  kRtEventSyncTimeout = 507047,
  kGeLoadModel = 545001,
};

enum MemcpyKind : int32_t { kHostToHost, kHostToDevice, kDeviceToHost, kDeviceToDevice, kDefault, kHostToBufToDevice, kInnerDevice, kInterDevice };

enum DataType : aclDataType {
  kUndefined = -1, kFloat = 0, kFloat16 = 1, kInt8 = 2, kInt32 = 3, kUInt8 = 4, kInt16 = 6, kUInt16 = 7, kUInt32 = 8, kInt64 = 9, kUInt64 = 10,
  kDouble = 11, kBool = 12, kString = 13, kComplex64 = 16, kComplex128 = 17, kBFloat16 = 27, kInt4 = 29, kUInt1 = 30, kComplex32 = 33,
};

constexpr int32_t kStreamComplete = 0, kStreamNotReady = 1;
constexpr int32_t kEventComplete = 0, kEventNotReady = 1;
constexpr int32_t kEventRecordedNotReady = 0, kEventRecordedComplete = 1;  // the other way round than kEvent...
constexpr int32_t kWaitComplete = 0, kWaitNotReady = 1;
constexpr int32_t kRunModeHost = 1;
constexpr int32_t kSaturation = 0, kInfNan = 1;
constexpr uint32_t kEventSync = 1, kEventCaptureStreamProgress = 2, kEventTimeLine = 8, kEventExternal = 0x20;
constexpr uint32_t kStreamFastLaunch = 1, kStreamFastSync = 2;
constexpr uint64_t kContinueOnFailure = 0, kStopOnFailure = 1;

}  // namespace acl
