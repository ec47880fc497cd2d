// omma_shared.node: class Shared(rank, size, timeout in milliseconds, name of the memory, whether to make it).
#include "addon.h"
#include "shared/shared_engine.h"

namespace omma {

namespace {

class Shared : public Collectives<Shared> {
 public:
  explicit Shared(const Napi::CallbackInfo& info) : Collectives<Shared>(info) {
    rank_ = info[0].As<Napi::Number>();
    size_ = info[1].As<Napi::Number>();
    const auto timeout = std::chrono::milliseconds(info[2].As<Napi::Number>().Int64Value());
    const std::string name = info[3].As<Napi::String>();
    const bool makes = info[4].As<Napi::Boolean>();
    try {
      engine_ = std::make_shared<SharedEngine>(makes ? Segment::make(name, size_) : Segment::open(name, size_), rank_, size_, timeout);
    } catch (const std::exception& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  static Napi::Function define(Napi::Env env) { return DefineClass(env, "Shared", methods()); }

 private:
  friend class Collectives<Shared>;
};

// unlink(name): nobody opens the memory any more.
void unlink(const Napi::CallbackInfo& info) { Segment::unlink(info[0].As<Napi::String>()); }

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("Shared", Shared::define(env));
  exports.Set("unlink", Napi::Function::New(env, unlink, "unlink"));
  return exports;
}

NODE_API_MODULE(omma_shared, init)

}  // namespace

}  // namespace omma
