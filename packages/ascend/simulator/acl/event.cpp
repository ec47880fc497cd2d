#include "event.h"

#include "failure.h"

namespace sim {

namespace {

std::atomic<uint32_t> waitSeconds{0};

constexpr auto kAbortPoll = std::chrono::milliseconds(10);

int32_t waitMilliseconds() {
  constexpr int32_t kMilliseconds = 1000;
  return waitSeconds == 0 ? -1 : static_cast<int32_t>(waitSeconds) * kMilliseconds;
}

}  // namespace

void setWaitTimeout(uint32_t seconds) { waitSeconds = seconds; }

void Ticket::pass() {
  const std::lock_guard<std::mutex> lock(mutex_);
  state_ = State::Passed;
  time_ = std::chrono::steady_clock::now();
  changed_.notify_all();
}

void Ticket::drop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  state_ = State::Dropped;
  changed_.notify_all();
}

bool Ticket::passed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_ == State::Passed;
}

bool Ticket::settled() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_ != State::Pending;
}

std::chrono::steady_clock::time_point Ticket::time() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return time_;
}

aclError Ticket::wait(int32_t milliseconds, aclError timeoutCode, bool (*aborted)()) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  std::unique_lock<std::mutex> lock(mutex_);
  while (state_ == State::Pending) {
    if (aborted()) return acl::kRtStreamAbort;
    if (milliseconds >= 0 && std::chrono::steady_clock::now() >= end) return timeoutCode;
    changed_.wait_for(lock, kAbortPoll);
  }
  return state_ == State::Passed ? acl::kSuccess : acl::kRtStreamAbort;
}

void Event::record(Stream& stream) {
  const auto ticket = std::make_shared<Ticket>(stream.clock());
  Task task;
  task.run = [ticket] {
    ticket->pass();
    return acl::kSuccess;
  };
  task.dropped = [ticket] { ticket->drop(); };
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    latest_ = ticket;
  }
  stream.enqueue(std::move(task));
}

void Event::reset(Stream& stream) {
  Task task;
  task.run = [] { return acl::kSuccess; };
  stream.enqueue(std::move(task));
  const std::lock_guard<std::mutex> lock(mutex_);
  latest_ = nullptr;
}

void Event::letWait(Stream& stream) {
  const std::shared_ptr<Ticket> ticket = latest();
  require(ticket != nullptr, acl::kRtParamInvalid, kRuntimeArgument,
          "the event was never recorded: whether a stream passes or waits for ever is not specified, record it first");
  stream.comesAfter(ticket->clock());
  ++*waiting_;
  Task task;
  task.run = [ticket, waiting = waiting_] {
    const aclError code = ticket->wait(waitMilliseconds(), acl::kRtTaskTimeout, runningTaskAborted);
    --*waiting;
    if (code == acl::kRtStreamAbort) setRunningTaskText("the stream that was to record the event was aborted");
    if (code == acl::kRtTaskTimeout) setRunningTaskText("the event was not recorded within the time of aclrtSetOpWaitTimeout");
    return code;
  };
  task.dropped = [waiting = waiting_] { --*waiting; };
  stream.enqueue(std::move(task));
}

std::shared_ptr<Ticket> Event::latest() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return latest_;
}

}  // namespace sim
