// Streams (reference report 1.6) and events (1.7).
#include "acl/acl.h"
#include "acl/runtime.h"
#include "acl/text.h"

namespace sim {

namespace {

constexpr uint32_t kPriorities = 8;
constexpr int32_t kForever = -1;

aclrtStream createStream(uint32_t flag) {
  const auto context = currentContext();
  Device& device = context->device;
  require((flag & ~(acl::kStreamFastLaunch | acl::kStreamFastSync)) == 0, acl::kInvalidParam, kAclArgument, "stream flag " + number(flag) + " does not exist");
  if (static_cast<uint32_t>(++device.streams) > settings().chip.streams) {
    device.streams--;
    throw Failure(acl::kRtNoStreamResource, kDriverStreams, "device " + number(device.id) + " has " + number(settings().chip.streams) + " streams");
  }
  context->streams++;
  const int32_t id = ++device.lastStream;
  return runtime().streams.add(std::make_shared<StreamHandle>(StreamHandle{std::make_shared<Stream>(context.get(), id), context}));
}

// Destroys without `force` only what has nothing left to do.
void destroyStream(aclrtStream stream, bool force) {
  requirePointer(stream, "stream");
  const auto context = currentContext();
  const auto found = streamOf(*context, stream);
  if (force) found->abort();
  require(found->idle(), acl::kRtParamInvalid, kRuntimeArgument,
          "stream " + hex(stream) + " is destroyed while it has tasks to do: synchronise it, or use aclrtDestroyStreamForce");
  runtime().streams.remove(stream);
  context->streams--;
  context->device.streams--;
}

aclrtEvent createEvent(Event::Kind kind, uint32_t flag) {
  const auto context = currentContext();
  Device& device = context->device;
  if (kind != Event::Kind::Ex && static_cast<uint32_t>(++device.events) > settings().chip.events) {
    device.events--;
    throw Failure(acl::kRtNoEventResource, kDriverEvents, "device " + number(device.id) + " has " + number(settings().chip.events) + " events");
  }
  context->events++;
  return runtime().events.add(std::make_shared<EventHandle>(EventHandle{std::make_shared<Event>(context.get(), kind, flag), context}));
}

uint32_t checkedFlag(uint32_t flag) {
  constexpr uint32_t kKnown = acl::kEventSync | acl::kEventCaptureStreamProgress | acl::kEventTimeLine | acl::kEventExternal;
  require(flag != 0 && (flag & ~kKnown) == 0, acl::kInvalidParam, kAclArgument, "event flag " + number(flag) + " does not exist");
  return flag;
}

std::shared_ptr<Event> liveEvent(aclrtEvent event) { return eventOf(*currentContext(), event); }

std::shared_ptr<Ticket> recorded(const Event& event) {
  std::shared_ptr<Ticket> ticket = event.latest();
  require(ticket != nullptr, acl::kRtParamInvalid, kRuntimeArgument, "the event was never recorded");
  return ticket;
}

void notFor(const Event& event, Event::Kind kind, const char* function) {
  require(event.kind() != kind, acl::kRtFeatureNotSupport, kUnsupported, std::string(function) + " is not supported. Reason: the event was made by " +
          (kind == Event::Kind::Ex ? "aclrtCreateEventExWithFlag." : "aclrtCreateEvent."));
}

aclError synchronizeEvent(aclrtEvent event, int32_t timeout) {
  return guarded([&] {
    const auto ticket = recorded(*liveEvent(event));
    const aclError code = ticket->wait(timeout, acl::kRtEventSyncTimeout, [] { return false; });
    require(code == acl::kSuccess, code, kRuntimeTimeout, code == acl::kRtStreamAbort ? "the stream that was to record the event was aborted" : "the event is not recorded after " + number(timeout) + " ms");
    hostSaw(ticket->clock());
  });
}

}  // namespace

}  // namespace sim

using namespace sim;

aclError aclrtCreateStream(aclrtStream* stream) { return aclrtCreateStreamWithConfig(stream, 0, 0); }

aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t priority, uint32_t flag) {
  return guarded([&] {
    requirePointer(stream, "stream");
    require(priority < kPriorities, acl::kInvalidParam, kAclArgument, "stream priority " + number(priority) + " does not exist");
    *stream = createStream(flag);
  });
}

aclError aclrtDestroyStream(aclrtStream stream) {
  return guarded([&] { destroyStream(stream, false); });
}

aclError aclrtDestroyStreamForce(aclrtStream stream) {
  return guarded([&] { destroyStream(stream, true); });
}

aclError aclrtSynchronizeStream(aclrtStream stream) { return aclrtSynchronizeStreamWithTimeout(stream, kForever); }

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) {
  return guarded([&] {
    require(timeout >= kForever, acl::kInvalidParam, kAclArgument, "timeout " + number(timeout) + " is below -1");
    const auto context = currentContext();
    streamOf(*context, stream)->synchronize(timeout);
  });
}

aclError aclrtStreamQuery(aclrtStream stream, int32_t* status) {
  return guarded([&] {
    requirePointer(status, "status");
    const auto context = currentContext();
    *status = streamOf(*context, stream)->idle() ? acl::kStreamComplete : acl::kStreamNotReady;
  });
}

aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event) {
  return guarded([&] {
    const auto context = currentContext();
    const auto target = streamOf(*context, stream);
    eventOf(*context, event)->letWait(*target);
  });
}

aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode) {
  return guarded([&] {
    const auto context = currentContext();
    require(stream != nullptr, acl::kInvalidParam, kAclArgument, "the default stream has no failure mode");
    require(mode == acl::kContinueOnFailure || mode == acl::kStopOnFailure, acl::kInvalidParam, kAclArgument, "failure mode " + number(mode) + " does not exist");
    streamOf(*context, stream)->setStopOnFailure(mode == acl::kStopOnFailure);
  });
}

aclError aclrtStreamAbort(aclrtStream stream) {
  return guarded([&] {
    const auto context = currentContext();
    streamOf(*context, stream)->abort();
  });
}

aclError aclrtStreamGetId(aclrtStream stream, int32_t* streamId) {
  return guarded([&] {
    requirePointer(streamId, "streamId");
    const auto context = currentContext();
    *streamId = streamOf(*context, stream)->number();
  });
}

aclError aclrtCreateEvent(aclrtEvent* event) {
  return guarded([&] {
    requirePointer(event, "event");
    *event = createEvent(Event::Kind::Plain, 0);
  });
}

aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t flag) {
  return guarded([&] {
    requirePointer(event, "event");
    *event = createEvent(Event::Kind::WithFlag, checkedFlag(flag));
  });
}

aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t flag) {
  return guarded([&] {
    requirePointer(event, "event");
    *event = createEvent(Event::Kind::Ex, checkedFlag(flag));
  });
}

aclError aclrtDestroyEvent(aclrtEvent event) {
  return guarded([&] {
    const auto found = liveEvent(event);
    const auto ticket = found->latest();
    require(found->waitsDone() && (ticket == nullptr || ticket->settled()), acl::kRtParamInvalid, kRuntimeArgument,
            "event " + hex(event) + " is destroyed while a stream is to record it or waits for it: synchronise first");
    const auto handle = runtime().events.remove(event);
    handle->context->events--;
    if (found->kind() != Event::Kind::Ex) handle->context->device.events--;
  });
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream) {
  return guarded([&] {
    const auto context = currentContext();
    const auto target = streamOf(*context, stream);
    eventOf(*context, event)->record(*target);
  });
}

// Only events of aclrtCreateEventWithFlag can be reset; the stream forgets the recording when it gets there.
aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream) {
  return guarded([&] {
    const auto context = currentContext();
    const auto target = streamOf(*context, stream);
    const auto found = eventOf(*context, event);
    notFor(*found, Event::Kind::Plain, "aclrtResetEvent");
    notFor(*found, Event::Kind::Ex, "aclrtResetEvent");
    found->reset(*target);
  });
}

aclError aclrtQueryEvent(aclrtEvent event, int32_t* status) {
  return guarded([&] {
    requirePointer(status, "status");
    const auto found = liveEvent(event);
    notFor(*found, Event::Kind::Ex, "aclrtQueryEvent");
    *status = recorded(*found)->passed() ? acl::kEventComplete : acl::kEventNotReady;
  });
}

aclError aclrtQueryEventStatus(aclrtEvent event, int32_t* status) {
  return guarded([&] {
    requirePointer(status, "status");
    const auto ticket = liveEvent(event)->latest();
    *status = ticket != nullptr && ticket->passed() ? acl::kEventRecordedComplete : acl::kEventRecordedNotReady;
    if (*status == acl::kEventRecordedComplete) hostSaw(ticket->clock());
  });
}

aclError aclrtQueryEventWaitStatus(aclrtEvent event, int32_t* status) {
  return guarded([&] {
    requirePointer(status, "status");
    const auto found = liveEvent(event);
    notFor(*found, Event::Kind::Ex, "aclrtQueryEventWaitStatus");
    *status = found->waitsDone() ? acl::kWaitComplete : acl::kWaitNotReady;
  });
}

aclError aclrtSynchronizeEvent(aclrtEvent event) { return synchronizeEvent(event, kForever); }

aclError aclrtSynchronizeEventWithTimeout(aclrtEvent event, int32_t timeout) { return synchronizeEvent(event, timeout); }

aclError aclrtEventElapsedTime(float* ms, aclrtEvent startEvent, aclrtEvent endEvent) {
  return guarded([&] {
    requirePointer(ms, "ms");
    const auto start = liveEvent(startEvent), end = liveEvent(endEvent);
    require(start->hasTime() && end->hasTime(), acl::kRtParamInvalid, kRuntimeArgument, "the events have no time: make them with ACL_EVENT_TIME_LINE");
    const auto from = recorded(*start), to = recorded(*end);
    require(from->passed() && to->passed(), acl::kRtEventTimestampInvalid, kRuntimeArgument, "the events are not complete yet");
    *ms = std::chrono::duration<float, std::milli>(to->time() - from->time()).count();
  });
}

// Microseconds of the device's clock.
aclError aclrtEventGetTimestamp(aclrtEvent event, uint64_t* timestamp) {
  return guarded([&] {
    requirePointer(timestamp, "timestamp");
    const auto found = liveEvent(event);
    require(found->hasTime(), acl::kRtParamInvalid, kRuntimeArgument, "the event has no time: make it with ACL_EVENT_TIME_LINE");
    const auto ticket = recorded(*found);
    require(ticket->passed(), acl::kRtEventTimestampInvalid, kRuntimeArgument, "the event is not complete yet");
    *timestamp = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(ticket->time().time_since_epoch()).count());
  });
}
