// How the simulated HCCL says no: a Failure inside becomes the HcclResult that the C function returns, and a text for aclGetRecentErrMsg with the
// ids of CANN's error manager (EI0001 to EI0006).
#pragma once

#include <string>

#include "common/failure.h"
#include "hccl/hccl.h"

namespace hccl {

inline constexpr const char* kEnvironment = "EI0001";
inline constexpr const char* kNotify = "EI0002";
inline constexpr const char* kArgument = "EI0003";
inline constexpr const char* kRankTable = "EI0004";
inline constexpr const char* kInconsistent = "EI0005";
inline constexpr const char* kSocket = "EI0006";

using Failure = sim::CodedFailure<Result>;

// "In [HcclAllReduce], value [7] for parameter [dataType] is invalid. Reason: ..." as the real library words it.
[[noreturn]] void refuse(Result code, const std::string& call, const std::string& parameter, const std::string& value, const std::string& reason);

void requirePointer(const void* pointer, const char* call, const char* parameter);

// Runs the body of an exported function: 0, or the code of the Failure it throws, whose text aclGetRecentErrMsg gives then.
HcclResult guard(void (*body)(void*), void* closure) noexcept;

template <typename Body>
HcclResult guarded(Body body) noexcept {
  return sim::guardedBy(&guard, body);
}

}  // namespace hccl
