// A stream: a queue of tasks and the thread that runs them one after the other. Really asynchronous, so that a missing synchronisation shows.
//
// A failed task is reported by the next synchronisation, as on the device. The thread starts with the first task.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "acl/types.h"
#include "order.h"

namespace sim {

struct Context;

// Keeps an allocation from being freed while a task is to use it.
class Use {
 public:
  template <typename Block>
  explicit Use(const std::shared_ptr<Block>& block) : count_(block, &block->uses) {
    ++*count_;
  }
  ~Use() {
    if (count_ != nullptr) --*count_;
  }
  Use(Use&&) = default;
  Use& operator=(Use&&) = default;
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  std::shared_ptr<std::atomic<int>> count_;
};

struct Task {
  std::function<aclError()> run;
  std::function<void()> dropped;  // called instead of `run` when the stream is aborted first; may be empty
  std::vector<Use> uses;
};

class Stream {
 public:
  // `context` is only compared, never followed.
  Stream(const Context* context, int32_t number);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  const Context* context() const { return context_; }
  int32_t number() const { return number_; }

  // Throws Failure when the stream stopped at an earlier failure. Returns the task's place in the order.
  Moment enqueue(Task task);

  // Waits for what is enqueued now. 0, the code of the first failed task (with its message), 507046 after `milliseconds` (-1: never), 107023.
  aclError synchronize(int32_t milliseconds);

  // Waits for what is enqueued now and leaves a failure for the next synchronisation.
  void waitForTasks();

  // True when nothing is queued or running.
  bool idle() const;

  // Drops what is queued and makes the running task stop where it can.
  void abort();

  void setStopOnFailure(bool stop);

  // Later tasks come after what `clock` holds; see order.h.
  void comesAfter(const Clock& clock);
  Clock clock() const;

 private:
  struct Failed {
    aclError code;
    std::string text;
  };

  void work();
  void finish(aclError code, std::string text);
  std::deque<Task> takeQueue();
  aclError report();

  const Context* const context_;
  const int32_t number_;
  const uint64_t id_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::deque<Task> queue_;
  uint64_t enqueued_ = 0;
  uint64_t completed_ = 0;
  uint64_t aborts_ = 0;
  std::atomic<bool> aborting_{false};
  bool closing_ = false;
  bool stopOnFailure_ = false;
  std::optional<Failed> failed_;
  Clock clock_;
  std::thread thread_;
};

// Inside a task: see sim/stream.h.
bool runningTaskAborted();
void setRunningTaskText(const std::string& text);

}  // namespace sim
