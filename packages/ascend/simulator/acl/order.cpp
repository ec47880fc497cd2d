#include "order.h"

#include <algorithm>
#include <mutex>
#include <set>

namespace sim {

namespace {

struct Host {
  std::mutex mutex;
  Clock clock;
  std::set<uint64_t> streams;
};

Host& host() {
  static Host* const once = new Host();
  return *once;
}

bool holds(const Clock& clock, const Moment& moment) {
  const auto found = clock.find(moment.stream);
  return found != clock.end() && found->second >= moment.task;
}

}  // namespace

void joinClock(Clock& into, const Clock& other) {
  for (const auto& [stream, task] : other) {
    uint64_t& known = into[stream];
    known = std::max(known, task);
  }
}

void hostSaw(const Clock& clock) {
  const std::lock_guard<std::mutex> lock(host().mutex);
  for (const auto& [stream, task] : clock) {
    if (host().streams.count(stream) == 0) continue;
    uint64_t& known = host().clock[stream];
    known = std::max(known, task);
  }
}

void joinHost(Clock& into) {
  const std::lock_guard<std::mutex> lock(host().mutex);
  joinClock(into, host().clock);
}

void forgetStream(uint64_t stream) {
  const std::lock_guard<std::mutex> lock(host().mutex);
  host().streams.erase(stream);
  host().clock.erase(stream);
}

void rememberStream(uint64_t stream) {
  const std::lock_guard<std::mutex> lock(host().mutex);
  host().streams.insert(stream);
}

bool isBefore(const Moment& moment, const Clock& clock) {
  if (moment.stream == 0 || holds(clock, moment)) return true;
  const std::lock_guard<std::mutex> lock(host().mutex);
  return host().streams.count(moment.stream) == 0;
}

bool isBeforeHost(const Moment& moment) {
  const std::lock_guard<std::mutex> lock(host().mutex);
  return moment.stream == 0 || holds(host().clock, moment) || host().streams.count(moment.stream) == 0;
}

}  // namespace sim
