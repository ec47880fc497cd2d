// The state of the simulator in this process: devices, contexts, and the registries of everything a caller holds.
//
// One object, made at the first call and never destroyed: threads of streams and of ONNX Runtime may outlive main.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "acl/types.h"
#include "common/settings.h"
#include "deviceMemory.h"
#include "event.h"
#include "failure.h"
#include "hostMemory.h"
#include "objects.h"
#include "registry.h"
#include "stream.h"

namespace sim {

class ModelDesc;
class LoadedModel;

struct Device {
  Device(int32_t logical, uint64_t bytes) : id(logical), memory(logical, bytes) {}
  const int32_t id;
  DeviceMemory memory;
  std::mutex mutex;
  int setCount = 0;                  // aclrtSetDevice minus aclrtResetDevice
  const void* primary = nullptr;     // handle of the default context
  std::atomic<int> streams{0};       // made by the caller
  std::atomic<int> events{0};
  std::atomic<int32_t> lastStream{0};  // number of the last one made
  std::atomic<int32_t> overflowMode{acl::kSaturation};
  std::set<int32_t> peers;           // devices whose memory this one may reach
};

// Streams, events and models belong to the context they were made in.
struct Context {
  Context(Device& on, bool isPrimary) : device(on), primary(isPrimary), defaultStream(std::make_shared<Stream>(this, 0)) {}
  Device& device;
  const bool primary;
  const std::shared_ptr<Stream> defaultStream;
  std::atomic<int> streams{0};
  std::atomic<int> events{0};
  std::atomic<int> models{0};
};

struct StreamHandle {
  std::shared_ptr<Stream> stream;
  std::shared_ptr<Context> context;
};

struct EventHandle {
  std::shared_ptr<Event> event;
  std::shared_ptr<Context> context;
};

struct Counters {
  std::atomic<int64_t> hostToDevice{0};  // bytes
  std::atomic<int64_t> deviceToHost{0};
  std::atomic<int64_t> deviceToDevice{0};
  std::atomic<int64_t> pageableCopies{0};  // asynchronous copies that had to block, because the host's memory was not pinned
  std::atomic<int64_t> allocations{0};
  std::atomic<int64_t> executions{0};
  std::atomic<int64_t> loads{0};
  std::atomic<int64_t> lostAtReset{0};  // streams, events, models and device allocations that a reset or the end had to clean up
};

struct Runtime {
  std::mutex mutex;  // of the three below
  bool initialized = false;
  bool finalized = false;
  std::string config;

  std::vector<std::unique_ptr<Device>> devices;
  HostMemory pinned;
  Registry<Context> contexts;
  Registry<StreamHandle> streams;
  Registry<EventHandle> events;
  Registry<DataBuffer> dataBuffers;
  Registry<Dataset> datasets;
  Registry<TensorDesc> tensorDescs;
  Registry<ModelDesc> modelDescs;
  Registry<ModelConfig> modelConfigs;
  Registry<ExecConfig> execConfigs;
  std::atomic<int64_t> models{0};  // loaded now
  Counters counters;
};

Runtime& runtime();

// Throws Failure 100001.
void requireInitialized();

// The device with this (logical) number. Throws Failure 107001.
Device& deviceAt(int32_t id);

// The calling thread's context. Throws Failure 107002 when it has none, or when that was destroyed; 100001 before aclInit.
std::shared_ptr<Context> currentContext();
// Null instead of 107002.
std::shared_ptr<Context> currentContextOrNull();
void setCurrentContext(const void* handle);
const void* currentContextHandle();

// `stream` of the current context; null: its default stream. Throws Failure 107003.
std::shared_ptr<Stream> streamOf(const Context& context, const void* stream);
// Throws Failure 107017 for no live event, 107000 for one of another context.
std::shared_ptr<Event> eventOf(const Context& context, const void* event);

// All streams of a context or of a device.
std::vector<std::shared_ptr<Stream>> streamsOf(const Context& context);
std::vector<std::shared_ptr<Stream>> streamsOf(const Device& device);

// Gives back everything of a context / a device; running tasks are stopped where they can be.
void tearDown(const Context& context);
void tearDown(Device& device);

// Live counts and counters as JSON: docs/ascend/simulator.md.
std::string statsJson();

// To OMMA_ASCEND_SIM_STATS. Throws Failure 100003 when it cannot be written.
void writeStats(const std::string& json);

}  // namespace sim
