// See engine.h.
#include "engine.h"

#include <cstring>

namespace omma {

size_t byteSize(int dtype) {
  switch (dtype) {
    case OMMA_FLOAT32:
    case OMMA_INT32:
    case OMMA_UINT32:
      return 4;
    case OMMA_FLOAT16:
    case OMMA_BFLOAT16:
      return 2;
    case OMMA_UINT8:
    case OMMA_BOOL:
      return 1;
    default:
      throw std::runtime_error("unknown dtype " + std::to_string(dtype));
  }
}

Engine::Engine() : thread_([this] { loop(); }) {}

Engine::~Engine() { stop(); }

void Engine::stop() {
  bool leave;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    leave = abandoned_ && running_;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return;
  // A thread that hangs in a library which cannot be interrupted goes with the process.
  if (leave) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

uint64_t Engine::start(Work work, Done done, bool later) {
  uint64_t ticket;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ticket = ++given_;
    jobs_.push_back({std::move(work), std::move(done), later});
    if (!later) urgent_++;
  }
  if (!later) wake_.notify_one();
  return ticket;
}

void Engine::loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return !running_ && (stopping_ || urgent_ > 0); });
    if (jobs_.empty()) return;
    runNext(lock);
  }
}

void Engine::runNext(std::unique_lock<std::mutex>& lock) {
  const Job job = std::move(jobs_.front());
  jobs_.pop_front();
  if (!job.later) urgent_--;
  std::string reason = failure_;
  running_ = true;
  lock.unlock();
  if (reason.empty()) {
    try {
      job.work();
    } catch (const std::exception& error) {
      reason = error.what();
      if (reason.empty()) reason = "unknown failure";
    }
  }
  lock.lock();
  running_ = false;
  done_++;
  if (!reason.empty()) {
    // What the other side said of it first explains more than the broken connection that follows.
    if (failure_.empty()) failure_ = reason;
    reason = failure_;
    if (failedFrom_ == UINT64_MAX) failedFrom_ = done_;
  }
  const bool more = urgent_ > 0 || stopping_;
  lock.unlock();
  progress_.notify_all();
  if (more) wake_.notify_one();
  if (job.done) job.done(reason);
  lock.lock();
}

std::string Engine::wait(uint64_t ticket) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (done_ < ticket && !abandoned_) {
    if (helps() && !running_ && !jobs_.empty()) {
      runNext(lock);
    } else {
      progress_.wait(lock);
    }
  }
  if (done_ < ticket) return failure_;
  return ticket >= failedFrom_ ? failure_ : "";
}

bool Engine::abort(const std::string& reason) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (failure_.empty()) failure_ = reason;
  }
  if (interrupt()) return false;
  bool busy;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    abandoned_ = true;
    busy = running_;
  }
  progress_.notify_all();
  return busy;
}

std::string Engine::failure() {
  std::lock_guard<std::mutex> lock(mutex_);
  return failure_;
}

uint64_t Engine::give(Work work, Done done) {
  const bool later = helps() && !done;
  return start(std::move(work), std::move(done), later);
}

uint64_t Engine::allReduce(void* data, size_t count, int dtype, int op, Done done) {
  return give([=] { doAllReduce(data, count, dtype, op); }, std::move(done));
}

std::string Engine::allReduceAndTake(const void* data, size_t count, int dtype, int op, const Take& take) {
  return wait(give([=] { doAllReduceAndTake(data, count, dtype, op, take); }, nullptr));
}

uint64_t Engine::broadcast(void* data, size_t bytes, int root, Done done) {
  return give([=] { doBroadcast(data, bytes, root); }, std::move(done));
}

uint64_t Engine::allGather(const void* source, void* target, size_t bytes, Done done) {
  return give([=] { doAllGather(source, target, bytes); }, std::move(done));
}

uint64_t Engine::reduceScatter(const void* source, void* target, size_t count, int dtype, int op, Done done) {
  return give([=] { doReduceScatter(source, target, count, dtype, op); }, std::move(done));
}

uint64_t Engine::barrier(Done done) {
  return give([=] { doBarrier(); }, std::move(done));
}

namespace {

// What `wait` gave, as the table says it.
int told(const std::string& failure, char* reason, size_t reasonBytes) {
  if (failure.empty()) return 0;
  if (reasonBytes > 0) {
    std::strncpy(reason, failure.c_str(), reasonBytes - 1);
    reason[reasonBytes - 1] = '\0';
  }
  return 1;
}

}  // namespace

const OmmaCollectives* Engine::table(int rank, int size) {
  table_.version = OMMA_COLLECTIVES_VERSION;
  table_.rank = rank;
  table_.size = size;
  table_.context = this;
  table_.allReduce = [](void* context, void* data, uint64_t count, int32_t dtype, int32_t op) {
    return static_cast<Engine*>(context)->allReduce(data, count, dtype, op);
  };
  table_.broadcast = [](void* context, void* data, uint64_t bytes, int32_t root) {
    return static_cast<Engine*>(context)->broadcast(data, bytes, root);
  };
  table_.allGather = [](void* context, const void* source, void* target, uint64_t bytes) {
    return static_cast<Engine*>(context)->allGather(source, target, bytes);
  };
  table_.reduceScatter = [](void* context, const void* source, void* target, uint64_t count, int32_t dtype, int32_t op) {
    return static_cast<Engine*>(context)->reduceScatter(source, target, count, dtype, op);
  };
  table_.barrier = [](void* context) { return static_cast<Engine*>(context)->barrier(); };
  table_.wait = [](void* context, uint64_t ticket, char* reason, size_t reasonBytes) {
    return told(static_cast<Engine*>(context)->wait(ticket), reason, reasonBytes);
  };
  if (helps()) {
    table_.allReduceAndTake = [](void* context, const void* data, uint64_t count, int32_t dtype, int32_t op, OmmaTake take, void* user,
                                 char* reason, size_t reasonBytes) {
      const Take taking = [=](const void* values, size_t begin, size_t some) { take(user, values, begin, some); };
      return told(static_cast<Engine*>(context)->allReduceAndTake(data, count, dtype, op, taking), reason, reasonBytes);
    };
  }
  table_.abort = [](void* context, const char* reason) { static_cast<Engine*>(context)->abort(reason); };
  return &table_;
}

}  // namespace omma
