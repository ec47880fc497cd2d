// Models: load, description, execution and everything that is refused there.
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "harness.h"
#include "models.h"

namespace {

using namespace test;

constexpr size_t kBytes = 6 * sizeof(float);

// x + y with one loaded model and its buffers.
struct Add {
  uint32_t id;
  void *x, *y, *z;
  aclmdlDataset *input, *output;
  Add() : id(load(addModel())) {
    const float one[] = {1, 2, 3, 4, 5, 6}, ten[] = {10, 20, 30, 40, 50, 60};
    x = upload(one, kBytes);
    y = upload(ten, kBytes);
    z = upload(nullptr, 0, kBytes);
    input = dataset({{x, kBytes}, {y, kBytes}});
    output = dataset({{z, kBytes}});
  }
};

CASE({"a model computes, now and on a stream", {}, [] {
  start();
  const Add add;
  OK(aclmdlExecute(add.id, add.input, add.output));
  const std::vector<float> expected{11, 22, 33, 44, 55, 66};
  CHECK(download(add.z, 6) == expected);
  OK(aclrtMemset(add.z, kBytes, 0, kBytes));
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, nullptr));
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(download(add.z, 6) == expected);
}});

CASE({"a model is described without running it", {}, [] {
  start();
  const uint32_t id = load(addModel());
  aclmdlDesc* desc = aclmdlCreateDesc();
  CHECK(aclmdlGetNumInputs(desc) == 0);
  OK(aclmdlGetDesc(desc, id));
  CHECK(aclmdlGetNumInputs(desc) == 2 && aclmdlGetNumOutputs(desc) == 1);
  CHECK(aclmdlGetInputSizeByIndex(desc, 1) == kBytes && aclmdlGetOutputSizeByIndex(desc, 0) == kBytes);
  CHECK(std::strcmp(aclmdlGetInputNameByIndex(desc, 0), "x") == 0 && std::strcmp(aclmdlGetOutputNameByIndex(desc, 0), "sum:0:z") == 0);
  CHECK(aclmdlGetInputDataType(desc, 0) == 0 && aclmdlGetInputFormat(desc, 0) == 2);
  size_t index = 9;
  OK(aclmdlGetInputIndexByName(desc, "y", &index));
  CHECK(index == 1);
  CODE(aclmdlGetOutputIndexByName(desc, "z", &index), 100000);
  CHECK(aclmdlGetInputSizeByIndex(desc, 2) == 0 && std::strcmp(aclmdlGetInputNameByIndex(desc, 2), "") == 0 && aclmdlGetInputDataType(desc, 2) == -1);
  aclmdlIODims dims;
  OK(aclmdlGetInputDims(desc, 0, &dims));
  CHECK(dims.dimCount == 2 && dims.dims[0] == 2 && dims.dims[1] == 3 && std::strcmp(dims.name, "x") == 0);
  CODE(aclmdlGetInputDims(desc, 2, &dims), 100000);
  CODE(aclmdlGetDesc(desc, id + 1), 145003);
  OK(aclmdlDestroyDesc(desc));
  CODE(aclmdlDestroyDesc(desc), 100000);
  CHECK(aclmdlGetNumInputs(desc) == 0);
}});

CASE({"a name of 128 characters and more is shortened in dims, and leads back", {}, [] {
  start();
  omma::om::Model model = addModel();
  const std::string name(128, 'n');
  model.inputs[1].name = name;
  const uint32_t id = load(model);
  aclmdlDesc* desc = aclmdlCreateDesc();
  OK(aclmdlGetDesc(desc, id));
  aclmdlIODims dims;
  OK(aclmdlGetInputDims(desc, 1, &dims));
  CHECK(std::string(dims.name) == "acl_modelId_" + std::to_string(id) + "_input_1");
  CHECK(aclmdlGetTensorRealName(desc, dims.name) == name && aclmdlGetInputNameByIndex(desc, 1) == name);
}});

CASE({"what cannot be loaded: no file 145002, truncated 145006, foreign and damaged 545001", {}, [] {
  start();
  uint32_t id = 0;
  CODE(aclmdlLoadFromFile("/nowhere/model.om", &id), 145002);
  std::string bytes = omma::om::serialize(addModel());
  CODE(aclmdlLoadFromMem(bytes.data(), bytes.size() - 1, &id), 145006);
  CODE(aclmdlLoadFromMem(bytes.data(), 7, &id), 145006);
  CODE(aclmdlLoadFromMem(bytes.data(), 0, &id), 100000);
  CODE(aclmdlLoadFromMem(nullptr, bytes.size(), &id), 100000);
  bytes[bytes.size() - 1] ^= 1;
  CODE(aclmdlLoadFromMem(bytes.data(), bytes.size(), &id), 545001);
  const std::string foreign(500, 'x');
  CODE(aclmdlLoadFromMem(foreign.data(), foreign.size(), &id), 545001);
  void* onDevice = upload(bytes.data(), bytes.size());
  CODE(aclmdlLoadFromMem(onDevice, bytes.size(), &id), 100000);
  CHECK(stat("models") == 0 && stat("deviceAllocations") == 1);
}});

CASE({"a model loads from a file, with its own memory or lent memory of the size asked for", {}, [] {
  start();
  const std::string file = "/tmp/omma-simulator-" + std::to_string(getpid()) + ".om", bytes = omma::om::serialize(addModel());
  std::ofstream(file, std::ios::binary) << bytes;
  uint32_t id = 0;
  OK(aclmdlLoadFromFile(file.c_str(), &id));
  CHECK(stat("deviceAllocations") == 2 && stat("deviceBytes") == 1024 + 32 + 512 + 32);
  OK(aclmdlUnload(id));
  CHECK(stat("deviceAllocations") == 0 && stat("models") == 0);
  size_t work = 0, weight = 0;
  OK(aclmdlQuerySize(file.c_str(), &work, &weight));
  CHECK(work == 1024 && weight == 512);
  void *workMemory = upload(nullptr, 0, work), *weightMemory = upload(nullptr, 0, weight);
  OK(aclmdlLoadFromFileWithMem(file.c_str(), &id, workMemory, work, weightMemory, weight));
  CHECK(stat("deviceAllocations") == 2);
  CODE(aclmdlLoadFromFileWithMem(file.c_str(), &id, workMemory, work - 1, weightMemory, weight), 145000);
  char host[2048];
  CODE(aclmdlLoadFromFileWithMem(file.c_str(), &id, host, sizeof host, weightMemory, weight), 145000);
  std::remove(file.c_str());
}});

CASE({"a configured load works as the direct one", {}, [] {
  start();
  const std::string bytes = omma::om::serialize(addModel());
  aclmdlConfigHandle* config = aclmdlCreateConfigHandle();
  const size_t type = 3, size = bytes.size();
  const void* memory = bytes.data();
  OK(aclmdlSetConfigOpt(config, 1, &type, sizeof type));
  OK(aclmdlSetConfigOpt(config, 3, &memory, sizeof memory));
  OK(aclmdlSetConfigOpt(config, 4, &size, sizeof size));
  CODE(aclmdlSetConfigOpt(config, 4, &size, 4), 100000);
  CODE(aclmdlSetConfigOpt(config, 99, &size, sizeof size), 100000);
  uint32_t id = 0;
  OK(aclmdlLoadWithConfig(config, &id));
  OK(aclmdlDestroyConfigHandle(config));
  CODE(aclmdlLoadWithConfig(config, &id), 100000);
}});

CASE({"a model of another chip's family is not loaded", {{"OMMA_ASCEND_SIM_SOC", "Ascend910A"}}, [] {
  start();
  const std::string bytes = omma::om::serialize(addModel());
  uint32_t id = 0;
  CODE(aclmdlLoadFromMem(bytes.data(), bytes.size(), &id), 545001);
  expectMessage("--soc_version=Ascend910A");
}});

CASE({"a model of a newer toolkit is not loaded, one of an older is", {{"OMMA_ASCEND_SIM_CANN", "8.0.0"}}, [] {
  start();
  uint32_t id = 0;
  std::string bytes = omma::om::serialize(addModel());
  CODE(aclmdlLoadFromMem(bytes.data(), bytes.size(), &id), 545001);
  expectMessage("built by CANN 8.1.RC1");
  omma::om::Model older = addModel();
  older.toolkit = "7.0.0";
  bytes = omma::om::serialize(older);
  OK(aclmdlLoadFromMem(bytes.data(), bytes.size(), &id));
}});

CASE({"an unknown model id is 145003, before and after unload", {}, [] {
  start();
  const Add add;
  CODE(aclmdlExecute(77, add.input, add.output), 145003);
  OK(aclmdlUnload(add.id));
  CODE(aclmdlExecute(add.id, add.input, add.output), 145003);
  CODE(aclmdlUnload(add.id), 145003);
}});

CASE({"a model runs and is unloaded only in the context that loaded it", {}, [] {
  start();
  const Add add;
  aclrtContext mine = nullptr, other = nullptr;
  OK(aclrtGetCurrentContext(&mine));
  OK(aclrtCreateContext(&other, 0));
  CODE(aclmdlExecute(add.id, add.input, add.output), 107004);
  CODE(aclmdlUnload(add.id), 107004);
  OK(aclrtSetCurrentContext(mine));
  OK(aclmdlExecute(add.id, add.input, add.output));
}});

CASE({"too few and too many buffers are 145000", {}, [] {
  start();
  const Add add;
  CODE(aclmdlExecute(add.id, dataset({{add.x, kBytes}}), add.output), 145000);
  expectMessage("E13025");
  CODE(aclmdlExecute(add.id, dataset({{add.x, kBytes}, {add.y, kBytes}, {add.y, kBytes}}), add.output), 145000);
  CODE(aclmdlExecute(add.id, add.input, dataset({})), 145000);
  CODE(aclmdlExecute(add.id, nullptr, add.output), 100000);
}});

CASE({"a buffer may lack 64 bytes, not 65; what it lacks is poison", {}, [] {
  start();
  omma::om::Model model = addModel();
  const Add add;
  CODE(aclmdlExecute(add.id, dataset({{add.x, 8}, {add.y, kBytes}}), add.output), 0);
  const std::vector<float> result = download(add.z, 6);
  CHECK(result[0] == 11 && result[1] == 22 && std::isnan(result[2]));
  model.inputs[0].bytes = 65 + 8;
  const uint32_t strict = load(model);
  CODE(aclmdlExecute(strict, dataset({{add.x, 8}, {add.y, kBytes}}), add.output), 145000);
  expectMessage("plus the aligned 64 bytes is less than the tensor size 73 bytes required by the model");
  OK(aclmdlExecute(strict, dataset({{add.x, 9}, {add.y, kBytes}}), add.output));
}});

CASE({"a short output buffer is not written behind", {}, [] {
  start();
  const Add add;
  OK(aclrtMemset(add.z, kBytes, 0, kBytes));
  OK(aclmdlExecute(add.id, add.input, dataset({{add.z, 8}})));
  CHECK((download(add.z, 6) == std::vector<float>{11, 22, 0, 0, 0, 0}));
}});

CASE({"an output that shares memory with an input or another output is refused", {}, [] {
  start();
  const Add add;
  CODE(aclmdlExecute(add.id, add.input, dataset({{add.x, kBytes}})), 145000);
  expectMessage("shares memory with input 0 (x)");
  CODE(aclmdlExecuteAsync(add.id, add.input, dataset({{add.y, kBytes}}), nullptr), 145000);
  const uint32_t two = load(twoOutputModel());
  CODE(aclmdlExecute(two, add.input, dataset({{add.z, kBytes}, {add.z, kBytes}})), 145000);
  expectMessage("shares memory with output 0 (sum:0:z)");
  void* both = upload(nullptr, 0, 256);
  CODE(aclmdlExecute(add.id, dataset({{both, 128}, {add.y, kBytes}}), dataset({{static_cast<char*>(both) + 64, kBytes}})), 145000);
  OK(aclmdlExecute(add.id, dataset({{both, 64}, {add.y, kBytes}}), dataset({{static_cast<char*>(both) + 64, kBytes}})));
}});

CASE({"an address that is not 64-byte aligned is refused", {}, [] {
  start();
  const Add add;
  void* odd = upload(nullptr, 0, 128);
  CODE(aclmdlExecute(add.id, dataset({{static_cast<char*>(odd) + 32, kBytes}, {add.y, kBytes}}), add.output), 107008);
}});

CASE({"a host address or a freed one is a kernel exception at the synchronisation", {}, [] {
  start();
  const Add add;
  alignas(64) float host[16] = {};
  OK(aclmdlExecuteAsync(add.id, dataset({{host, kBytes}, {add.y, kBytes}}), add.output, nullptr));
  CODE(aclrtSynchronizeStream(nullptr), 507015);
  expectMessage("MTE instruction is out of range");
  OK(aclrtFree(add.x));
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, nullptr));
  CODE(aclrtSynchronizeStream(nullptr), 507015);
  OK(aclmdlExecuteAsync(add.id, dataset({{add.y, 4096}, {add.y, kBytes}}), add.output, nullptr));
  CODE(aclrtSynchronizeStream(nullptr), 507015);
}});

CASE({"dead data buffers and datasets are found", {}, [] {
  start();
  const Add add;
  aclDataBuffer* buffer = aclmdlGetDatasetBuffer(add.input, 0);
  CHECK(buffer != nullptr && aclGetDataBufferAddr(buffer) == add.x && aclGetDataBufferSizeV2(buffer) == kBytes);
  CHECK(aclmdlGetDatasetBuffer(add.input, 2) == nullptr);
  OK(aclDestroyDataBuffer(buffer));
  CODE(aclDestroyDataBuffer(buffer), 100000);
  CODE(aclDestroyDataBuffer(nullptr), 100000);
  CODE(aclUpdateDataBuffer(buffer, add.x, kBytes), 100000);
  CHECK(aclGetDataBufferAddr(buffer) == nullptr && aclGetDataBufferSizeV2(buffer) == 0);
  CODE(aclmdlExecute(add.id, add.input, add.output), 100000);
  OK(aclmdlDestroyDataset(add.input));
  CODE(aclmdlDestroyDataset(add.input), 100000);
  CODE(aclmdlExecute(add.id, add.input, add.output), 100000);
  CODE(aclmdlExecute(add.id, reinterpret_cast<const aclmdlDataset*>(buffer), add.output), 100000);
}});

CASE({"a data buffer is re-pointed, and one without memory is refused but by aclmdlExecute for an output", {}, [] {
  start();
  const Add add;
  OK(aclUpdateDataBuffer(aclmdlGetDatasetBuffer(add.input, 0), add.y, kBytes));
  OK(aclmdlExecute(add.id, add.input, add.output));
  CHECK(download(add.z, 1)[0] == 20);
  CODE(aclmdlExecute(add.id, dataset({{nullptr, 0}, {add.y, kBytes}}), add.output), 100000);
  aclmdlDataset* own = dataset({{nullptr, 0}});
  CODE(aclmdlExecuteAsync(add.id, add.input, own, nullptr), 100000);
  OK(aclmdlExecute(add.id, add.input, own));
  const aclDataBuffer* filled = aclmdlGetDatasetBuffer(own, 0);
  CHECK(aclGetDataBufferSizeV2(filled) == kBytes && download(aclGetDataBufferAddr(filled), 1)[0] == 20);
  OK(aclrtFree(aclGetDataBufferAddr(filled)));
}});

CASE({"one model on two streams without an order between them is refused; with an event, or synchronised, it runs", {}, [] {
  start();
  const Add add;
  const float zeros[6] = {};
  aclmdlDataset* output = dataset({{upload(zeros, kBytes), kBytes}});
  aclrtStream first = nullptr, second = nullptr;
  aclrtEvent done = nullptr;
  OK(aclrtCreateStream(&first));
  OK(aclrtCreateStream(&second));
  OK(aclrtCreateEvent(&done));
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, first));
  CODE(aclmdlExecuteAsync(add.id, add.input, output, second), 145000);
  expectMessage("order the streams by an event");
  CODE(aclmdlExecute(add.id, add.input, output), 145000);
  OK(aclrtRecordEvent(done, first));
  OK(aclrtStreamWaitEvent(second, done));
  OK(aclmdlExecuteAsync(add.id, add.input, output, second));
  CODE(aclmdlExecuteAsync(add.id, add.input, add.output, first), 145000);
  OK(aclrtSynchronizeStream(second));
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, first));
  OK(aclrtSynchronizeStream(first));
  OK(aclmdlExecute(add.id, add.input, output));
}});

CASE({"two threads that execute one model at once: one of them fails", {{"OMMA_ASCEND_SIM_FAULT", "hang:1"}}, [] {
  start();
  const Add add;
  OK(aclrtSetOpExecuteTimeOut(1));
  aclrtContext context = nullptr;
  OK(aclrtGetCurrentContext(&context));
  aclError hung = 0;
  std::thread first([&] {
    OK(aclrtSetCurrentContext(context));
    hung = aclmdlExecute(add.id, add.input, add.output);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CODE(aclmdlExecute(add.id, add.input, add.output), 507011);
  expectMessage("twice at the same time");
  first.join();
  CODE(hung, 507014);
}});

CASE({"a model is not unloaded while a stream is to execute it", {{"OMMA_ASCEND_SIM_DELAY", "50000"}}, [] {
  start();
  const Add add;
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, nullptr));
  CODE(aclmdlUnload(add.id), 145000);
  CODE(aclrtFree(add.z), 207002);
  OK(aclrtSynchronizeStream(nullptr));
  OK(aclmdlUnload(add.id));
}});

CASE({"the N-th execution fails at the synchronisation, its outputs are poison, the next ones work", {{"OMMA_ASCEND_SIM_FAULT", "kernel:2"}}, [] {
  start();
  const Add add;
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, nullptr));
  OK(aclrtSynchronizeStream(nullptr));
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, nullptr));
  CODE(aclrtSynchronizeStream(nullptr), 507015);
  expectMessage("aicore error");
  CHECK(std::isnan(download(add.z, 6)[0]));
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, nullptr));
  OK(aclrtSynchronizeStream(nullptr));
}});

CASE({"the N-th execution hangs: 507046 with a timeout, gone after an abort", {{"OMMA_ASCEND_SIM_FAULT", "hang:1"}}, [] {
  start();
  const Add add;
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, stream));
  CODE(aclrtSynchronizeStreamWithTimeout(stream, 50), 507046);
  OK(aclrtStreamAbort(stream));
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, stream));
  OK(aclrtSynchronizeStream(stream));
}});

CASE({"a kernel that hangs ends at the operators' time limit with 507014", {{"OMMA_ASCEND_SIM_FAULT", "hang:1"}}, [] {
  start();
  const Add add;
  OK(aclrtSetOpExecuteTimeOut(1));
  OK(aclmdlExecuteAsync(add.id, add.input, add.output, nullptr));
  CODE(aclrtSynchronizeStream(nullptr), 507014);
}});

CASE({"a gear for a static model is 100019", {}, [] {
  start();
  const Add add;
  CODE(aclmdlSetDynamicBatchSize(add.id, add.input, 1, 2), 100019);
}});

CASE({"input sizes are more than the dense bytes when told to", {{"OMMA_ASCEND_SIM_PADDED_INPUTS", "1"}}, [] {
  start();
  const uint32_t id = load(addModel());
  aclmdlDesc* desc = aclmdlCreateDesc();
  OK(aclmdlGetDesc(desc, id));
  CHECK(aclmdlGetInputSizeByIndex(desc, 0) == 64 && aclmdlGetOutputSizeByIndex(desc, 0) == kBytes);
}});

CASE({"overflow to float16 is infinity on 910B, the largest number once it is to saturate", {}, [] {
  start();
  const uint32_t id = load(halfModel());
  const float values[] = {1, 1e6, -1e6, NAN};
  void *x = upload(values, sizeof values), *y = upload(nullptr, 0, 8);
  aclmdlDataset *input = dataset({{x, 16}}), *output = dataset({{y, 8}});
  uint16_t result[4];
  const auto compute = [&] {
    OK(aclmdlExecute(id, input, output));
    OK(aclrtMemcpy(result, 8, y, 8, kDeviceToHost));
  };
  compute();
  CHECK(result[0] == 0x3c00 && result[1] == 0x7c00 && result[2] == 0xfc00 && (result[3] & 0x7fff) > 0x7c00);
  OK(aclrtSetDeviceSatMode(0));
  compute();
  CHECK(result[0] == 0x3c00 && result[1] == 0x7bff && result[2] == 0xfbff && (result[3] & 0x7fff) > 0x7c00);
}});

CASE({"after a thousand executions and two hundred loads everything is back at the baseline", {}, [] {
  start();
  const Add add;
  const long long bytes = stat("deviceBytes"), buffers = stat("dataBuffers");
  for (int i = 0; i < 1000; i++) OK(aclmdlExecuteAsync(add.id, add.input, add.output, nullptr));
  OK(aclrtSynchronizeStream(nullptr));
  for (int i = 0; i < 200; i++) OK(aclmdlUnload(load(addModel())));
  CHECK(stat("deviceBytes") == bytes && stat("dataBuffers") == buffers && stat("models") == 1 && stat("executions") == 1000 && stat("loads") == 201);
}});

}  // namespace
