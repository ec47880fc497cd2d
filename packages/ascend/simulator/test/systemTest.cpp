// Init, devices, contexts, messages, handles.
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "harness.h"

namespace {

using namespace test;

// A code from a thread that has done nothing yet.
aclError onFreshThread(const std::function<aclError()>& call) {
  aclError code = -1;
  std::thread([&] { code = call(); }).join();
  return code;
}

CASE({"a second aclInit is 100002, a second aclFinalize 100037, and init works again after it", {}, [] {
  OK(aclInit(nullptr));
  CODE(aclInit(nullptr), 100002);
  OK(aclFinalize());
  CODE(aclFinalize(), 100037);
  OK(aclInit(nullptr));
}});

CASE({"before aclInit every call is 100001", {}, [] {
  CODE(aclrtSetDevice(0), 100001);
  uint32_t count = 0;
  CODE(aclrtGetDeviceCount(&count), 100001);
  CHECK(aclrtGetSocName() == nullptr);
}});

CASE({"aclInit with a file that is not JSON is 100003", {}, [] {
  CODE(aclInit("/nowhere/acl.json"), 100003);
  CODE(aclInit("/proc/self/cmdline"), 100003);
}});

CASE({"a thread without a context gets 107002, whatever other threads have", {}, [] {
  start();
  void* pointer = nullptr;
  aclrtStream stream = nullptr;
  uint32_t id = 0;
  CODE(onFreshThread([&] { return aclrtMalloc(&pointer, 64, 0); }), 107002);
  CODE(onFreshThread([&] { return aclrtMallocHost(&pointer, 64); }), 107002);
  CODE(onFreshThread([&] { return aclrtCreateStream(&stream); }), 107002);
  CODE(onFreshThread([&] { return aclrtSynchronizeStream(nullptr); }), 107002);
  CODE(onFreshThread([&] { return aclrtSynchronizeDevice(); }), 107002);
  CODE(onFreshThread([&] { return aclmdlLoadFromFile("x.om", &id); }), 107002);
  CODE(onFreshThread([&] { return aclmdlExecute(1, nullptr, nullptr); }), 107002);
  CODE(onFreshThread([&] { return aclmdlUnload(1); }), 107002);
  int32_t device = 0;
  CODE(onFreshThread([&] { return aclrtGetDevice(&device); }), 107002);
  aclrtContext context = nullptr;
  CODE(onFreshThread([&] { return aclrtGetCurrentContext(&context); }), 107002);
}});

CASE({"the default context of a device is shared by the threads that set it", {}, [] {
  start();
  aclrtContext mine = nullptr, others = nullptr;
  OK(aclrtGetCurrentContext(&mine));
  std::thread([&] {
    OK(aclrtSetDevice(0));
    OK(aclrtGetCurrentContext(&others));
  }).join();
  CHECK(mine == others);
}});

CASE({"a device out of range is 107001", {}, [] {
  start();
  CODE(aclrtSetDevice(2), 107001);
  CODE(aclrtSetDevice(-1), 107001);
}});

CASE({"eight devices when asked for, and ASCEND_RT_VISIBLE_DEVICES renumbers",
      {{"OMMA_ASCEND_SIM_DEVICES", "8"}, {"ASCEND_RT_VISIBLE_DEVICES", "3,5,1"}},
      [] {
        OK(aclInit(nullptr));
        uint32_t count = 0;
        OK(aclrtGetDeviceCount(&count));
        CHECK(count == 3);
        OK(aclrtSetDevice(2));
        CODE(aclrtSetDevice(3), 107001);
      }});

CASE({"the chip's name and memory are those of OMMA_ASCEND_SIM_SOC", {{"OMMA_ASCEND_SIM_SOC", "Ascend310P3"}}, [] {
  start();
  CHECK(std::strcmp(aclrtGetSocName(), "Ascend310P3") == 0);
  size_t free = 0, total = 0;
  OK(aclrtGetMemInfo(1, &free, &total));
  CHECK(total == 24000000000 && free == total);
}});

CASE({"a setting that makes no sense is refused at aclInit", {{"OMMA_ASCEND_SIM_FAULT", "kernle:3"}}, [] {
  CODE(aclInit(nullptr), 500000);
  expectMessage("OMMA_ASCEND_SIM_FAULT: expected");
}});

CASE({"messages are this thread's, and reading one clears it", {}, [] {
  start();
  CODE(aclrtSetDevice(9), 107001);
  std::thread([] { CHECK(aclGetRecentErrMsg() == nullptr); }).join();
  expectMessage("EE1001: [PID: " + std::to_string(getpid()) + "] ");
  CHECK(aclGetRecentErrMsg() == nullptr);
}});

CASE({"a thread whose context was destroyed has none", {}, [] {
  OK(aclInit(nullptr));
  aclrtContext context = nullptr;
  OK(aclrtCreateContext(&context, 1));
  int32_t device = 0;
  OK(aclrtGetDevice(&device));
  CHECK(device == 1);
  OK(aclrtDestroyContext(context));
  CODE(aclrtGetDevice(&device), 107002);
  expectMessage("was destroyed");
  CODE(aclrtSetCurrentContext(context), 107000);
  expectMessage("destroyed already");
}});

CASE({"a context is not destroyed before its streams, the default context not at all", {}, [] {
  start();
  aclrtContext primary = nullptr, context = nullptr;
  OK(aclrtGetCurrentContext(&primary));
  CODE(aclrtDestroyContext(primary), 107000);
  OK(aclrtCreateContext(&context, 0));
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  CODE(aclrtDestroyContext(context), 107000);
  OK(aclrtDestroyStream(stream));
  OK(aclrtDestroyContext(context));
}});

CASE({"aclrtResetDevice counts, waits for its last call, and refuses one more", {}, [] {
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
  OK(aclrtSetDevice(0));
  void* pointer = nullptr;
  OK(aclrtMalloc(&pointer, 64, 0));
  OK(aclrtResetDevice(0));
  CHECK(stat("deviceAllocations") == 1);
  OK(aclrtResetDevice(0));
  CHECK(stat("deviceAllocations") == 0);
  CHECK(stat("lostAtReset") == 1);
  CODE(aclrtResetDevice(0), 107000);
  CODE(aclrtMalloc(&pointer, 64, 0), 107002);
}});

CASE({"a device is not reset while contexts of aclrtCreateContext are alive", {}, [] {
  start();
  aclrtContext context = nullptr;
  OK(aclrtCreateContext(&context, 0));
  CODE(aclrtResetDevice(0), 107000);
  OK(aclrtDestroyContext(context));
  OK(aclrtResetDevice(0));
}});

CASE({"infinity and NaN in 16-bit results: kept on 910B, refused on 910A", {{"OMMA_ASCEND_SIM_SOC", "Ascend910A"}}, [] {
  start();
  int32_t mode = -1;
  OK(aclrtGetDeviceSatMode(&mode));
  CHECK(mode == 0);
  CODE(aclrtSetDeviceSatMode(1), 207000);
}});

CASE({"a forked child is refused, not served", {}, [] {
  start();
  const pid_t child = fork();
  if (child == 0) {
    void* pointer = nullptr;
    _exit(aclrtMalloc(&pointer, 64, 0) == 500000 ? 0 : 1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}});

CASE({"live counts are written at aclFinalize", {{"OMMA_ASCEND_SIM_STATS", "/tmp/omma-simulator-stats-%p.json"}}, [] {
  start();
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  OK(aclFinalize());
  const std::string file = "/tmp/omma-simulator-stats-" + std::to_string(getpid()) + ".json";
  FILE* in = std::fopen(file.c_str(), "r");
  CHECK(in != nullptr);
  char text[4096] = {};
  const size_t length = std::fread(text, 1, sizeof text - 1, in);
  std::fclose(in);
  std::remove(file.c_str());
  CHECK(length > 0 && std::strstr(text, "\"streams\":1,") != nullptr);
}});

CASE({"live counts that cannot be written make aclFinalize fail", {{"OMMA_ASCEND_SIM_STATS", "/nowhere/stats.json"}}, [] {
  start();
  CODE(aclFinalize(), 100003);
  expectMessage("OMMA_ASCEND_SIM_STATS: expected");
  CODE(aclFinalize(), 100037);
}});

}  // namespace
