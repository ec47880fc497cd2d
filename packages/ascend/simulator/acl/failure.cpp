#include "failure.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>

#include "common/settings.h"

namespace sim {

namespace {

struct Message {
  bool pending = false;
  std::string text;
  std::string returned;
};

thread_local Message message;

// "2026-11-22-21:54:20.123.456"
std::string now() {
  const auto time = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count() % 1'000'000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char day[32], out[64];
  std::strftime(day, sizeof day, "%Y-%m-%d-%H:%M:%S", &parts);
  std::snprintf(out, sizeof out, "%s.%03d.%03d", day, static_cast<int>(micros / 1000), static_cast<int>(micros % 1000));
  return out;
}

const char* opening(const std::string& id) {
  if (id == kRuntimeArgument) return "The argument is invalid.Reason: ";
  if (id == kRuntimeTimeout) return "Stream synchronize timeout. ";
  if (id == kDriverMemory) return "Failed to allocate memory. ";
  if (id == kDriverEvents) return "The event resources are insufficient. ";
  if (id == kDriverStreams) return "The stream resources are insufficient. ";
  if (id == kInner) return "Inner Error! ";
  return "";
}

}  // namespace

void recordMessage(const char* id, const std::string& text) {
  message.text = std::string(id) + ": [PID: " + std::to_string(getpid()) + "] " + now() + " " + opening(id) + text;
  message.pending = true;
}

const char* takeMessage() {
  if (!message.pending) return nullptr;
  message.pending = false;
  message.returned.swap(message.text);
  return message.returned.c_str();
}

aclError guard(void (*body)(void*), void* closure) noexcept {
  static const pid_t owner = getpid();
  try {
    require(getpid() == owner, acl::kInternalError, kInner,
            "this process was forked from the one that loaded the runtime: the devices belong to that one, start a new process instead (spawn)");
    body(closure);
    return acl::kSuccess;
  } catch (const Failure& failure) {
    recordMessage(failure.id(), failure.text());
    return failure.code();
  } catch (const SettingsError& error) {
    recordMessage(kInner, error.what());
    return acl::kInternalError;
  } catch (const std::bad_alloc&) {
    recordMessage(kDriverMemory, "the host has no memory left");
    return acl::kBadAlloc;
  } catch (const std::exception& error) {
    recordMessage(kInner, error.what());
    return acl::kInternalError;
  }
}

}  // namespace sim
