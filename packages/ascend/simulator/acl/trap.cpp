#include "trap.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>

namespace sim {

namespace {

constexpr int kWatched = 64;

struct Watched {
  std::atomic<uintptr_t> start{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<int32_t> device{0};
};

Watched watched[kWatched];
struct sigaction before;

// Runs on the faulting thread; only async-signal-safe calls. Then the handler from before (Node's own, the default one) sees the same fault.
void onFault(int signal, siginfo_t* info, void* /*context*/) {
  const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const Watched& each : watched) {
    if (at < each.start || at >= each.end) continue;
    char text[256];
    const int length = std::snprintf(text, sizeof text,
                                     "ascend simulator: the host touched memory of device %d at 0x%zx: expected aclrtMemcpy, a device address is none of the host's\n",
                                     static_cast<int>(each.device), static_cast<size_t>(at));
    const ssize_t written = write(STDERR_FILENO, text, static_cast<size_t>(length));
    static_cast<void>(written);
  }
  sigaction(signal, &before, nullptr);
}

void install() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action;
    std::memset(&action, 0, sizeof action);
    action.sa_sigaction = onFault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &before);
  });
}

}  // namespace

void trapHostAccess(const void* start, size_t bytes, int32_t device) {
  install();
  for (Watched& each : watched) {
    uintptr_t unused = 0;
    if (!each.start.compare_exchange_strong(unused, reinterpret_cast<uintptr_t>(start))) continue;
    each.device = device;
    each.end = reinterpret_cast<uintptr_t>(start) + bytes;
    return;
  }
}

void releaseTrap(const void* start) {
  for (Watched& each : watched) {
    if (each.start != reinterpret_cast<uintptr_t>(start)) continue;
    each.end = 0;
    each.start = 0;
    return;
  }
}

}  // namespace sim
