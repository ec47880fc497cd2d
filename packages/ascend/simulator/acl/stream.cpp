#include "stream.h"

#include <chrono>

#include "common/settings.h"
#include "failure.h"
#include "text.h"

namespace sim {

namespace {

std::atomic<uint64_t> lastId{0};

thread_local const std::atomic<bool>* abortFlag = nullptr;
thread_local std::string taskText;

void drop(std::deque<Task>& tasks) {
  for (Task& task : tasks) {
    if (task.dropped) task.dropped();
  }
  tasks.clear();
}

// The task's code, never an exception: nobody is above it on this thread.
aclError runTask(const Task& task) {
  try {
    return task.run();
  } catch (const Failure& failure) {
    taskText = failure.text();
    return failure.code();
  } catch (const std::exception& error) {
    taskText = error.what();
    return acl::kInternalError;
  }
}

}  // namespace

bool runningTaskAborted() { return abortFlag != nullptr && *abortFlag; }

void setRunningTaskText(const std::string& text) { taskText = text; }

Stream::Stream(const Context* context, int32_t number) : context_(context), number_(number), id_(++lastId) { rememberStream(id_); }

Stream::~Stream() {
  abort();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
    work_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  forgetStream(id_);
}

Moment Stream::enqueue(Task task) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (stopOnFailure_ && failed_) {
    throw Failure(failed_->code, kInner, "stream " + sim::number(number_) + " stopped at a failed task: " + failed_->text);
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  queue_.push_back(std::move(task));
  joinHost(clock_);
  clock_[id_] = ++enqueued_;
  work_.notify_one();
  return {id_, enqueued_};
}

void Stream::work() {
  abortFlag = &aborting_;
  const auto delay = std::chrono::microseconds(settings().delayMicroseconds);
  for (;;) {
    Task task;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      work_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (closing_) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    if (delay.count() > 0) std::this_thread::sleep_for(delay);
    taskText.clear();
    const aclError code = runTask(task);
    task = Task();  // its memory may be freed from now on
    finish(code, taskText);
  }
}

void Stream::finish(aclError code, std::string text) {
  std::deque<Task> stopped;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (code != acl::kSuccess && !aborting_ && !failed_) failed_ = Failed{code, std::move(text)};
    if (code != acl::kSuccess && stopOnFailure_) stopped = takeQueue();
    completed_++;
    done_.notify_all();
  }
  drop(stopped);
}

// With the lock held. What is taken counts as completed.
std::deque<Task> Stream::takeQueue() {
  std::deque<Task> taken;
  taken.swap(queue_);
  completed_ += taken.size();
  return taken;
}

aclError Stream::synchronize(int32_t milliseconds) {
  std::unique_lock<std::mutex> lock(mutex_);
  const uint64_t target = enqueued_, aborts = aborts_;
  const auto reached = [&] { return completed_ >= target || aborts_ != aborts; };
  if (milliseconds < 0) {
    done_.wait(lock, reached);
  } else if (!done_.wait_for(lock, std::chrono::milliseconds(milliseconds), reached)) {
    throw Failure(acl::kRtStreamSyncTimeout, kRuntimeTimeout,
                  "stream " + sim::number(number_) + ": " + sim::number(target - completed_) + " tasks are not done after " + sim::number(milliseconds) + " ms");
  }
  require(aborts_ == aborts, acl::kRtStreamAbort, kInner, "stream " + sim::number(number_) + " was aborted");
  hostSaw(clock_);
  return report();
}

void Stream::waitForTasks() {
  std::unique_lock<std::mutex> lock(mutex_);
  const uint64_t target = enqueued_, aborts = aborts_;
  done_.wait(lock, [&] { return completed_ >= target || aborts_ != aborts; });
}

// With the lock held. A stream that stops on failure keeps saying so.
aclError Stream::report() {
  if (!failed_) return acl::kSuccess;
  const Failed failed = *failed_;
  if (!stopOnFailure_) failed_.reset();
  throw Failure(failed.code, kInner, failed.text.empty() ? "A task of the stream failed." : failed.text);
}

bool Stream::idle() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (completed_ != enqueued_) return false;
  hostSaw(clock_);
  return true;
}

void Stream::abort() {
  std::deque<Task> dropped;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    aborting_ = true;
    dropped = takeQueue();
    aborts_++;
    done_.notify_all();
  }
  drop(dropped);
  std::unique_lock<std::mutex> lock(mutex_);
  done_.wait(lock, [this] { return completed_ == enqueued_; });
  aborting_ = false;
  failed_.reset();
  hostSaw(clock_);
}

void Stream::setStopOnFailure(bool stop) {
  const std::lock_guard<std::mutex> lock(mutex_);
  stopOnFailure_ = stop;
}

void Stream::comesAfter(const Clock& clock) {
  const std::lock_guard<std::mutex> lock(mutex_);
  joinClock(clock_, clock);
}

Clock Stream::clock() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  Clock out = clock_;
  joinHost(out);
  return out;
}

}  // namespace sim
