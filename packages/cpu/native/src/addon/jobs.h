// Promises for work on the worker thread: `start` queues a job, its result comes back on Node's thread.
//
// JavaScript memory that a job reads or writes is held by references until the job is done. The process stays alive while jobs
// are under way, and may end when there are none.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <vector>

#include "worker.h"

namespace omma {

class Jobs {
 public:
  Jobs(Napi::Env env, int threads);
  ~Jobs();

  using Work = std::function<void()>;                    // on the worker; throws what the promise is rejected with
  using Result = std::function<Napi::Value(Napi::Env)>;  // on Node's thread, afterwards
  Napi::Promise start(Napi::Env env, Work work, Result result, const std::vector<Napi::Object>& held = {});
  // Work that nobody waits for. Done at once when the worker has stopped.
  void startQuietly(Work work);
  // Waits for the jobs that were given.
  void stop();

 private:
  struct Job;
  std::unique_ptr<Worker> worker_;
  Napi::ThreadSafeFunction done_;
  int pending_ = 0;
  bool stopped_ = false;
};

}  // namespace omma
