// omma_mpi.node: class Mpi, one a process.
#include "addon.h"
#include "mpi/mpi_engine.h"

namespace omma {

namespace {

class Mpi : public Collectives<Mpi> {
 public:
  explicit Mpi(const Napi::CallbackInfo& info) : Collectives<Mpi>(info) {
    mpi_ = std::make_shared<MpiEngine>();
    engine_ = mpi_;
  }

  static Napi::Function define(Napi::Env env) {
    auto all = methods();
    all.push_back(InstanceMethod("start", &Mpi::start));
    all.push_back(InstanceMethod("finish", &Mpi::finish));
    all.push_back(InstanceAccessor("rank", &Mpi::rank, nullptr));
    all.push_back(InstanceAccessor("size", &Mpi::size, nullptr));
    return DefineClass(env, "Mpi", all);
  }

 private:
  friend class Collectives<Mpi>;

  Napi::Value start(const Napi::CallbackInfo& info) {
    Engine::Done done;
    const Napi::Promise promise = promises_->make(info.Env(), done, {info.This()});
    mpi_->start([this] { mpi_->initialise(); }, keep([this, done](const std::string& reason) {
                  rank_ = mpi_->rank();
                  size_ = mpi_->size();
                  done(reason);
                }));
    return promise;
  }

  Napi::Value finish(const Napi::CallbackInfo& info) {
    Engine::Done done;
    const Napi::Promise promise = promises_->make(info.Env(), done, {info.This()});
    mpi_->start([this] { mpi_->finalise(); }, keep(done));
    return promise;
  }

  Napi::Value rank(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), mpi_->rank()); }
  Napi::Value size(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), mpi_->size()); }

  std::shared_ptr<MpiEngine> mpi_;
};

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("Mpi", Mpi::define(env));
  return exports;
}

NODE_API_MODULE(omma_mpi, init)

}  // namespace

}  // namespace omma
