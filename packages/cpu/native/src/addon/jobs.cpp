// See jobs.h.
#include "addon/jobs.h"

namespace omma {

struct Jobs::Job {
  explicit Job(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise::Deferred deferred;
  Work work;
  Result result;
  std::vector<Napi::ObjectReference> held;
  std::string error;
  bool failed = false;
};

Jobs::Jobs(Napi::Env env, int threads) : worker_(std::make_unique<Worker>(threads)) {
  const Napi::Function nothing = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  done_ = Napi::ThreadSafeFunction::New(env, nothing, "omma cpu", 0, 1);
  done_.Unref(env);
}

Jobs::~Jobs() { stop(); }

void Jobs::stop() {
  if (stopped_) return;
  stopped_ = true;
  worker_.reset();
  done_.Release();
}

void Jobs::startQuietly(Work work) {
  if (stopped_) {
    work();
  } else {
    worker_->push(std::move(work));
  }
}

Napi::Promise Jobs::start(Napi::Env env, Work work, Result result, const std::vector<Napi::Object>& held) {
  if (stopped_) throw Napi::Error::New(env, "cpu: the device was disposed");
  auto job = std::make_shared<Job>(env);
  job->work = std::move(work);
  job->result = std::move(result);
  for (const Napi::Object& object : held) job->held.push_back(Napi::Persistent(object));
  const Napi::Promise promise = job->deferred.Promise();
  if (pending_++ == 0) done_.Ref(env);
  worker_->push([this, job] {
    try {
      job->work();
    } catch (const std::exception& error) {
      job->failed = true;
      job->error = error.what();
    }
    job->work = nullptr;
    done_.NonBlockingCall([this, job](Napi::Env env, Napi::Function) {
      if (--pending_ == 0) done_.Unref(env);
      if (job->failed) {
        job->deferred.Reject(Napi::Error::New(env, job->error).Value());
      } else {
        job->deferred.Resolve(job->result(env));
      }
      job->held.clear();
    });
  });
  return promise;
}

}  // namespace omma
