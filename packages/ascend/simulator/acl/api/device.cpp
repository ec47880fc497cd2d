// Devices (reference report 1.4) and contexts (1.5).
#include "acl/acl.h"
#include "acl/execution.h"
#include "acl/runtime.h"
#include "acl/text.h"

namespace sim {

namespace {

constexpr int32_t kMemoryKinds = 12;
constexpr int64_t kL2Bytes = 32 << 20;

// The default context, made by the first aclrtSetDevice and shared by all threads that set the device.
const void* primaryOf(Device& device) {
  const std::lock_guard<std::mutex> lock(device.mutex);
  device.setCount++;
  if (device.primary == nullptr) device.primary = runtime().contexts.add(std::make_shared<Context>(device, true));
  return device.primary;
}

size_t explicitContexts(const Device& device) {
  size_t count = 0;
  for (const auto& entry : runtime().contexts.all()) count += &entry.second->device == &device && !entry.second->primary ? 1 : 0;
  return count;
}

// The last reset waits for what runs, as documented, then gives everything of the device back.
void reset(Device& device, bool force) {
  const std::lock_guard<std::mutex> lock(device.mutex);
  require(device.setCount > 0, acl::kRtParamInvalid, kRuntimeArgument, "device " + number(device.id) + " was reset more often than it was set");
  if (!force && --device.setCount > 0) return;
  const size_t contexts = explicitContexts(device);
  if (!force && contexts > 0) {
    device.setCount++;
    throw Failure(acl::kRtParamInvalid, kRuntimeArgument, "device " + number(device.id) + " is reset while " + number(contexts) + " contexts of aclrtCreateContext are alive: destroy them first");
  }
  for (const auto& stream : streamsOf(device)) {
    if (force) {
      stream->abort();
    } else {
      stream->waitForTasks();
    }
  }
  tearDown(device);
}

aclError synchronizeDevice(int32_t timeout) {
  return guarded([&] {
    const auto context = currentContext();
    for (const auto& stream : streamsOf(context->device)) stream->synchronize(timeout);
  });
}

}  // namespace

}  // namespace sim

using namespace sim;

aclError aclrtSetDevice(int32_t deviceId) {
  return guarded([&] { setCurrentContext(primaryOf(deviceAt(deviceId))); });
}

aclError aclrtResetDevice(int32_t deviceId) {
  return guarded([&] { reset(deviceAt(deviceId), false); });
}

aclError aclrtResetDeviceForce(int32_t deviceId) {
  return guarded([&] { reset(deviceAt(deviceId), true); });
}

aclError aclrtGetDevice(int32_t* deviceId) {
  return guarded([&] {
    requirePointer(deviceId, "deviceId");
    *deviceId = currentContext()->device.id;
  });
}

aclError aclrtGetDeviceCount(uint32_t* count) {
  return guarded([&] {
    requirePointer(count, "count");
    requireInitialized();
    *count = static_cast<uint32_t>(runtime().devices.size());
  });
}

aclError aclrtGetRunMode(int32_t* runMode) {
  return guarded([&] {
    requirePointer(runMode, "runMode");
    currentContext();
    *runMode = acl::kRunModeHost;
  });
}

// Every kind of memory is the device's one memory; asking a chip without HBM for HBM gives its DDR, as on the device.
aclError aclrtGetMemInfo(int32_t attr, size_t* free, size_t* total) {
  return guarded([&] {
    requirePointer(free, "free");
    requirePointer(total, "total");
    const auto context = currentContext();
    require(attr >= 0 && attr < kMemoryKinds, acl::kRtParamInvalid, kRuntimeArgument, "memory kind " + number(attr) + " does not exist");
    const DeviceMemory& memory = context->device.memory;
    *total = memory.totalBytes();
    *free = memory.totalBytes() - memory.usedBytes();
  });
}

aclError aclrtQueryDeviceStatus(int32_t deviceId, int32_t* deviceStatus) {
  return guarded([&] {
    requirePointer(deviceStatus, "deviceStatus");
    deviceAt(deviceId);
    *deviceStatus = 0;
  });
}

aclError aclrtSynchronizeDevice() { return synchronizeDevice(-1); }

aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout) { return synchronizeDevice(timeout); }

aclError aclrtGetDeviceUtilizationRate(int32_t deviceId, aclrtUtilizationInfo* utilizationInfo) {
  return guarded([&] {
    requirePointer(utilizationInfo, "utilizationInfo");
    const Device& device = deviceAt(deviceId);
    bool busy = false;
    for (const auto& stream : streamsOf(device)) busy = busy || !stream->idle();
    const int32_t memory = static_cast<int32_t>(100 * device.memory.usedBytes() / device.memory.totalBytes());
    *utilizationInfo = {busy ? 100 : 0, busy ? 100 : 0, 0, memory, nullptr};
  });
}

aclError aclGetDeviceCapability(uint32_t deviceId, int32_t deviceInfo, int64_t* value) {
  return guarded([&] {
    requirePointer(value, "value");
    deviceAt(static_cast<int32_t>(deviceId));
    const Chip& chip = settings().chip;
    const int64_t known[] = {chip.aiCores, chip.vectorCores, kL2Bytes};
    require(deviceInfo >= 0 && deviceInfo < 3, acl::kInvalidParam, kAclArgument, "capability " + number(deviceInfo) + " does not exist");
    *value = known[deviceInfo];
  });
}

aclError aclrtDeviceCanAccessPeer(int32_t* canAccessPeer, int32_t deviceId, int32_t peerDeviceId) {
  return guarded([&] {
    requirePointer(canAccessPeer, "canAccessPeer");
    deviceAt(peerDeviceId);
    *canAccessPeer = deviceAt(deviceId).id == peerDeviceId ? 0 : 1;
  });
}

aclError aclrtDeviceEnablePeerAccess(int32_t peerDeviceId, uint32_t flags) {
  return guarded([&] {
    Device& device = currentContext()->device;
    deviceAt(peerDeviceId);
    require(flags == 0 && peerDeviceId != device.id, acl::kInvalidParam, kAclArgument, "flags must be 0 and the peer another device");
    const std::lock_guard<std::mutex> lock(device.mutex);
    device.peers.insert(peerDeviceId);
  });
}

aclError aclrtDeviceDisablePeerAccess(int32_t peerDeviceId) {
  return guarded([&] {
    Device& device = currentContext()->device;
    deviceAt(peerDeviceId);
    const std::lock_guard<std::mutex> lock(device.mutex);
    device.peers.erase(peerDeviceId);
  });
}

aclError aclrtSetDeviceSatMode(int32_t mode) {
  return guarded([&] {
    Device& device = currentContext()->device;
    require(mode == acl::kSaturation || mode == acl::kInfNan, acl::kInvalidParam, kAclArgument, "overflow mode " + number(mode) + " does not exist");
    require(mode == acl::kSaturation || settings().chip.infNan, acl::kRtFeatureNotSupport, kUnsupported,
            std::string("ACL_RT_OVERFLOW_MODE_INFNAN is not supported. Reason: ") + settings().chip.socName + " saturates.");
    device.overflowMode = mode;
  });
}

aclError aclrtGetDeviceSatMode(int32_t* mode) {
  return guarded([&] {
    requirePointer(mode, "mode");
    *mode = currentContext()->device.overflowMode;
  });
}

aclError aclrtSetOpExecuteTimeOut(uint32_t timeout) {
  return guarded([&] {
    currentContext();
    setExecutionTimeout(timeout);
  });
}

aclError aclrtSetOpWaitTimeout(uint32_t timeout) {
  return guarded([&] {
    currentContext();
    setWaitTimeout(timeout);
  });
}

aclError aclrtCreateContext(aclrtContext* context, int32_t deviceId) {
  return guarded([&] {
    requirePointer(context, "context");
    *context = runtime().contexts.add(std::make_shared<Context>(deviceAt(deviceId), false));
    setCurrentContext(*context);
  });
}

aclError aclrtDestroyContext(aclrtContext context) {
  return guarded([&] {
    requirePointer(context, "context");
    requireInitialized();
    const auto found = runtime().contexts.find(context);
    require(found != nullptr, acl::kRtParamInvalid, kRuntimeArgument, "context " + describeDeadHandle(context) + " is no live context");
    require(!found->primary, acl::kRtParamInvalid, kRuntimeArgument, "the default context is destroyed by aclrtResetDevice only");
    require(found->streams == 0 && found->events == 0 && found->models == 0, acl::kRtParamInvalid, kRuntimeArgument,
            "the context still has " + number(found->streams) + " streams, " + number(found->events) + " events and " + number(found->models) +
                " models: the order is models and events, streams, contexts, aclrtResetDevice, aclFinalize");
    found->defaultStream->waitForTasks();
    runtime().contexts.remove(context);
  });
}

aclError aclrtSetCurrentContext(aclrtContext context) {
  return guarded([&] {
    requirePointer(context, "context");
    requireInitialized();
    require(runtime().contexts.find(context) != nullptr, acl::kRtParamInvalid, kRuntimeArgument, "context " + describeDeadHandle(context) + " is no live context");
    setCurrentContext(context);
  });
}

aclError aclrtGetCurrentContext(aclrtContext* context) {
  return guarded([&] {
    requirePointer(context, "context");
    currentContext();
    *context = const_cast<void*>(currentContextHandle());
  });
}

// Deterministic kernels are the only parameter; the simulator's are.
aclError aclrtSetSysParamOpt(int32_t opt, int64_t value) {
  return guarded([&] {
    requireInitialized();
    require(opt == 0 && (value == 0 || value == 1), acl::kInvalidParam, kAclArgument, "parameter " + number(opt) + " with value " + number(value) + " does not exist");
  });
}

aclError aclrtCtxSetSysParamOpt(int32_t opt, int64_t value) {
  const aclError code = guarded([] { currentContext(); });
  return code != acl::kSuccess ? code : aclrtSetSysParamOpt(opt, value);
}
