// omma_shared.node: class Shared(rank, size, timeout in milliseconds, name of the memory, where another process has made it or undefined to make it).
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
    try {
      Segment segment = info[4].IsString() ? Segment::open(info[4].As<Napi::String>(), name, size_) : Segment::make(name, size_);
      shared_ = std::make_shared<SharedEngine>(std::move(segment), rank_, size_, timeout);
      engine_ = shared_;
    } catch (const std::exception& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  static Napi::Function define(Napi::Env env) {
    auto all = methods();
    all.push_back(InstanceMethod("place", &Shared::place));
    all.push_back(InstanceMethod("close", &Shared::close));
    return DefineClass(env, "Shared", all);
  }

 private:
  friend class Collectives<Shared>;

  // Where the others open the memory that this rank has made, until close().
  Napi::Value place(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), shared_->segment().place()); }
  void close(const Napi::CallbackInfo&) { shared_->segment().close(); }

  std::shared_ptr<SharedEngine> shared_;
};

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("Shared", Shared::define(env));
  return exports;
}

NODE_API_MODULE(omma_shared, init)

}  // namespace

}  // namespace omma
