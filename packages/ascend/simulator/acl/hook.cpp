// sim/stream.h: the door for libhccl.
#include "sim/stream.h"

#include "runtime.h"
#include "text.h"

namespace sim {

namespace {

thread_local std::shared_ptr<Context> taskContext;

std::shared_ptr<Context> here() { return taskContext != nullptr ? taskContext : currentContextOrNull(); }

}  // namespace

aclError enqueue(aclrtStream stream, std::function<aclError()> task) {
  return guarded([&] {
    const auto context = currentContext();
    const auto queue = streamOf(*context, stream);
    Task wrapped;
    wrapped.run = [context, body = std::move(task)] {
      taskContext = context;
      const aclError code = body();
      taskContext = nullptr;
      return code;
    };
    queue->enqueue(std::move(wrapped));
  });
}

void* deviceMemory(const void* address, size_t size) {
  return guardedValue<void*>(nullptr, [&] {
    const auto context = here();
    require(context != nullptr, acl::kRtContextNull, kRuntimeArgument, "ctx is NULL");
    return context->device.memory.find(address, size).alias;
  });
}

void setTaskError(const std::string& text) { setRunningTaskText(text); }

bool taskAborted() { return runningTaskAborted(); }

int currentDevice() {
  return guardedValue<int>(-1, [] {
    const auto context = here();
    return context == nullptr ? -1 : context->device.id;
  });
}

void setRecentError(const char* id, const std::string& text) { recordMessage(id, text); }

}  // namespace sim
