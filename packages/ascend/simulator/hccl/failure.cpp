#include "failure.h"

#include <new>

#include "common/settings.h"
#include "sim/stream.h"

namespace hccl {

void refuse(Result code, const std::string& call, const std::string& parameter, const std::string& value, const std::string& reason) {
  throw Failure(code, kArgument,
                "In [" + call + "], value [" + value + "] for parameter [" + parameter +
                    "] is invalid. Reason: The collective communication operator has an invalid argument. Reason[" + reason + "]");
}

void requirePointer(const void* pointer, const char* call, const char* parameter) {
  if (pointer == nullptr) refuse(kPtr, call, parameter, "nullptr", "it must not be null");
}

HcclResult guard(void (*body)(void*), void* closure) noexcept {
  try {
    body(closure);
    return kSuccess;
  } catch (const Failure& failure) {
    sim::setRecentError(failure.id(), failure.text());
    return failure.code();
  } catch (const sim::SettingsError& error) {
    sim::setRecentError(kEnvironment, error.what());
    return kPara;
  } catch (const std::bad_alloc&) {
    sim::setRecentError("EI0007", "Failed to allocate resource[host memory].");
    return kMemory;
  } catch (const std::exception& error) {
    sim::setRecentError("EI9999", error.what());
    return kInternal;
  }
}

}  // namespace hccl
