// The addons' surface, the same for every engine: collectives on typed arrays with promises, and the table for other native code.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>

#include "engine.h"

namespace omma {

struct Bytes {
  char* data;
  size_t size;
};

inline Bytes bytesOf(const Napi::Value& value) {
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  return {static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength()};
}

// Promises of an engine's work: kept on Node's thread, settled from the engine's. A pending one keeps the event loop alive.
//
// When Node ends it takes its thread-safe functions down before the objects that use them, and frees them whoever still holds one: `gate_` says until
// when this one is there.
class Promises {
 public:
  explicit Promises(Napi::Env env)
      : settle_(Napi::ThreadSafeFunction::New(
            env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}), "omma collectives", 0, 1,
            [](Napi::Env, std::shared_ptr<Gate>* gate) {
              {
                std::lock_guard<std::mutex> lock((*gate)->mutex);
                (*gate)->open = false;
              }
              delete gate;
            },
            new std::shared_ptr<Gate>(gate_))) {
    settle_.Unref(env);
  }
  ~Promises() {
    std::lock_guard<std::mutex> lock(gate_->mutex);
    if (gate_->open) settle_.Release();
  }

  // A promise, and in `done` what settles it; `held` (arrays, the engine) stays alive until then.
  Napi::Promise make(Napi::Env env, Engine::Done& done, const std::vector<Napi::Value>& held) {
    auto open = std::make_shared<Open>(Open{Napi::Promise::Deferred::New(env), {}});
    for (const Napi::Value& value : held) open->held.push_back(Napi::Persistent(value.As<Napi::Object>()));
    if (pending_++ == 0) settle_.Ref(env);
    done = [this, open](const std::string& reason) {
      std::lock_guard<std::mutex> lock(gate_->mutex);
      if (gate_->open && settle(open, reason) == napi_ok) return;
      // Nobody is left to be told, and references may not be given back from this thread: they go with the process.
      for (Napi::ObjectReference& reference : open->held) reference.SuppressDestruct();
    };
    return open->deferred.Promise();
  }

 private:
  struct Open {
    Napi::Promise::Deferred deferred;
    std::vector<Napi::ObjectReference> held;
  };
  struct Gate {
    std::mutex mutex;
    bool open = true;
  };

  napi_status settle(const std::shared_ptr<Open>& open, const std::string& reason) {
    return settle_.NonBlockingCall([this, open, reason](Napi::Env env, Napi::Function) {
      if (--pending_ == 0) settle_.Unref(env);
      if (reason.empty()) {
        open->deferred.Resolve(env.Undefined());
      } else {
        open->deferred.Reject(Napi::Error::New(env, reason).Value());
      }
      open->held.clear();
    });
  }

  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  Napi::ThreadSafeFunction settle_;
  size_t pending_ = 0;
};

// Methods that every engine's class offers; `Self` is the class itself.
template <typename Self>
class Collectives : public Napi::ObjectWrap<Self> {
 public:
  explicit Collectives(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Self>(info) {
    promises_ = std::make_shared<Promises>(info.Env());
  }

 protected:
  using Wrap = Napi::ObjectWrap<Self>;

  static std::vector<typename Wrap::PropertyDescriptor> methods() {
    return {Wrap::InstanceMethod("allReduce", &Self::allReduce),
            Wrap::InstanceMethod("broadcast", &Self::broadcast),
            Wrap::InstanceMethod("allGather", &Self::allGather),
            Wrap::InstanceMethod("reduceScatter", &Self::reduceScatter),
            Wrap::InstanceMethod("barrier", &Self::barrier),
            Wrap::InstanceMethod("failure", &Self::failure),
            Wrap::InstanceMethod("table", &Self::table),
            Wrap::InstanceMethod("abort", &Self::abort)};
  }

  // allReduce(array, dtype, op), in place
  Napi::Value allReduce(const Napi::CallbackInfo& info) {
    const Bytes data = bytesOf(info[0]);
    const int dtype = info[1].As<Napi::Number>();
    const int op = info[2].As<Napi::Number>();
    Engine::Done done;
    const Napi::Promise promise = promises_->make(info.Env(), done, {info.This(), info[0]});
    engine_->allReduce(data.data, data.size / byteSize(dtype), dtype, op, keep(done));
    return promise;
  }

  // broadcast(array, root), in place
  Napi::Value broadcast(const Napi::CallbackInfo& info) {
    const Bytes data = bytesOf(info[0]);
    const int root = info[1].As<Napi::Number>();
    Engine::Done done;
    const Napi::Promise promise = promises_->make(info.Env(), done, {info.This(), info[0]});
    engine_->broadcast(data.data, data.size, root, keep(done));
    return promise;
  }

  // allGather(source, target)
  Napi::Value allGather(const Napi::CallbackInfo& info) {
    const Bytes source = bytesOf(info[0]);
    const Bytes target = bytesOf(info[1]);
    if (target.size != source.size * size_) throw Napi::Error::New(info.Env(), "allGather: the target has another size");
    Engine::Done done;
    const Napi::Promise promise = promises_->make(info.Env(), done, {info.This(), info[0], info[1]});
    engine_->allGather(source.data, target.data, source.size, keep(done));
    return promise;
  }

  // reduceScatter(source, target, dtype, op)
  Napi::Value reduceScatter(const Napi::CallbackInfo& info) {
    const Bytes source = bytesOf(info[0]);
    const Bytes target = bytesOf(info[1]);
    if (source.size != target.size * size_) throw Napi::Error::New(info.Env(), "reduceScatter: the source has another size");
    const int dtype = info[2].As<Napi::Number>();
    const int op = info[3].As<Napi::Number>();
    Engine::Done done;
    const Napi::Promise promise = promises_->make(info.Env(), done, {info.This(), info[0], info[1]});
    engine_->reduceScatter(source.data, target.data, target.size / byteSize(dtype), dtype, op, keep(done));
    return promise;
  }

  Napi::Value barrier(const Napi::CallbackInfo& info) {
    Engine::Done done;
    const Napi::Promise promise = promises_->make(info.Env(), done, {info.This()});
    engine_->barrier(keep(done));
    return promise;
  }

  // Why nothing works any more; empty while it does.
  Napi::Value failure(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), engine_->failure()); }

  // For a device's native code. Keeps the engine alive as long as it is held.
  Napi::Value table(const Napi::CallbackInfo& info) {
    auto* held = new std::shared_ptr<Engine>(engine_);
    auto* table = const_cast<OmmaCollectives*>(engine_->table(rank_, size_));
    return Napi::External<OmmaCollectives>::New(
        info.Env(), table, [](Napi::Env, OmmaCollectives*, std::shared_ptr<Engine>* engine) { delete engine; }, held);
  }

  void abort(const Napi::CallbackInfo& info) {
    static auto* kept = new std::vector<std::shared_ptr<Engine>>();
    if (engine_->abort(info[0].As<Napi::String>())) kept->push_back(engine_);
  }

  // The promises outlive this object while one of them is open.
  Engine::Done keep(Engine::Done done) {
    return [promises = promises_, done = std::move(done)](const std::string& reason) { done(reason); };
  }

  std::shared_ptr<Engine> engine_;
  std::shared_ptr<Promises> promises_;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace omma
