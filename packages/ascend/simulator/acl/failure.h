// How the simulator says no: a Failure inside becomes the aclError that the C function returns and the text that aclGetRecentErrMsg returns.
//
// Texts are in the style of CANN's error manager ("EE1001: [PID: 7] 2026-11-22-21:54:20.123.456 The argument is invalid.Reason: ..."): an id of
// the layer that complains, so that whoever parses real texts parses these.
#pragma once

#include <new>
#include <string>

#include "acl/types.h"
#include "common/failure.h"

namespace sim {

// Ids of the error manager.
inline constexpr const char* kRuntimeArgument = "EE1001";  // the runtime: streams, events, memory, contexts
inline constexpr const char* kRuntimeTimeout = "EE1002";
inline constexpr const char* kAclArgument = "EH0001";
inline constexpr const char* kAclNull = "EH0002";
inline constexpr const char* kAclFile = "EH0004";
inline constexpr const char* kUnsupported = "EH0006";
inline constexpr const char* kDriverMemory = "EL0004";
inline constexpr const char* kDriverEvents = "EL0008";
inline constexpr const char* kDriverStreams = "EL0009";
inline constexpr const char* kModelInput = "E13025";
inline constexpr const char* kInner = "EZ9999";

using Failure = CodedFailure<aclError>;

// Throws `code` unless `condition` holds.
inline void require(bool condition, aclError code, const char* id, const std::string& text) {
  if (!condition) throw Failure(code, id, text);
}

// 100000 for a null pointer, as every function of the ACL layer has it.
inline void requirePointer(const void* pointer, const char* name) {
  if (pointer == nullptr) throw Failure(acl::kInvalidParam, kAclNull, std::string("Argument [") + name + "] must not be null.");
}

// Sets this thread's text.
void recordMessage(const char* id, const std::string& text);

// This thread's text, and clears it; nullptr when there is none. Valid until this thread's next call.
const char* takeMessage();

// Runs the body of an exported function: 0, or the code of the Failure it throws. Checks first that this process is the one that called aclInit.
aclError guard(void (*body)(void*), void* closure) noexcept;

template <typename Body>
aclError guarded(Body body) noexcept {
  return guardedBy(&guard, body);
}

// The same for functions that return something else; `otherwise` on failure.
template <typename T, typename Body>
T guardedValue(T otherwise, Body body) noexcept {
  T result = otherwise;
  guarded([&] { result = body(); });
  return result;
}

}  // namespace sim
