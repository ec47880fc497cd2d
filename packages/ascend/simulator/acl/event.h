// An event: a mark that a stream passes, for the host and for other streams to wait for.
//
// Each recording has its own ticket, so that recording again does not disturb who waits for the last one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "acl/types.h"
#include "order.h"
#include "stream.h"

namespace sim {

class Ticket {
 public:
  explicit Ticket(Clock clock) : clock_(std::move(clock)) {}

  void pass();
  void drop();  // the stream was aborted before it got here

  bool passed() const;
  // Passed or dropped: no task is to do anything with it any more.
  bool settled() const;
  // 0, 107023 when dropped or when `aborted()` (asked every few milliseconds), `timeoutCode` after `milliseconds` (-1: never).
  aclError wait(int32_t milliseconds, aclError timeoutCode, bool (*aborted)()) const;
  std::chrono::steady_clock::time_point time() const;
  const Clock& clock() const { return clock_; }

 private:
  enum class State { Pending, Passed, Dropped };
  const Clock clock_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  State state_ = State::Pending;
  std::chrono::steady_clock::time_point time_;
};

// For aclrtSetOpWaitTimeout: how long a stream waits for an event; 0: for ever.
void setWaitTimeout(uint32_t seconds);

class Event {
 public:
  enum class Kind { Plain, WithFlag, Ex };
  Event(const Context* context, Kind kind, uint32_t flag) : context_(context), kind_(kind), flag_(flag) {}

  const Context* context() const { return context_; }
  Kind kind() const { return kind_; }
  // aclrtCreateEvent's events have times, the others only when asked for.
  bool hasTime() const { return kind_ == Kind::Plain || (flag_ & 8u) != 0; }

  void record(Stream& stream);
  // The event counts as not recorded from this place of the stream on.
  void reset(Stream& stream);
  // `stream`'s later tasks wait for the last recording.
  void letWait(Stream& stream);
  // Null when never recorded.
  std::shared_ptr<Ticket> latest() const;
  bool waitsDone() const { return *waiting_ == 0; }

 private:
  const Context* const context_;
  const Kind kind_;
  const uint32_t flag_;
  mutable std::mutex mutex_;
  std::shared_ptr<Ticket> latest_;
  // Outlives the event: tasks of streams count it down.
  const std::shared_ptr<std::atomic<int>> waiting_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace sim
