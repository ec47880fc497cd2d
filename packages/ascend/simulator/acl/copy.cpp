#include "copy.h"

#include <cstring>

#include "text.h"

namespace sim {

namespace {

// Throws Failure 107000: device memory that is not allocated, or of a device whose memory this one may not reach.
Place placeOf(const Context& context, void* address, size_t bytes) {
  for (const auto& device : runtime().devices) {
    if (!device->memory.contains(address)) continue;
    const bool reachable = device.get() == &context.device || context.device.peers.count(device->id) > 0;
    require(reachable, acl::kRtParamInvalid, kRuntimeArgument,
            hex(address) + " is memory of device " + number(device->id) + ", the current context's is device " + number(context.device.id) +
                ": enable it with aclrtDeviceEnablePeerAccess");
    DeviceRange range = device->memory.find(address, bytes);
    require(range.block != nullptr, acl::kRtParamInvalid, kRuntimeArgument,
            number(bytes) + " bytes at " + hex(address) + " are not inside one live allocation of device " + number(device->id));
    char* reach = static_cast<char*>(range.alias);
    return {device.get(), std::move(range), nullptr, reach};
  }
  return {nullptr, {}, runtime().pinned.find(address, bytes), static_cast<char*>(address)};
}

Place deviceOnly(const Context& context, void* address, size_t bytes) {
  Place place = placeOf(context, address, bytes);
  require(place.device != nullptr, acl::kRtParamInvalid, kRuntimeArgument, hex(address) + " is no device memory");
  return place;
}

struct Copy {
  Place target;
  Place source;
  Rows rows;

  void run() const {
    for (size_t row = 0; row < rows.height; row++) {
      std::memmove(target.reach + row * rows.targetPitch, source.reach + row * rows.sourcePitch, rows.width);
    }
    const auto bytes = static_cast<int64_t>(rows.width * rows.height);
    Counters& counters = runtime().counters;
    if (target.device != nullptr && source.device == nullptr) counters.hostToDevice += bytes;
    if (target.device == nullptr && source.device != nullptr) counters.deviceToHost += bytes;
    if (target.device != nullptr && source.device != nullptr) counters.deviceToDevice += bytes;
  }
};

// Trunk deduces the direction from the addresses, older releases believe the kind: only a right one works with both.
void checkKind(const Copy& copy, int32_t kind) {
  const bool to = copy.target.device != nullptr, from = copy.source.device != nullptr;
  const auto expect = [&](bool fits) {
    require(fits, acl::kRtParamInvalid, kRuntimeArgument,
            "copy kind " + number(kind) + " does not fit: the target is on the " + (to ? "device" : "host") + ", the source on the " + (from ? "device" : "host"));
  };
  switch (kind) {
    case acl::kHostToHost: return expect(!to && !from);
    case acl::kHostToDevice:
    case acl::kHostToBufToDevice: return expect(to && !from);
    case acl::kDeviceToHost: return expect(!to && from);
    case acl::kDeviceToDevice: return expect(to && from);
    case acl::kDefault: return;
    case acl::kInnerDevice: return expect(to && from && copy.target.device == copy.source.device);
    case acl::kInterDevice: return expect(to && from && copy.target.device != copy.source.device);
    default: throw Failure(acl::kInvalidParam, kAclArgument, "copy kind " + number(kind) + " does not exist");
  }
}

size_t extent(size_t width, size_t height, size_t pitch) { return (height - 1) * pitch + width; }

Copy checkedCopy(const Context& context, void* target, const void* source, const Rows& rows, int32_t kind) {
  requirePointer(target, "dst");
  requirePointer(source, "src");
  Copy copy{placeOf(context, target, extent(rows.width, rows.height, rows.targetPitch)),
            placeOf(context, const_cast<void*>(source), extent(rows.width, rows.height, rows.sourcePitch)), rows};
  checkKind(copy, kind);
  return copy;
}

std::vector<Use> usesOf(const Place& place) {
  std::vector<Use> out;
  if (place.range.block != nullptr) out.emplace_back(place.range.block);
  if (place.pinned != nullptr) out.emplace_back(place.pinned);
  return out;
}

void checkFill(size_t limit, size_t count) {
  require(count <= limit, acl::kRtParamInvalid, kRuntimeArgument, "count " + number(count) + " is more than maxCount " + number(limit));
}

}  // namespace

void copyNow(void* target, const void* source, const Rows& rows, int32_t kind) {
  const auto context = currentContext();
  require(kind != acl::kInnerDevice && kind != acl::kInterDevice, acl::kInvalidParam, kAclArgument, "copy kind " + number(kind) + " is for asynchronous copies only");
  checkedCopy(*context, target, source, rows, kind).run();
}

void copyOnStream(void* target, const void* source, const Rows& rows, int32_t kind, aclrtStream stream) {
  const auto context = currentContext();
  const auto queue = streamOf(*context, stream);
  const Copy copy = checkedCopy(*context, target, source, rows, kind);
  require(copy.target.device != nullptr || copy.source.device != nullptr, acl::kRtFeatureNotSupport, kUnsupported,
          "Asynchronous copy from host to host is not supported. Reason: the device takes no part in it.");
  const bool pageable = (copy.target.device == nullptr && copy.target.pinned == nullptr) || (copy.source.device == nullptr && copy.source.pinned == nullptr);
  Task task;
  task.run = [copy] {
    copy.run();
    return acl::kSuccess;
  };
  task.uses = usesOf(copy.target);
  for (Use& use : usesOf(copy.source)) task.uses.push_back(std::move(use));
  queue->enqueue(std::move(task));
  if (!pageable) return;
  runtime().counters.pageableCopies++;
  queue->waitForTasks();
}

void fillNow(void* target, size_t limit, int32_t value, size_t count) {
  const auto context = currentContext();
  requirePointer(target, "devPtr");
  checkFill(limit, count);
  std::memset(deviceOnly(*context, target, count).reach, value, count);
}

void fillOnStream(void* target, size_t limit, int32_t value, size_t count, aclrtStream stream) {
  const auto context = currentContext();
  const auto queue = streamOf(*context, stream);
  requirePointer(target, "devPtr");
  checkFill(limit, count);
  const Place place = deviceOnly(*context, target, count);
  Task task;
  task.run = [reach = place.reach, value, count] {
    std::memset(reach, value, count);
    return acl::kSuccess;
  };
  task.uses = usesOf(place);
  queue->enqueue(std::move(task));
}

}  // namespace sim
