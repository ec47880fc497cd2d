// Device memory, pinned memory, copies.
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "harness.h"
#include "sim/stream.h"

namespace {

using namespace test;

char* device(size_t bytes) {
  void* pointer = nullptr;
  OK(aclrtMalloc(&pointer, bytes, 0));
  return static_cast<char*>(pointer);
}

char* pinned(size_t bytes) {
  void* pointer = nullptr;
  OK(aclrtMallocHost(&pointer, bytes));
  return static_cast<char*>(pointer);
}

CASE({"the host reading device memory traps", {}, [] {
  start();
  const volatile char* memory = device(64);
  std::exit(memory[0]);
}, true});

CASE({"the host writing device memory traps", {}, [] {
  start();
  volatile char* memory = device(64);
  memory[0] = 1;
}, true});

CASE({"pinned memory after aclrtFreeHost traps", {}, [] {
  start();
  volatile char* memory = pinned(64);
  OK(aclrtFreeHost(const_cast<char*>(memory)));
  memory[0] = 1;
}, true});

CASE({"device memory is 64-byte aligned, and not more", {}, [] {
  start();
  for (size_t bytes : {1u, 63u, 4096u, 100000u}) CHECK(reinterpret_cast<uintptr_t>(device(bytes)) % 128 == 64);
}});

CASE({"memory is accounted rounded up to 32 and 32 more, and comes back", {}, [] {
  start();
  size_t free = 0, total = 0, after = 0;
  OK(aclrtGetMemInfo(1, &free, &total));
  CHECK(total == size_t{64} << 30 && free == total);
  char* memory = device(33);
  OK(aclrtGetMemInfo(1, &after, &total));
  CHECK(free - after == 96);
  void* other = nullptr;
  OK(aclrtMallocAlign32(&other, 33, 0));
  OK(aclrtGetMemInfo(1, &after, &total));
  CHECK(free - after == 96 + 64);
  OK(aclrtFree(memory));
  OK(aclrtFree(other));
  OK(aclrtGetMemInfo(1, &after, &total));
  CHECK(after == free);
}});

CASE({"fresh device memory and pinned memory are poisoned", {}, [] {
  start();
  std::vector<unsigned char> host(64, 0);
  OK(aclrtMemcpy(host.data(), 64, device(64), 64, kDeviceToHost));
  for (unsigned char byte : host) CHECK(byte == 0xff);
  CHECK(static_cast<unsigned char>(*pinned(64)) == 0xff);
}});

CASE({"null and zero sizes are 100000, absurd ones 207001", {}, [] {
  start();
  void* pointer = nullptr;
  CODE(aclrtMalloc(nullptr, 64, 0), 100000);
  CODE(aclrtMalloc(&pointer, 0, 0), 100000);
  CODE(aclrtFree(nullptr), 100000);
  CODE(aclrtMallocHost(&pointer, 0), 100000);
  CODE(aclrtMalloc(&pointer, SIZE_MAX, 0), 207001);
  CODE(aclrtMallocHost(&pointer, SIZE_MAX), 207001);
  CODE(aclrtMemcpy(nullptr, 4, device(4), 4, kDeviceToHost), 100000);
  OK(aclrtMemcpy(nullptr, 4, nullptr, 0, kDeviceToHost));
}});

CASE({"more memory than the device has is 207001", {{"OMMA_ASCEND_SIM_MEMORY", "1000000"}}, [] {
  start();
  void* pointer = nullptr;
  CODE(aclrtMalloc(&pointer, 1000001, 0), 207001);
  char* most = device(900000);
  CODE(aclrtMalloc(&pointer, 100000, 0), 207001);
  expectMessage("EL0004");
  OK(aclrtFree(most));
  OK(aclrtMalloc(&pointer, 100000, 0));
}});

CASE({"freed twice, freed inside, freed elsewhere: 107000", {}, [] {
  start();
  char* memory = device(256);
  CODE(aclrtFree(memory + 64), 107000);
  OK(aclrtFree(memory));
  CODE(aclrtFree(memory), 107000);
  int local = 0;
  CODE(aclrtFree(&local), 107000);
  CODE(aclrtFreeHost(&local), 107000);
}});

CASE({"freed memory is not reachable by copies", {}, [] {
  start();
  char* memory = device(64);
  OK(aclrtFree(memory));
  char host[64];
  CODE(aclrtMemcpy(host, 64, memory, 64, kDeviceToHost), 107000);
  CODE(aclrtMemset(memory, 64, 0, 64), 107000);
}});

CASE({"a copy over the end of an allocation, or of more than destMax, is 107000", {}, [] {
  start();
  char* memory = device(64);
  std::vector<char> host(128);
  CODE(aclrtMemcpy(memory, 128, host.data(), 128, kHostToDevice), 107000);
  CODE(aclrtMemcpy(memory + 32, 64, host.data(), 64, kHostToDevice), 107000);
  CODE(aclrtMemcpy(memory, 32, host.data(), 64, kHostToDevice), 107000);
  OK(aclrtMemcpy(memory + 32, 32, host.data(), 32, kHostToDevice));
}});

CASE({"a fill of more than maxCount, over the end, or of host memory is 107000", {}, [] {
  start();
  char* memory = device(64);
  char host[64];
  CODE(aclrtMemset(memory, 32, 0, 64), 107000);
  CODE(aclrtMemset(memory, 128, 0, 128), 107000);
  CODE(aclrtMemset(host, 64, 0, 64), 107000);
  CODE(aclrtMemsetAsync(host, 64, 0, 64, nullptr), 107000);
  CODE(aclrtMemset(nullptr, 64, 0, 64), 100000);
  OK(aclrtMemset(nullptr, 0, 0, 0));
  OK(aclrtMemsetAsync(memory, 64, 5, 64, nullptr));
  OK(aclrtSynchronizeStream(nullptr));
  OK(aclrtMemcpy(host, 64, memory, 64, kDeviceToHost));
  CHECK(host[63] == 5);
}});

CASE({"a copy over the end of pinned memory is 107000", {}, [] {
  start();
  CODE(aclrtMemcpyAsync(device(128), 128, pinned(64), 128, kHostToDevice, nullptr), 107000);
  CODE(aclrtMemcpy(pinned(64) + 60, 8, device(128), 8, kDeviceToHost), 107000);
}});

CASE({"the kind of a copy must be what the addresses say", {}, [] {
  start();
  char* memory = device(64);
  char host[64];
  CODE(aclrtMemcpy(memory, 64, host, 64, kDeviceToHost), 107000);
  CODE(aclrtMemcpy(host, 64, memory, 64, kHostToDevice), 107000);
  CODE(aclrtMemcpy(memory, 64, host, 64, kDeviceToDevice), 107000);
  CODE(aclrtMemcpy(memory, 64, host, 64, 99), 100000);
  CODE(aclrtMemcpy(memory, 64, memory, 64, kInnerDeviceToDevice), 100000);
}});

CASE({"what is copied to the device comes back, and the bytes are counted", {}, [] {
  start();
  char *memory = device(64), *other = device(64);
  std::vector<char> host(64, 7), back(64, 0);
  OK(aclrtMemcpy(memory, 64, host.data(), 64, kHostToDevice));
  OK(aclrtMemcpy(other, 64, memory, 64, kDeviceToDevice));
  OK(aclrtMemcpy(back.data(), 64, other, 64, kDeviceToHost));
  CHECK(host == back);
  CHECK(stat("hostToDeviceBytes") == 64 && stat("deviceToHostBytes") == 64 && stat("deviceToDeviceBytes") == 64);
}});

CASE({"rows with pitches are copied, and only they", {}, [] {
  start();
  char* memory = device(8);
  const char host[] = {1, 2, 3, 4, 5, 6, 7, 8};
  OK(aclrtMemset(memory, 8, 0, 8));
  OK(aclrtMemcpy2d(memory, 4, host, 4, 2, 2, kHostToDevice));
  char back[8];
  OK(aclrtMemcpy(back, 8, memory, 8, kDeviceToHost));
  const char expected[] = {1, 2, 0, 0, 5, 6, 0, 0};
  CHECK(std::memcmp(back, expected, 8) == 0);
  CODE(aclrtMemcpy2d(memory, 1, host, 4, 2, 2, kHostToDevice), 100000);
}});

CASE({"memory of another device is reached only after aclrtDeviceEnablePeerAccess", {}, [] {
  start();
  char* first = device(64);
  OK(aclrtSetDevice(1));
  char* second = device(64);
  CODE(aclrtFree(first), 107000);
  CODE(aclrtMemcpy(second, 64, first, 64, kDeviceToDevice), 107000);
  OK(aclrtDeviceEnablePeerAccess(0, 0));
  OK(aclrtMemcpy(second, 64, first, 64, kDeviceToDevice));
  OK(aclrtDeviceDisablePeerAccess(0));
  CODE(aclrtMemcpy(second, 64, first, 64, kDeviceToDevice), 107000);
}});

CASE({"an asynchronous copy from host to host is 207000", {}, [] {
  start();
  CODE(aclrtMemcpyAsync(pinned(64), 64, pinned(64), 64, kHostToHost, nullptr), 207000);
}});

CASE({"a copy from pinned memory returns at once, one from ordinary memory blocks", {{"OMMA_ASCEND_SIM_DELAY", "50000"}}, [] {
  start();
  char* memory = device(64);
  std::vector<char> host(64);
  int32_t status = -1;
  OK(aclrtMemcpyAsync(memory, 64, host.data(), 64, kHostToDevice, nullptr));
  OK(aclrtStreamQuery(nullptr, &status));
  CHECK(status == 0 && stat("pageableCopies") == 1);
  OK(aclrtMemcpyAsync(memory, 64, pinned(64), 64, kHostToDevice, nullptr));
  OK(aclrtStreamQuery(nullptr, &status));
  CHECK(status == 1 && stat("pageableCopies") == 1);
}});

CASE({"a result read before its synchronisation is not there yet", {{"OMMA_ASCEND_SIM_DELAY", "50000"}}, [] {
  start();
  char *memory = device(64), *host = pinned(64);
  OK(aclrtMemset(memory, 64, 3, 64));
  OK(aclrtMemcpyAsync(host, 64, memory, 64, kDeviceToHost, nullptr));
  CHECK(*host != 3);
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(*host == 3);
}});

CASE({"memory that a task in flight uses is not freed: 207002", {{"OMMA_ASCEND_SIM_DELAY", "50000"}}, [] {
  start();
  char *memory = device(64), *host = pinned(64);
  OK(aclrtMemcpyAsync(memory, 64, host, 64, kHostToDevice, nullptr));
  CODE(aclrtFree(memory), 207002);
  CODE(aclrtFreeHost(host), 207002);
  OK(aclrtSynchronizeStream(nullptr));
  OK(aclrtFree(memory));
  OK(aclrtFreeHost(host));
}});

CASE({"a write behind an allocation is found when it is freed", {}, [] {
  start();
  char* memory = device(64);
  char* reach = static_cast<char*>(sim::deviceMemory(memory, 64));
  CHECK(reach != nullptr && sim::deviceMemory(memory, 65) == nullptr);
  std::thread([&] { CHECK(sim::deviceMemory(memory, 64) == nullptr); }).join();
  reach[64 + 32] = 1;
  CODE(aclrtFree(memory), 207002);
  expectMessage("wrote behind");
}});

CASE({"the N-th allocation fails when told to", {{"OMMA_ASCEND_SIM_FAULT", "oom:2"}}, [] {
  start();
  device(64);
  void* pointer = nullptr;
  CODE(aclrtMalloc(&pointer, 64, 0), 207001);
  expectMessage("OMMA_ASCEND_SIM_FAULT");
  device(64);
}});

CASE({"freed addresses are not used again soon", {}, [] {
  start();
  char* memory = device(64);
  OK(aclrtFree(memory));
  for (int i = 0; i < 1000; i++) {
    char* next = device(64);
    CHECK(next != memory);
    OK(aclrtFree(next));
  }
}});

CASE({"half floats convert as IEEE has it", {}, [] {
  CHECK(aclFloatToFloat16(1.0f) == 0x3c00 && aclFloatToFloat16(-2.0f) == 0xc000 && aclFloatToFloat16(65504.0f) == 0x7bff);
  CHECK(aclFloatToFloat16(65520.0f) == 0x7c00 && aclFloatToFloat16(5.9604645e-8f) == 1 && aclFloatToFloat16(1.0f + 1.0f / 2048) == 0x3c00);
  for (uint32_t half = 0; half < 0x7c00; half++) CHECK(aclFloatToFloat16(aclFloat16ToFloat(static_cast<uint16_t>(half))) == half);
  CHECK(aclDataTypeSize(27) == 2 && aclDataTypeSize(9) == 8 && aclDataTypeSize(12) == 1);
}});

}  // namespace
