// How the simulated HCCL says no: a Failure inside becomes the HcclResult that the C function returns, and a text for aclGetRecentErrMsg with the
// ids of CANN's error manager (EI0001 to EI0006).
#pragma once

#include <exception>
#include <string>

#include "hccl/hccl.h"

namespace hccl {

inline constexpr const char* kEnvironment = "EI0001";
inline constexpr const char* kNotify = "EI0002";
inline constexpr const char* kArgument = "EI0003";
inline constexpr const char* kRankTable = "EI0004";
inline constexpr const char* kInconsistent = "EI0005";
inline constexpr const char* kSocket = "EI0006";

class Failure : public std::exception {
 public:
  Failure(Result code, const char* id, std::string text) : code_(code), id_(id), text_(std::move(text)) {}
  Result code() const { return code_; }
  const char* id() const { return id_; }
  const std::string& text() const { return text_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  Result code_;
  const char* id_;
  std::string text_;
};

// "In [HcclAllReduce], value [7] for parameter [dataType] is invalid. Reason: ..." as the real library words it.
[[noreturn]] void refuse(Result code, const std::string& call, const std::string& parameter, const std::string& value, const std::string& reason);

void requirePointer(const void* pointer, const char* call, const char* parameter);

// Runs the body of an exported function: 0, or the code of the Failure it throws, whose text aclGetRecentErrMsg gives then.
HcclResult guard(void (*body)(void*), void* closure) noexcept;

template <typename Body>
HcclResult guarded(Body body) noexcept {
  return guard([](void* closure) { (*static_cast<Body*>(closure))(); }, &body);
}

}  // namespace hccl
