// The addon's surface: class Device with everything the TypeScript side calls. Buffers and executables are opaque handles
// (externals), so that only this file knows what is behind them.
#include <napi.h>

#include <cstring>

#include "addon/jobs.h"
#include "addon/parse.h"
#include "executable.h"
#include "plan/planner.h"
#include "processor.h"
#include "primitives/primitive_node.h"
#include "weight_gradient/weight_gradient.h"

namespace omma {

namespace {

using BufferHandle = std::shared_ptr<StateBuffer>;

struct Bytes {
  void* data;
  size_t size;
};

Bytes bytesOf(const Napi::Value& value) {
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  return {static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength()};
}

class Device : public Napi::ObjectWrap<Device> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Device",
                       {InstanceMethod("refuse", &Device::refuse), InstanceMethod("allocate", &Device::allocate),
                        InstanceMethod("free", &Device::free), InstanceMethod("upload", &Device::upload),
                        InstanceMethod("download", &Device::download), InstanceMethod("compile", &Device::compile),
                        InstanceMethod("run", &Device::run), InstanceMethod("release", &Device::release),
                        InstanceMethod("profile", &Device::profile), InstanceMethod("memory", &Device::memory),
                        InstanceMethod("synchronize", &Device::synchronize),
                        InstanceMethod("attach", &Device::attach), InstanceMethod("allReduce", &Device::allReduce),
                        InstanceMethod("broadcast", &Device::broadcast), InstanceMethod("allGather", &Device::allGather),
                        InstanceMethod("reduceScatter", &Device::reduceScatter), InstanceMethod("barrier", &Device::barrier),
                        InstanceMethod("dispose", &Device::dispose)});
  }

  explicit Device(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Device>(info) {
    const int threads = info[0].As<Napi::Number>().Int32Value();
    try {
      context_ = std::make_shared<DeviceContext>();
    } catch (const std::exception& error) {
      throw Napi::Error::New(info.Env(), std::string("cpu: ") + error.what());
    }
    jobs_ = std::make_shared<Jobs>(info.Env(), threads);
    hook_ = info.Env().AddCleanupHook(&Device::stopNow, this);
  }

  ~Device() override {
    if (!stopped_) hook_.Remove(Env());
    stop();
  }

 private:
  using ExecutableHandle = std::shared_ptr<std::unique_ptr<Executable>>;

  // When JavaScript drops the handle, the executable ends on the worker, which may be using its memory.
  struct OwnedExecutable {
    ExecutableHandle executable;
    std::weak_ptr<Jobs> jobs;
    ~OwnedExecutable() {
      const std::shared_ptr<Jobs> alive = jobs.lock();
      if (alive) alive->startQuietly([executable = executable] { executable->reset(); });
    }
  };

  static void stopNow(Device* device) { device->stop(); }

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    context_->stopping = true;
    context_->collectives.abort("the device was disposed");
    jobs_->stop();
  }

  Napi::Value refuse(const Napi::CallbackInfo& info) {
    NodeSpec node;
    node.op = info[0].As<Napi::String>();
    try {
      node.attrs = parseAttribute(info[1]);
      const auto types = [](const Napi::Value& value, std::vector<TensorSpec>& to) {
        const Napi::Array list = value.As<Napi::Array>();
        for (uint32_t i = 0; i < list.Length(); i++) {
          const GraphValue type = parseType(list.Get(i).As<Napi::Object>());
          to.push_back({type.dtype, type.shape, {}});
        }
      };
      types(info[2], node.inputs);
      types(info[3], node.outputs);
      if (alwaysAlias(node.op)) return Napi::String::New(info.Env(), "");
      std::string reason = "no kernel";
      if (primitiveBuilder(node.op) != nullptr) {
        reason = refusePrimitive(node);
        if (reason.empty()) return Napi::String::New(info.Env(), "");
      }
      const KernelDefinition* definition = context_->kernels.find(node.op);
      if (definition != nullptr) reason = definition->refuse ? definition->refuse(node) : "";
      return Napi::String::New(info.Env(), reason);
    } catch (const Napi::Error&) {
      throw;
    } catch (const std::exception& error) {
      return Napi::String::New(info.Env(), error.what());
    }
  }

  Napi::Value allocate(const Napi::CallbackInfo& info) {
    try {
      GraphValue type = parseType(info[0].As<Napi::Object>());
      auto* handle = new BufferHandle(std::make_shared<StateBuffer>(context_->memory, type.dtype, type.shape));
      return Napi::External<BufferHandle>::New(info.Env(), handle, [](Napi::Env, BufferHandle* h) { delete h; });
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), std::string("cpu: ") + error.what());
    }
  }

  void free(const Napi::CallbackInfo& info) {
    BufferHandle buffer = bufferAt(info[0]);
    jobs_->startQuietly([buffer] { buffer->release(); });
  }

  Napi::Value upload(const Napi::CallbackInfo& info) {
    BufferHandle buffer = bufferAt(info[0]);
    const Bytes from = bytesOf(info[1]);
    return jobs_->start(
        info.Env(),
        [buffer, from] {
          buffer->checkUsable();
          if (from.size != buffer->bytes()) throw std::runtime_error("cpu: upload of another size than the buffer");
          buffer->resetToPlain();
          std::memcpy(buffer->data(), from.data, from.size);
          buffer->changed();
        },
        [](Napi::Env env) { return env.Undefined(); }, {info[1].As<Napi::Object>()});
  }

  // Into an array that the caller made.
  Napi::Value download(const Napi::CallbackInfo& info) {
    BufferHandle buffer = bufferAt(info[0]);
    const Bytes to = bytesOf(info[1]);
    auto context = context_;
    return jobs_->start(
        info.Env(),
        [buffer, to, context] {
          buffer->checkUsable();
          if (to.size != buffer->bytes()) throw std::runtime_error("cpu: download of another size than the buffer");
          if (buffer->layout().isPlain()) {
            std::memcpy(to.data, buffer->data(), to.size);
          } else {
            const auto plain = reorderBlock(context->layouts, context->engine, context->stream, *buffer, {});
            std::memcpy(to.data, plain->data(), to.size);
          }
        },
        [](Napi::Env env) { return env.Undefined(); }, {info[1].As<Napi::Object>()});
  }

  // compile(graph, buffers in the order of the slots, profile) -> handle
  Napi::Value compile(const Napi::CallbackInfo& info) {
    auto graph = std::make_shared<GraphSpec>();
    std::vector<BufferHandle> state;
    try {
      *graph = parseGraph(info[0].As<Napi::Object>());
      const Napi::Array buffers = info[1].As<Napi::Array>();
      for (uint32_t i = 0; i < buffers.Length(); i++) state.push_back(bufferAt(buffers.Get(i)));
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), std::string("cpu: ") + error.what());
    }
    const bool profile = info[2].As<Napi::Boolean>().Value();
    auto made = std::make_shared<std::unique_ptr<Executable>>();
    auto context = context_;
    return jobs_->start(
        info.Env(),
        [=] {
          try {
            *made = std::make_unique<Executable>(context, std::move(*graph), state, profile);
          } catch (const std::exception& error) {
            throw std::runtime_error(std::string("cpu: ") + error.what());
          }
        },
        [made, jobs = std::weak_ptr<Jobs>(jobs_)](Napi::Env env) {
          const Napi::Object result = Napi::Object::New(env);
          auto* owned = new OwnedExecutable{made, jobs};
          result.Set("handle", Napi::External<OwnedExecutable>::New(env, owned,
                                                                   [](Napi::Env, OwnedExecutable* o) { delete o; }));
          result.Set("bytes", Napi::Number::New(env, static_cast<double>((*made)->bytes())));
          return result;
        });
  }

  // run(handle, input arrays, output arrays): in the order of the graph's ports
  Napi::Value run(const Napi::CallbackInfo& info) {
    ExecutableHandle executable = executableAt(info[0]);
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
    std::vector<Napi::Object> held;
    const Napi::Array from = info[1].As<Napi::Array>();
    const Napi::Array to = info[2].As<Napi::Array>();
    for (uint32_t i = 0; i < from.Length(); i++) {
      inputs.push_back(bytesOf(from.Get(i)).data);
      held.push_back(from.Get(i).As<Napi::Object>());
    }
    for (uint32_t i = 0; i < to.Length(); i++) {
      outputs.push_back(bytesOf(to.Get(i)).data);
      held.push_back(to.Get(i).As<Napi::Object>());
    }
    return jobs_->start(
        info.Env(),
        [=] {
          if (*executable == nullptr) throw std::runtime_error("cpu: the program was disposed");
          try {
            (*executable)->run(inputs, outputs);
          } catch (const std::exception& error) {
            throw std::runtime_error(std::string("cpu: ") + error.what());
          }
        },
        [](Napi::Env env) { return env.Undefined(); }, held);
  }

  void release(const Napi::CallbackInfo& info) {
    ExecutableHandle executable = executableAt(info[0]);
    jobs_->startQuietly([executable] { executable->reset(); });
  }

  Napi::Value profile(const Napi::CallbackInfo& info) {
    ExecutableHandle executable = executableAt(info[0]);
    const Napi::Array list = Napi::Array::New(info.Env());
    if (*executable == nullptr) return list;
    for (const NodeProfile& node : (*executable)->profile()) {
      const Napi::Object entry = Napi::Object::New(info.Env());
      entry.Set("op", node.op);
      entry.Set("scope", node.scope);
      entry.Set("detail", node.detail);
      entry.Set("milliseconds", node.milliseconds);
      entry.Set("bytes", node.bytes);
      entry.Set("flops", node.flops);
      entry.Set("runs", static_cast<double>(node.runs));
      list.Set(list.Length(), entry);
    }
    return list;
  }

  Napi::Value memory(const Napi::CallbackInfo& info) {
    const Napi::Object use = Napi::Object::New(info.Env());
    use.Set("live", static_cast<double>(context_->memory->live()));
    use.Set("peak", static_cast<double>(context_->memory->peak()));
    return use;
  }

  Napi::Value synchronize(const Napi::CallbackInfo& info) {
    return jobs_->start(info.Env(), [] {}, [](Napi::Env env) { return env.Undefined(); });
  }

  // attach(table of a collective engine, whether the other ranks order values alike)
  Napi::Value attach(const Napi::CallbackInfo& info) {
    const auto* table = info[0].As<Napi::External<const OmmaCollectives>>().Data();
    const bool sameLayouts = info[1].As<Napi::Boolean>();
    // The engine lives while its table is held: the new one from now, the old one until no job uses it.
    auto held = std::make_shared<Napi::Reference<Napi::Value>>(Napi::Reference<Napi::Value>::New(info[0], 1));
    return jobs_->start(
        info.Env(), [context = context_, table, sameLayouts] { context->collectives.attach(table, sameLayouts); },
        [this, held](Napi::Env env) {
          attached_ = held;
          return env.Undefined();
        });
  }

  // allReduce(buffer, op), in place
  Napi::Value allReduce(const Napi::CallbackInfo& info) {
    BufferHandle buffer = bufferAt(info[0]);
    const int op = info[1].As<Napi::Number>();
    return collective(info, [buffer, op](DeviceContext& context) {
      makePlain(context, *buffer);
      context.collectives.allReduce(buffer->data(), elementsOf(buffer->shape), buffer->dtype, op);
      buffer->changed();
    });
  }

  // broadcast(buffer, root), in place
  Napi::Value broadcast(const Napi::CallbackInfo& info) {
    BufferHandle buffer = bufferAt(info[0]);
    const int root = info[1].As<Napi::Number>();
    return collective(info, [buffer, root](DeviceContext& context) {
      makePlain(context, *buffer);
      context.collectives.broadcast(buffer->data(), buffer->bytes(), root);
      buffer->changed();
    });
  }

  // allGather(source, target): the sizes were checked
  Napi::Value allGather(const Napi::CallbackInfo& info) {
    BufferHandle source = bufferAt(info[0]);
    BufferHandle target = bufferAt(info[1]);
    return collective(info, [source, target](DeviceContext& context) {
      makePlain(context, *source);
      target->checkUsable();
      target->resetToPlain();
      context.collectives.allGather(source->data(), target->data(), source->bytes());
      target->changed();
    });
  }

  // reduceScatter(source, target, op): the sizes were checked
  Napi::Value reduceScatter(const Napi::CallbackInfo& info) {
    BufferHandle source = bufferAt(info[0]);
    BufferHandle target = bufferAt(info[1]);
    const int op = info[2].As<Napi::Number>();
    return collective(info, [source, target, op](DeviceContext& context) {
      makePlain(context, *source);
      target->checkUsable();
      target->resetToPlain();
      context.collectives.reduceScatter(source->data(), target->data(), elementsOf(target->shape), target->dtype, op);
      target->changed();
    });
  }

  Napi::Value barrier(const Napi::CallbackInfo& info) {
    return collective(info, [](DeviceContext& context) { context.collectives.barrier(); });
  }

  template <typename Work>
  Napi::Value collective(const Napi::CallbackInfo& info, Work work) {
    return jobs_->start(
        info.Env(),
        [context = context_, work] {
          try {
            work(*context);
          } catch (const std::exception& error) {
            throw std::runtime_error(std::string("cpu: ") + error.what());
          }
        },
        [](Napi::Env env) { return env.Undefined(); });
  }

  // Row major, the order that is the same on every rank.
  static void makePlain(DeviceContext& context, StateBuffer& buffer) {
    buffer.checkUsable();
    if (!buffer.layout().isPlain()) {
      buffer.replace(reorderBlock(context.layouts, context.engine, context.stream, buffer, {}), {});
    }
  }

  void dispose(const Napi::CallbackInfo& info) {
    if (!stopped_) hook_.Remove(info.Env());
    stop();
  }

  static BufferHandle bufferAt(const Napi::Value& value) { return *value.As<Napi::External<BufferHandle>>().Data(); }
  static ExecutableHandle executableAt(const Napi::Value& value) {
    return value.As<Napi::External<OwnedExecutable>>().Data()->executable;
  }

  std::shared_ptr<DeviceContext> context_;
  std::shared_ptr<Jobs> jobs_;
  std::shared_ptr<Napi::Reference<Napi::Value>> attached_;
  Napi::Env::CleanupHook<void (*)(Device*), Device> hook_;
  bool stopped_ = false;
};

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("Device", Device::define(env));
  const dnnl_version_t* version = dnnl_version();
  exports.Set("onednn", std::to_string(version->major) + '.' + std::to_string(version->minor) + '.' +
                            std::to_string(version->patch));
  exports.Set("isa", isaName());
  exports.Set("bfloat16", hasBFloat16());
  exports.Set("packedWeightGradient", hasPackedWeightGradient());
  return exports;
}

NODE_API_MODULE(omma_cpu, init)

}  // namespace

}  // namespace omma
