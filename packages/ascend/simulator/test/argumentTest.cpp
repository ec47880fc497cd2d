// Arguments that do not exist: enums, flags, indices. A caller whose constants are off by one must hear it.
#include <cstring>
#include <unistd.h>

#include <fstream>

#include "harness.h"
#include "models.h"

namespace {

using namespace test;

CASE({"devices: memory kinds, capabilities, modes, peers and parameters", {}, [] {
  start();
  size_t free = 0, total = 0;
  CODE(aclrtGetMemInfo(12, &free, &total), 107000);
  CODE(aclrtGetMemInfo(1, nullptr, &total), 100000);
  int64_t value = 0;
  OK(aclGetDeviceCapability(0, 0, &value));
  CHECK(value == 20);
  CODE(aclGetDeviceCapability(0, 3, &value), 100000);
  CODE(aclGetDeviceCapability(9, 0, &value), 107001);
  CODE(aclrtSetDeviceSatMode(2), 100000);
  OK(aclrtSetDeviceSatMode(1));
  CODE(aclrtDeviceEnablePeerAccess(0, 0), 100000);
  CODE(aclrtDeviceEnablePeerAccess(1, 1), 100000);
  CODE(aclrtDeviceEnablePeerAccess(2, 0), 107001);
  int32_t can = -1, status = -1, mode = -1;
  OK(aclrtDeviceCanAccessPeer(&can, 0, 1));
  CHECK(can == 1);
  OK(aclrtQueryDeviceStatus(0, &status));
  CHECK(status == 0);
  OK(aclrtGetRunMode(&mode));
  CHECK(mode == 1);
  OK(aclrtCtxSetSysParamOpt(0, 1));
  CODE(aclrtSetSysParamOpt(1, 1), 100000);
  CODE(aclrtSetSysParamOpt(0, 2), 100000);
  aclrtUtilizationInfo use;
  OK(aclrtGetDeviceUtilizationRate(0, &use));
  CHECK(use.cubeUtilization == 0 && use.memoryUtilization == 0 && use.utilizationExtend == nullptr);
}});

CASE({"the toolkit's version is the one that atc is told, too", {{"OMMA_ASCEND_SIM_CANN", "6.0.1"}}, [] {
  aclCANNPackageVersion version;
  OK(aclsysGetCANNVersion(0, &version));
  CHECK(std::strcmp(version.version, "6.0.1") == 0 && std::strcmp(version.majorVersion, "6") == 0 && std::strcmp(version.patchVersion, "1") == 0);
}});

CASE({"versions", {}, [] {
  int32_t major = 0, minor = 0, patch = 0;
  OK(aclrtGetVersion(&major, &minor, &patch));
  CHECK(major == 1 && minor == 13 && patch == 0);
  CODE(aclrtGetVersion(nullptr, &minor, &patch), 100000);
  aclCANNPackageVersion version;
  OK(aclsysGetCANNVersion(0, &version));
  CHECK(std::strcmp(version.version, "8.1.RC1") == 0 && std::strcmp(version.releaseVersion, "RC1") == 0);
  CODE(aclsysGetCANNVersion(8, &version), 100000);
}});

CASE({"aclInit after aclFinalize takes the same configuration only", {}, [] {
  const std::string file = "/tmp/omma-simulator-acl-" + std::to_string(getpid()) + ".json";
  std::ofstream(file) << "{\"err_msg_mode\": \"0\"}";
  OK(aclInit(nullptr));
  OK(aclFinalize());
  const aclError other = aclInit(file.c_str());
  std::remove(file.c_str());
  CODE(other, 100000);
  OK(aclInit(nullptr));
}});

CASE({"a context that was destroyed is not destroyed again", {}, [] {
  start();
  aclrtContext context = nullptr;
  OK(aclrtCreateContext(&context, 0));
  OK(aclrtDestroyContext(context));
  CODE(aclrtDestroyContext(context), 107000);
  CODE(aclrtDestroyContext(nullptr), 100000);
  CODE(aclrtCreateContext(&context, 7), 107001);
}});

CASE({"streams: flags, priorities, modes, timeouts", {}, [] {
  start();
  aclrtStream stream = nullptr;
  CODE(aclrtCreateStreamWithConfig(&stream, 0, 4), 100000);
  CODE(aclrtCreateStreamWithConfig(&stream, 8, 0), 100000);
  OK(aclrtCreateStreamWithConfig(&stream, 7, 3));
  CODE(aclrtSetStreamFailureMode(stream, 2), 100000);
  CODE(aclrtSynchronizeStreamWithTimeout(stream, -2), 100000);
  CODE(aclrtCreateStream(nullptr), 100000);
  CODE(aclrtDestroyStream(nullptr), 100000);
  int32_t first = -1, other = -1;
  OK(aclrtStreamGetId(stream, &first));
  OK(aclrtStreamGetId(nullptr, &other));
  CHECK(first != other);
}});

CASE({"timestamps are there once the event is complete and has times", {}, [] {
  start();
  aclrtEvent plain = nullptr, timeless = nullptr;
  OK(aclrtCreateEvent(&plain));
  OK(aclrtCreateEventWithFlag(&timeless, 1));
  uint64_t from = 0;
  CODE(aclrtEventGetTimestamp(plain, &from), 107000);
  OK(aclrtRecordEvent(plain, nullptr));
  OK(aclrtRecordEvent(timeless, nullptr));
  OK(aclrtSynchronizeStream(nullptr));
  CODE(aclrtEventGetTimestamp(timeless, &from), 107000);
  OK(aclrtEventGetTimestamp(plain, &from));
  CHECK(from > 0);
}});

CASE({"a timestamp of an event that is not complete is 107006", {{"OMMA_ASCEND_SIM_DELAY", "50000"}}, [] {
  start();
  aclrtEvent plain = nullptr;
  OK(aclrtCreateEvent(&plain));
  OK(aclrtRecordEvent(plain, nullptr));
  uint64_t time = 0;
  CODE(aclrtEventGetTimestamp(plain, &time), 107006);
}});

CASE({"an allocation with a configuration is refused, not served without it", {}, [] {
  start();
  void* pointer = nullptr;
  int something = 0;
  CODE(aclrtMallocWithCfg(&pointer, 64, 0, reinterpret_cast<aclrtMallocConfig*>(&something)), 207000);
  OK(aclrtMallocWithCfg(&pointer, 64, 0, nullptr));
}});

CASE({"tensor descriptions, alone and in datasets", {}, [] {
  start();
  const int64_t dims[] = {2, 3};
  aclTensorDesc* desc = aclCreateTensorDesc(1, 2, dims, 2);
  CHECK(aclGetTensorDescType(desc) == 1 && aclGetTensorDescFormat(desc) == 2 && aclGetTensorDescSize(desc) == 12 && aclGetTensorDescNumDims(desc) == 2);
  int64_t dim = 0;
  OK(aclGetTensorDescDimV2(desc, 1, &dim));
  CHECK(dim == 3);
  CODE(aclGetTensorDescDimV2(desc, 2, &dim), 100000);
  CHECK(aclCreateTensorDesc(1, 2, nullptr, 2) == nullptr && aclCreateTensorDesc(1, 129, dims, 2) == nullptr);
  char byte = 0;
  aclmdlDataset* dataset = aclmdlCreateDataset();
  OK(aclmdlAddDatasetBuffer(dataset, aclCreateDataBuffer(&byte, 1)));
  CODE(aclmdlAddDatasetBuffer(dataset, nullptr), 100000);
  CHECK(aclmdlGetDatasetNumBuffers(dataset) == 1);
  OK(aclmdlSetDatasetTensorDesc(dataset, desc, 0));
  CHECK(aclmdlGetDatasetTensorDesc(dataset, 0) == desc);
  CODE(aclmdlSetDatasetTensorDesc(dataset, desc, 1), 100000);
  CHECK(aclmdlGetDatasetTensorDesc(dataset, 1) == nullptr);
  aclDestroyTensorDesc(desc);
  CHECK(aclGetTensorDescType(desc) == -1 && stat("tensorDescs") == 0);
  CODE(aclmdlSetDatasetTensorDesc(dataset, desc, 0), 100000);
}});

CASE({"models: names, gears that are not there, dims that are too few", {}, [] {
  start();
  const uint32_t id = load(dimsModel());
  aclmdlDesc* desc = aclmdlCreateDesc();
  OK(aclmdlGetDesc(desc, id));
  CHECK(std::strcmp(aclmdlGetTensorRealName(desc, "x"), "x") == 0 && std::strcmp(aclmdlGetTensorRealName(desc, "nobody"), "") == 0);
  size_t count = 0;
  CODE(aclmdlGetInputDynamicGearCount(desc, 0, &count), 100000);
  aclmdlIODims dims[2];
  CODE(aclmdlGetInputDynamicDims(desc, 0, dims, 2), 100000);
  CODE(aclmdlGetInputDynamicDims(desc, kGear, dims, 1), 100000);
  aclmdlBatch batch;
  OK(aclmdlGetDynamicBatch(desc, &batch));
  CHECK(batch.batchCount == 0);
  aclmdlIODimsRange range;
  OK(aclmdlGetInputDimsRange(desc, 0, &range));
  CHECK(range.rangeCount == 3 && range.range[0][0] == 1 && range.range[0][1] == 2 && range.range[1][0] == 3 && range.range[2][1] == 4);
  void *x = nullptr, *gear = nullptr;
  OK(aclrtMalloc(&x, 96, 0));
  OK(aclrtMalloc(&gear, 16, 0));
  aclmdlDataset* input = aclmdlCreateDataset();
  OK(aclmdlAddDatasetBuffer(input, aclCreateDataBuffer(x, 96)));
  OK(aclmdlAddDatasetBuffer(input, aclCreateDataBuffer(gear, 16)));
  dims[0].dimCount = 2;
  dims[0].dims[0] = 1;
  dims[0].dims[1] = 3;
  CODE(aclmdlSetInputDynamicDims(id, input, 1, &dims[0]), 100000);
  dims[0].dimCount = 4;
  dims[0].dims[2] = dims[0].dims[3] = 2;
  CODE(aclmdlSetInputDynamicDims(id, input, 1, &dims[0]), 100000);
}});

CASE({"a model whose inputs have more dims than aclmdlIODims holds says so", {}, [] {
  start();
  omma::om::Model model = dimsModel();
  model.inputs.insert(model.inputs.begin(), 50, model.inputs[0]);
  const std::string bytes = omma::om::serialize(model);
  aclmdlDesc* desc = aclmdlCreateDesc();
  OK(aclmdlGetDescFromMem(desc, bytes.data(), bytes.size()));
  aclmdlIODims dims[2];
  CODE(aclmdlGetInputDynamicDims(desc, kGear, dims, 2), 100000);
}});

CASE({"execution configurations: alive or refused, attributes refused", {}, [] {
  start();
  aclmdlExecConfigHandle* config = aclmdlCreateExecConfigHandle();
  const int32_t value = 1;
  CODE(aclmdlSetExecConfigOpt(config, 0, &value, sizeof value), 200001);
  CODE(aclmdlExecuteV2(1, nullptr, nullptr, nullptr, config), 145003);
  CODE(aclmdlExecuteAsyncV2(1, nullptr, nullptr, nullptr, config), 145003);
  OK(aclmdlDestroyExecConfigHandle(config));
  CODE(aclmdlDestroyExecConfigHandle(config), 100000);
  CODE(aclmdlExecuteV2(1, nullptr, nullptr, nullptr, config), 100000);
  CODE(aclmdlExecuteAsyncV2(1, nullptr, nullptr, nullptr, config), 100000);
  CODE(aclmdlSetExecConfigOpt(config, 0, &value, sizeof value), 100000);
}});

}  // namespace
