// Memory (reference report 1.8).
#include "acl/acl.h"
#include "acl/copy.h"
#include "acl/text.h"

namespace sim {

namespace {

aclError allocate(void** pointer, size_t size, bool extra) {
  return guarded([&] {
    requirePointer(pointer, "devPtr");
    require(size > 0, acl::kInvalidParam, kAclArgument, "Value [0] for [size] is invalid. Reason: it must be greater than zero.");
    const auto context = currentContext();
    const int64_t serial = ++runtime().counters.allocations;
    require(serial != settings().faults.outOfMemory, acl::kRtMemoryAllocation, kDriverMemory,
            "(injected by OMMA_ASCEND_SIM_FAULT at allocation " + number(serial) + " of " + number(size) + " bytes)");
    *pointer = context->device.memory.allocate(size, extra);
  });
}

Rows oneRow(size_t bytes) { return {bytes, 1, bytes, bytes}; }

void checkCount(size_t count, size_t limit) {
  require(count <= limit, acl::kRtParamInvalid, kRuntimeArgument, "count " + number(count) + " is more than destMax " + number(limit));
}

void checkPitches(const Rows& rows) {
  require(rows.width > 0 && rows.height > 0 && rows.width <= rows.targetPitch && rows.width <= rows.sourcePitch, acl::kInvalidParam, kAclArgument,
          "width " + number(rows.width) + " must be at least 1 and at most the pitches " + number(rows.targetPitch) + " and " + number(rows.sourcePitch));
}

}  // namespace

}  // namespace sim

using namespace sim;

aclError aclrtMalloc(void** devPtr, size_t size, int32_t /*policy*/) { return allocate(devPtr, size, true); }

aclError aclrtMallocAlign32(void** devPtr, size_t size, int32_t /*policy*/) { return allocate(devPtr, size, false); }

aclError aclrtMallocCached(void** devPtr, size_t size, int32_t /*policy*/) { return allocate(devPtr, size, true); }

aclError aclrtMallocWithCfg(void** devPtr, size_t size, int32_t /*policy*/, aclrtMallocConfig* cfg) {
  if (cfg != nullptr) {
    return guarded([] { throw Failure(acl::kRtFeatureNotSupport, kUnsupported, "aclrtMallocConfig is not supported. Reason: the simulator knows none of its attributes."); });
  }
  return allocate(devPtr, size, true);
}

aclError aclrtFree(void* devPtr) {
  return guarded([&] {
    requirePointer(devPtr, "devPtr");
    currentContext()->device.memory.release(devPtr);
  });
}

aclError aclrtMallocHost(void** hostPtr, size_t size) {
  return guarded([&] {
    requirePointer(hostPtr, "hostPtr");
    require(size > 0, acl::kInvalidParam, kAclArgument, "Value [0] for [size] is invalid. Reason: it must be greater than zero.");
    currentContext();
    *hostPtr = runtime().pinned.allocate(size);
  });
}

aclError aclrtFreeHost(void* hostPtr) {
  return guarded([&] {
    requirePointer(hostPtr, "hostPtr");
    currentContext();
    runtime().pinned.release(hostPtr);
  });
}

aclError aclrtMemset(void* devPtr, size_t maxCount, int32_t value, size_t count) {
  return guarded([&] {
    if (count == 0) return;
    fillNow(devPtr, maxCount, value, count);
  });
}

aclError aclrtMemsetAsync(void* devPtr, size_t maxCount, int32_t value, size_t count, aclrtStream stream) {
  return guarded([&] {
    if (count == 0) return;
    fillOnStream(devPtr, maxCount, value, count, stream);
  });
}

aclError aclrtMemcpy(void* dst, size_t destMax, const void* src, size_t count, int32_t kind) {
  return guarded([&] {
    if (count == 0) return;
    checkCount(count, destMax);
    copyNow(dst, src, oneRow(count), kind);
  });
}

aclError aclrtMemcpyAsync(void* dst, size_t destMax, const void* src, size_t count, int32_t kind, aclrtStream stream) {
  return guarded([&] {
    if (count == 0) return;
    checkCount(count, destMax);
    copyOnStream(dst, src, oneRow(count), kind, stream);
  });
}

aclError aclrtMemcpy2d(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height, int32_t kind) {
  return guarded([&] {
    const Rows rows{width, height, dpitch, spitch};
    checkPitches(rows);
    copyNow(dst, src, rows, kind);
  });
}

aclError aclrtMemcpy2dAsync(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height, int32_t kind, aclrtStream stream) {
  return guarded([&] {
    const Rows rows{width, height, dpitch, spitch};
    checkPitches(rows);
    copyOnStream(dst, src, rows, kind, stream);
  });
}
