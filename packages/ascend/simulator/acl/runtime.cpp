#include "runtime.h"

#include "model.h"
#include "text.h"

namespace sim {

namespace {

thread_local const void* current = nullptr;

template <typename T>
size_t removeOf(Registry<T>& registry, const Context& context) {
  size_t removed = 0;
  for (const auto& [handle, object] : registry.all()) {
    if (object->context.get() == &context && registry.remove(handle) != nullptr) removed++;
  }
  return removed;
}

}  // namespace

Runtime& runtime() {
  static Runtime* const once = new Runtime();
  return *once;
}

void requireInitialized() {
  Runtime& state = runtime();
  const std::lock_guard<std::mutex> lock(state.mutex);
  require(state.initialized, acl::kUninitialize, kAclArgument, state.finalized ? "aclFinalize was called" : "aclInit was not called yet");
}

Device& deviceAt(int32_t id) {
  requireInitialized();
  auto& devices = runtime().devices;
  require(id >= 0 && static_cast<size_t>(id) < devices.size(), acl::kRtInvalidDeviceId, kRuntimeArgument,
          "device " + number(id) + " does not exist, there are " + number(devices.size()) + " (ASCEND_RT_VISIBLE_DEVICES renumbers them)");
  return *devices[static_cast<size_t>(id)];
}

std::shared_ptr<Context> currentContextOrNull() {
  requireInitialized();
  return current == nullptr ? nullptr : runtime().contexts.find(current);
}

std::shared_ptr<Context> currentContext() {
  std::shared_ptr<Context> context = currentContextOrNull();
  require(context != nullptr, acl::kRtContextNull, kRuntimeArgument,
          current == nullptr ? "ctx is NULL: this thread has no context, call aclrtSetDevice or aclrtSetCurrentContext on it"
                             : "ctx is NULL: this thread's context was destroyed, call aclrtSetDevice or aclrtSetCurrentContext on it");
  return context;
}

void setCurrentContext(const void* handle) { current = handle; }

const void* currentContextHandle() { return current; }

std::shared_ptr<Stream> streamOf(const Context& context, const void* stream) {
  if (stream == nullptr) return context.defaultStream;
  const auto found = runtime().streams.find(stream);
  require(found != nullptr, acl::kRtStreamContext, kRuntimeArgument, "stream " + describeDeadHandle(stream) + " is not in the current context");
  require(found->context.get() == &context, acl::kRtStreamContext, kRuntimeArgument,
          "stream " + hex(stream) + " is not in the current context: it belongs to another one of device " + number(found->context->device.id));
  return found->stream;
}

std::shared_ptr<Event> eventOf(const Context& context, const void* event) {
  requirePointer(event, "event");
  const auto found = runtime().events.find(event);
  require(found != nullptr, acl::kRtInvalidHandle, kRuntimeArgument, "event " + describeDeadHandle(event) + " is no live event");
  require(found->context.get() == &context, acl::kRtParamInvalid, kRuntimeArgument,
          "event " + hex(event) + " belongs to another context, of device " + number(found->context->device.id));
  return found->event;
}

std::vector<std::shared_ptr<Stream>> streamsOf(const Context& context) {
  std::vector<std::shared_ptr<Stream>> out{context.defaultStream};
  for (const auto& entry : runtime().streams.all()) {
    if (entry.second->context.get() == &context) out.push_back(entry.second->stream);
  }
  return out;
}

std::vector<std::shared_ptr<Stream>> streamsOf(const Device& device) {
  std::vector<std::shared_ptr<Stream>> out;
  for (const auto& entry : runtime().contexts.all()) {
    if (&entry.second->device != &device) continue;
    for (auto& stream : streamsOf(*entry.second)) out.push_back(std::move(stream));
  }
  return out;
}

void tearDown(const Context& context) {
  Runtime& state = runtime();
  for (const auto& stream : streamsOf(context)) stream->abort();
  size_t lost = removeOf(state.streams, context);
  lost += removeOf(state.events, context);
  lost += unloadModelsOf(context);
  state.counters.lostAtReset += static_cast<int64_t>(lost);
  context.device.streams -= context.streams;
  context.device.events -= context.events;
}

void tearDown(Device& device) {
  Runtime& state = runtime();
  for (const auto& [handle, context] : state.contexts.all()) {
    if (&context->device != &device) continue;
    tearDown(*context);
    state.contexts.remove(handle);
  }
  state.counters.lostAtReset += static_cast<int64_t>(device.memory.allocations());
  device.memory.releaseAll();
  device.primary = nullptr;
  device.setCount = 0;
  device.peers.clear();
}

}  // namespace sim
