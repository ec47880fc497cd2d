// Streams, events, and the door for libhccl.
#include <atomic>
#include <chrono>
#include <thread>

#include "harness.h"
#include "sim/stream.h"

namespace {

using namespace test;
using std::chrono::milliseconds;

constexpr aclError kKernelError = 507015;

aclrtStream stream() {
  aclrtStream made = nullptr;
  OK(aclrtCreateStream(&made));
  return made;
}

aclrtEvent event() {
  aclrtEvent made = nullptr;
  OK(aclrtCreateEvent(&made));
  return made;
}

// A task that waits until `go`, or until its stream is aborted.
void enqueueGate(aclrtStream on, const std::atomic<bool>& go) {
  OK(sim::enqueue(on, [&go] {
    while (!go && !sim::taskAborted()) std::this_thread::sleep_for(milliseconds(1));
    return 0;
  }));
}

CASE({"a stream of another context, a destroyed one and a made-up one are 107003", {}, [] {
  start();
  const aclrtStream first = stream();
  OK(aclrtDestroyStream(first));
  CODE(aclrtSynchronizeStream(first), 107003);
  expectMessage("destroyed already");
  CODE(aclrtDestroyStream(first), 107003);
  int local = 0;
  CODE(aclrtSynchronizeStream(&local), 107003);
  expectMessage("not a handle of this library");
  const aclrtStream mine = stream();
  OK(aclrtSetDevice(1));
  CODE(aclrtSynchronizeStream(mine), 107003);
  CODE(aclrtDestroyStream(mine), 107003);
}});

CASE({"tasks run later, in order, on another thread", {}, [] {
  start();
  std::atomic<bool> go{false};
  std::string order;
  std::thread::id where;
  enqueueGate(nullptr, go);
  OK(sim::enqueue(nullptr, [&] { order += "a"; where = std::this_thread::get_id(); return 0; }));
  OK(sim::enqueue(nullptr, [&] { order += "b"; return 0; }));
  int32_t status = 0;
  OK(aclrtStreamQuery(nullptr, &status));
  CHECK(status == 1);
  go = true;
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(order == "ab" && where != std::this_thread::get_id());
  OK(aclrtStreamQuery(nullptr, &status));
  CHECK(status == 0);
}});

CASE({"a synchronisation that takes too long is 507046 and leaves the stream as it is", {}, [] {
  start();
  std::atomic<bool> go{false};
  enqueueGate(nullptr, go);
  CODE(aclrtSynchronizeStreamWithTimeout(nullptr, 20), 507046);
  expectMessage("EE1002");
  CODE(aclrtSynchronizeDeviceWithTimeout(20), 507046);
  go = true;
  OK(aclrtSynchronizeStreamWithTimeout(nullptr, 2000));
}});

CASE({"a failed task is reported by the next synchronisation, once; the stream goes on", {}, [] {
  start();
  bool ran = false;
  OK(sim::enqueue(nullptr, [] { sim::setTaskError("what went wrong"); return kKernelError; }));
  OK(sim::enqueue(nullptr, [&] { ran = true; return 0; }));
  CODE(aclrtSynchronizeStream(nullptr), kKernelError);
  expectMessage("what went wrong");
  CHECK(ran);
  OK(aclrtSynchronizeStream(nullptr));
}});

CASE({"a stream that stops on failure drops what comes after, and says so until it is destroyed", {}, [] {
  start();
  const aclrtStream stopping = stream();
  OK(aclrtSetStreamFailureMode(stopping, 1));
  CODE(aclrtSetStreamFailureMode(nullptr, 1), 100000);
  std::atomic<bool> go{false};
  bool ran = false;
  enqueueGate(stopping, go);
  OK(sim::enqueue(stopping, [] { return kKernelError; }));
  OK(sim::enqueue(stopping, [&] { ran = true; return 0; }));
  go = true;
  CODE(aclrtSynchronizeStream(stopping), kKernelError);
  CODE(aclrtSynchronizeStream(stopping), kKernelError);
  CODE(sim::enqueue(stopping, [] { return 0; }), kKernelError);
  CHECK(!ran);
  OK(aclrtDestroyStream(stopping));
}});

CASE({"a stream with tasks is destroyed only by force, which ends what runs", {}, [] {
  start();
  const aclrtStream busy = stream();
  const std::atomic<bool> never{false};
  enqueueGate(busy, never);
  CODE(aclrtDestroyStream(busy), 107000);
  OK(aclrtDestroyStreamForce(busy));
  CHECK(stat("streams") == 0);
}});

CASE({"aborting a stream ends what runs, drops the rest, and wakes who waits with 107023", {}, [] {
  start();
  const aclrtStream busy = stream();
  const std::atomic<bool> never{false};
  bool ran = false;
  enqueueGate(busy, never);
  OK(sim::enqueue(busy, [&] { ran = true; return 0; }));
  aclrtContext context = nullptr;
  OK(aclrtGetCurrentContext(&context));
  aclError code = 0;
  std::thread waiting([&] {
    OK(aclrtSetCurrentContext(context));
    code = aclrtSynchronizeStream(busy);
  });
  std::this_thread::sleep_for(milliseconds(50));
  OK(aclrtStreamAbort(busy));
  waiting.join();
  CODE(code, 107023);
  CHECK(!ran);
  OK(aclrtSynchronizeStream(busy));
}});

CASE({"a device that is reset by force stops what hangs", {}, [] {
  start();
  const std::atomic<bool> never{false};
  enqueueGate(stream(), never);
  enqueueGate(nullptr, never);
  OK(aclrtResetDeviceForce(0));
  CHECK(stat("streams") == 0);
}});

CASE({"a device has as many streams and events as its chip, no more", {{"OMMA_ASCEND_SIM_SOC", "Ascend310P3"}}, [] {
  start();
  for (int i = 0; i < 1024; i++) stream();
  aclrtStream more = nullptr;
  CODE(aclrtCreateStream(&more), 207008);
  for (int i = 0; i < 1023; i++) event();
  aclrtEvent one = nullptr;
  CODE(aclrtCreateEvent(&one), 207007);
  OK(aclrtCreateEventExWithFlag(&one, 1));
}});

CASE({"a stream waits for an event of another stream", {}, [] {
  start();
  const aclrtStream first = stream(), second = stream();
  const aclrtEvent done = event();
  std::atomic<bool> go{false};
  std::atomic<int> value{0};
  enqueueGate(first, go);
  OK(sim::enqueue(first, [&] { value = 1; return 0; }));
  OK(aclrtRecordEvent(done, first));
  OK(aclrtStreamWaitEvent(second, done));
  int seen = -1;
  OK(sim::enqueue(second, [&] { seen = value; return 0; }));
  CODE(aclrtSynchronizeStreamWithTimeout(second, 20), 507046);
  CHECK(seen == -1);
  go = true;
  OK(aclrtSynchronizeStream(second));
  CHECK(seen == 1);
}});

CASE({"the two kinds of event status are the wrong way round from each other", {}, [] {
  start();
  const aclrtEvent mark = event();
  std::atomic<bool> go{false};
  enqueueGate(nullptr, go);
  OK(aclrtRecordEvent(mark, nullptr));
  int32_t status = -1;
  OK(aclrtQueryEvent(mark, &status));
  CHECK(status == 1);
  OK(aclrtQueryEventStatus(mark, &status));
  CHECK(status == 0);
  CODE(aclrtSynchronizeEventWithTimeout(mark, 20), 507047);
  CODE(aclrtDestroyEvent(mark), 107000);
  go = true;
  OK(aclrtSynchronizeEvent(mark));
  OK(aclrtQueryEvent(mark, &status));
  CHECK(status == 0);
  OK(aclrtQueryEventStatus(mark, &status));
  CHECK(status == 1);
  OK(aclrtDestroyEvent(mark));
}});

CASE({"an event that was never recorded is not waited for", {}, [] {
  start();
  CODE(aclrtStreamWaitEvent(nullptr, event()), 107000);
  CODE(aclrtSynchronizeEvent(event()), 107000);
}});

CASE({"times: of plain events and of those with the flag, once complete", {}, [] {
  start();
  const aclrtEvent from = event(), to = event();
  OK(aclrtRecordEvent(from, nullptr));
  OK(sim::enqueue(nullptr, [] { std::this_thread::sleep_for(milliseconds(30)); return 0; }));
  OK(aclrtRecordEvent(to, nullptr));
  float ms = 0;
  CODE(aclrtEventElapsedTime(&ms, from, to), 107006);
  OK(aclrtSynchronizeStream(nullptr));
  OK(aclrtEventElapsedTime(&ms, from, to));
  CHECK(ms >= 30 && ms < 10000);
  aclrtEvent timeless = nullptr;
  OK(aclrtCreateEventWithFlag(&timeless, 1));
  OK(aclrtRecordEvent(timeless, nullptr));
  OK(aclrtSynchronizeStream(nullptr));
  CODE(aclrtEventElapsedTime(&ms, from, timeless), 107000);
  CODE(aclrtCreateEventWithFlag(&timeless, 0x40), 100000);
}});

CASE({"events are reset only where their kind can be, and not queried where it cannot", {}, [] {
  start();
  CODE(aclrtResetEvent(event(), nullptr), 207000);
  aclrtEvent ex = nullptr, flagged = nullptr;
  OK(aclrtCreateEventExWithFlag(&ex, 1));
  CODE(aclrtResetEvent(ex, nullptr), 207000);
  int32_t status = 0;
  OK(aclrtRecordEvent(ex, nullptr));
  CODE(aclrtQueryEvent(ex, &status), 207000);
  CODE(aclrtQueryEventWaitStatus(ex, &status), 207000);
  OK(aclrtCreateEventWithFlag(&flagged, 1));
  OK(aclrtRecordEvent(flagged, nullptr));
  OK(aclrtResetEvent(flagged, nullptr));
  CODE(aclrtSynchronizeEvent(flagged), 107000);
}});

CASE({"a dead event is 107017, one of another context 107000", {}, [] {
  start();
  const aclrtEvent mark = event(), other = event();
  OK(aclrtDestroyEvent(mark));
  CODE(aclrtRecordEvent(mark, nullptr), 107017);
  CODE(aclrtDestroyEvent(mark), 107017);
  OK(aclrtSetDevice(1));
  CODE(aclrtRecordEvent(other, nullptr), 107000);
}});

CASE({"a stream that waits for an aborted stream's event fails instead of waiting for ever", {}, [] {
  start();
  const aclrtStream first = stream(), second = stream();
  const aclrtEvent mark = event();
  const std::atomic<bool> never{false};
  enqueueGate(first, never);
  OK(aclrtRecordEvent(mark, first));
  OK(aclrtStreamWaitEvent(second, mark));
  OK(aclrtStreamAbort(first));
  CODE(aclrtSynchronizeStream(second), 107023);
}});

CASE({"inside a task the stream's device is known, outside the thread's", {}, [] {
  start();
  OK(aclrtSetDevice(1));
  CHECK(sim::currentDevice() == 1);
  int inside = -1;
  OK(sim::enqueue(nullptr, [&] { inside = sim::currentDevice(); return 0; }));
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(inside == 1);
  std::thread([] { CHECK(sim::currentDevice() == -1); CODE(sim::enqueue(nullptr, [] { return 0; }), 107002); }).join();
}});

}  // namespace
