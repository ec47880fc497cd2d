// omma_gloo.node: class Gloo(rank, size, timeout in milliseconds, address to listen on).
#include "addon.h"
#include "gloo/gloo_engine.h"

namespace omma {

namespace {

class Gloo : public Collectives<Gloo> {
 public:
  explicit Gloo(const Napi::CallbackInfo& info) : Collectives<Gloo>(info) {
    rank_ = info[0].As<Napi::Number>();
    size_ = info[1].As<Napi::Number>();
    const auto timeout = std::chrono::milliseconds(info[2].As<Napi::Number>().Int64Value());
    try {
      gloo_ = std::make_shared<GlooEngine>(rank_, size_, timeout, info[3].As<Napi::String>());
    } catch (const std::exception& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
    engine_ = gloo_;
  }

  static Napi::Function define(Napi::Env env) {
    auto all = methods();
    all.push_back(InstanceMethod("addresses", &Gloo::addresses));
    all.push_back(InstanceMethod("connect", &Gloo::connect));
    return DefineClass(env, "Gloo", all);
  }

 private:
  friend class Collectives<Gloo>;

  Napi::Value addresses(const Napi::CallbackInfo& info) {
    const std::vector<char>& bytes = gloo_->addresses();
    return Napi::Buffer<char>::Copy(info.Env(), bytes.data(), bytes.size());
  }

  // connect(addresses of each rank)
  Napi::Value connect(const Napi::CallbackInfo& info) {
    const Napi::Array list = info[0].As<Napi::Array>();
    std::vector<std::vector<char>> all;
    for (uint32_t rank = 0; rank < list.Length(); rank++) {
      const Bytes bytes = bytesOf(list.Get(rank));
      all.emplace_back(bytes.data, bytes.data + bytes.size);
    }
    Engine::Done done;
    const Napi::Promise promise = promises_->make(info.Env(), done, {info.This()});
    gloo_->start([gloo = gloo_.get(), all] { gloo->connect(all); }, keep(done));
    return promise;
  }

  std::shared_ptr<GlooEngine> gloo_;
};

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("Gloo", Gloo::define(env));
  return exports;
}

NODE_API_MODULE(omma_gloo, init)

}  // namespace

}  // namespace omma
