// The functions of AscendCL that libascendcl.so exports: names and signatures are those of the reference report (1.3 to 1.12).
//
// Enums of the ABI are int32_t (types.h). What each function does, and what it refuses: acl/api, a file a section.
#pragma once

#include "acl/types.h"

#define OMMA_ACL __attribute__((visibility("default")))

extern "C" {

// Init, finalize, versions, errors
OMMA_ACL aclError aclInit(const char* configPath);
OMMA_ACL aclError aclFinalize();
OMMA_ACL aclError aclrtGetVersion(int32_t* majorVersion, int32_t* minorVersion, int32_t* patchVersion);
OMMA_ACL const char* aclrtGetSocName();
OMMA_ACL const char* aclGetRecentErrMsg();
OMMA_ACL aclError aclsysGetCANNVersion(int32_t name, aclCANNPackageVersion* version);

// Devices
OMMA_ACL aclError aclrtSetDevice(int32_t deviceId);
OMMA_ACL aclError aclrtResetDevice(int32_t deviceId);
OMMA_ACL aclError aclrtResetDeviceForce(int32_t deviceId);
OMMA_ACL aclError aclrtGetDevice(int32_t* deviceId);
OMMA_ACL aclError aclrtGetDeviceCount(uint32_t* count);
OMMA_ACL aclError aclrtGetRunMode(int32_t* runMode);
OMMA_ACL aclError aclrtGetMemInfo(int32_t attr, size_t* free, size_t* total);
OMMA_ACL aclError aclrtQueryDeviceStatus(int32_t deviceId, int32_t* deviceStatus);
OMMA_ACL aclError aclrtSynchronizeDevice();
OMMA_ACL aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout);
OMMA_ACL aclError aclrtGetDeviceUtilizationRate(int32_t deviceId, aclrtUtilizationInfo* utilizationInfo);
OMMA_ACL aclError aclGetDeviceCapability(uint32_t deviceId, int32_t deviceInfo, int64_t* value);
OMMA_ACL aclError aclrtDeviceCanAccessPeer(int32_t* canAccessPeer, int32_t deviceId, int32_t peerDeviceId);
OMMA_ACL aclError aclrtDeviceEnablePeerAccess(int32_t peerDeviceId, uint32_t flags);
OMMA_ACL aclError aclrtDeviceDisablePeerAccess(int32_t peerDeviceId);
OMMA_ACL aclError aclrtSetDeviceSatMode(int32_t mode);
OMMA_ACL aclError aclrtGetDeviceSatMode(int32_t* mode);
OMMA_ACL aclError aclrtSetOpExecuteTimeOut(uint32_t timeout);
OMMA_ACL aclError aclrtSetOpWaitTimeout(uint32_t timeout);

// Contexts
OMMA_ACL aclError aclrtCreateContext(aclrtContext* context, int32_t deviceId);
OMMA_ACL aclError aclrtDestroyContext(aclrtContext context);
OMMA_ACL aclError aclrtSetCurrentContext(aclrtContext context);
OMMA_ACL aclError aclrtGetCurrentContext(aclrtContext* context);
OMMA_ACL aclError aclrtCtxSetSysParamOpt(int32_t opt, int64_t value);
OMMA_ACL aclError aclrtSetSysParamOpt(int32_t opt, int64_t value);

// Streams
OMMA_ACL aclError aclrtCreateStream(aclrtStream* stream);
OMMA_ACL aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t priority, uint32_t flag);
OMMA_ACL aclError aclrtDestroyStream(aclrtStream stream);
OMMA_ACL aclError aclrtDestroyStreamForce(aclrtStream stream);
OMMA_ACL aclError aclrtSynchronizeStream(aclrtStream stream);
OMMA_ACL aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout);
OMMA_ACL aclError aclrtStreamQuery(aclrtStream stream, int32_t* status);
OMMA_ACL aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event);
OMMA_ACL aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode);
OMMA_ACL aclError aclrtStreamAbort(aclrtStream stream);
OMMA_ACL aclError aclrtStreamGetId(aclrtStream stream, int32_t* streamId);

// Events
OMMA_ACL aclError aclrtCreateEvent(aclrtEvent* event);
OMMA_ACL aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t flag);
OMMA_ACL aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t flag);
OMMA_ACL aclError aclrtDestroyEvent(aclrtEvent event);
OMMA_ACL aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream);
OMMA_ACL aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream);
OMMA_ACL aclError aclrtQueryEvent(aclrtEvent event, int32_t* status);
OMMA_ACL aclError aclrtQueryEventStatus(aclrtEvent event, int32_t* status);
OMMA_ACL aclError aclrtQueryEventWaitStatus(aclrtEvent event, int32_t* status);
OMMA_ACL aclError aclrtSynchronizeEvent(aclrtEvent event);
OMMA_ACL aclError aclrtSynchronizeEventWithTimeout(aclrtEvent event, int32_t timeout);
OMMA_ACL aclError aclrtEventElapsedTime(float* ms, aclrtEvent startEvent, aclrtEvent endEvent);
OMMA_ACL aclError aclrtEventGetTimestamp(aclrtEvent event, uint64_t* timestamp);

// Memory
OMMA_ACL aclError aclrtMalloc(void** devPtr, size_t size, int32_t policy);
OMMA_ACL aclError aclrtMallocAlign32(void** devPtr, size_t size, int32_t policy);
OMMA_ACL aclError aclrtMallocCached(void** devPtr, size_t size, int32_t policy);
OMMA_ACL aclError aclrtMallocWithCfg(void** devPtr, size_t size, int32_t policy, aclrtMallocConfig* cfg);
OMMA_ACL aclError aclrtFree(void* devPtr);
OMMA_ACL aclError aclrtMallocHost(void** hostPtr, size_t size);
OMMA_ACL aclError aclrtFreeHost(void* hostPtr);
OMMA_ACL aclError aclrtMemset(void* devPtr, size_t maxCount, int32_t value, size_t count);
OMMA_ACL aclError aclrtMemsetAsync(void* devPtr, size_t maxCount, int32_t value, size_t count, aclrtStream stream);
OMMA_ACL aclError aclrtMemcpy(void* dst, size_t destMax, const void* src, size_t count, int32_t kind);
OMMA_ACL aclError aclrtMemcpyAsync(void* dst, size_t destMax, const void* src, size_t count, int32_t kind, aclrtStream stream);
OMMA_ACL aclError aclrtMemcpy2d(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height, int32_t kind);
OMMA_ACL aclError aclrtMemcpy2dAsync(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height, int32_t kind, aclrtStream stream);

// Data buffers and tensor descriptions
OMMA_ACL aclDataBuffer* aclCreateDataBuffer(void* data, size_t size);
OMMA_ACL aclError aclDestroyDataBuffer(const aclDataBuffer* dataBuffer);
OMMA_ACL aclError aclUpdateDataBuffer(aclDataBuffer* dataBuffer, void* data, size_t size);
OMMA_ACL void* aclGetDataBufferAddr(const aclDataBuffer* dataBuffer);
OMMA_ACL size_t aclGetDataBufferSizeV2(const aclDataBuffer* dataBuffer);
OMMA_ACL uint32_t aclGetDataBufferSize(const aclDataBuffer* dataBuffer);
OMMA_ACL size_t aclDataTypeSize(aclDataType dataType);
OMMA_ACL float aclFloat16ToFloat(aclFloat16 value);
OMMA_ACL aclFloat16 aclFloatToFloat16(float value);
OMMA_ACL aclTensorDesc* aclCreateTensorDesc(aclDataType dataType, int numDims, const int64_t* dims, aclFormat format);
OMMA_ACL void aclDestroyTensorDesc(const aclTensorDesc* desc);
OMMA_ACL aclDataType aclGetTensorDescType(const aclTensorDesc* desc);
OMMA_ACL aclFormat aclGetTensorDescFormat(const aclTensorDesc* desc);
OMMA_ACL size_t aclGetTensorDescSize(const aclTensorDesc* desc);
OMMA_ACL size_t aclGetTensorDescNumDims(const aclTensorDesc* desc);
OMMA_ACL aclError aclGetTensorDescDimV2(const aclTensorDesc* desc, size_t index, int64_t* dimSize);

// Model load and unload
OMMA_ACL aclError aclmdlLoadFromFile(const char* modelPath, uint32_t* modelId);
OMMA_ACL aclError aclmdlLoadFromMem(const void* model, size_t modelSize, uint32_t* modelId);
OMMA_ACL aclError aclmdlLoadFromFileWithMem(const char* modelPath, uint32_t* modelId, void* workPtr, size_t workSize, void* weightPtr, size_t weightSize);
OMMA_ACL aclError aclmdlLoadFromMemWithMem(const void* model, size_t modelSize, uint32_t* modelId, void* workPtr, size_t workSize, void* weightPtr, size_t weightSize);
OMMA_ACL aclError aclmdlQuerySize(const char* fileName, size_t* workSize, size_t* weightSize);
OMMA_ACL aclError aclmdlQuerySizeFromMem(const void* model, size_t modelSize, size_t* workSize, size_t* weightSize);
OMMA_ACL aclError aclmdlUnload(uint32_t modelId);
OMMA_ACL aclmdlConfigHandle* aclmdlCreateConfigHandle();
OMMA_ACL aclError aclmdlSetConfigOpt(aclmdlConfigHandle* handle, int32_t attr, const void* attrValue, size_t valueSize);
OMMA_ACL aclError aclmdlLoadWithConfig(const aclmdlConfigHandle* handle, uint32_t* modelId);
OMMA_ACL aclError aclmdlDestroyConfigHandle(aclmdlConfigHandle* handle);

// Model description
OMMA_ACL aclmdlDesc* aclmdlCreateDesc();
OMMA_ACL aclError aclmdlDestroyDesc(aclmdlDesc* modelDesc);
OMMA_ACL aclError aclmdlGetDesc(aclmdlDesc* modelDesc, uint32_t modelId);
OMMA_ACL aclError aclmdlGetDescFromFile(aclmdlDesc* modelDesc, const char* modelPath);
OMMA_ACL aclError aclmdlGetDescFromMem(aclmdlDesc* modelDesc, const void* model, size_t modelSize);
OMMA_ACL size_t aclmdlGetNumInputs(aclmdlDesc* modelDesc);
OMMA_ACL size_t aclmdlGetNumOutputs(aclmdlDesc* modelDesc);
OMMA_ACL size_t aclmdlGetInputSizeByIndex(aclmdlDesc* modelDesc, size_t index);
OMMA_ACL size_t aclmdlGetOutputSizeByIndex(aclmdlDesc* modelDesc, size_t index);
OMMA_ACL aclError aclmdlGetInputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* dims);
OMMA_ACL aclError aclmdlGetInputDimsV2(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* dims);
OMMA_ACL aclError aclmdlGetInputDimsRange(const aclmdlDesc* modelDesc, size_t index, aclmdlIODimsRange* dimsRange);
OMMA_ACL aclError aclmdlGetOutputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* dims);
OMMA_ACL aclError aclmdlGetCurOutputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* dims);
OMMA_ACL const char* aclmdlGetInputNameByIndex(const aclmdlDesc* modelDesc, size_t index);
OMMA_ACL const char* aclmdlGetOutputNameByIndex(const aclmdlDesc* modelDesc, size_t index);
OMMA_ACL aclFormat aclmdlGetInputFormat(const aclmdlDesc* modelDesc, size_t index);
OMMA_ACL aclFormat aclmdlGetOutputFormat(const aclmdlDesc* modelDesc, size_t index);
OMMA_ACL aclDataType aclmdlGetInputDataType(const aclmdlDesc* modelDesc, size_t index);
OMMA_ACL aclDataType aclmdlGetOutputDataType(const aclmdlDesc* modelDesc, size_t index);
OMMA_ACL aclError aclmdlGetInputIndexByName(const aclmdlDesc* modelDesc, const char* name, size_t* index);
OMMA_ACL aclError aclmdlGetOutputIndexByName(const aclmdlDesc* modelDesc, const char* name, size_t* index);
OMMA_ACL const char* aclmdlGetTensorRealName(const aclmdlDesc* modelDesc, const char* name);
OMMA_ACL aclError aclmdlGetDynamicBatch(const aclmdlDesc* modelDesc, aclmdlBatch* batch);
OMMA_ACL aclError aclmdlGetDynamicHW(const aclmdlDesc* modelDesc, size_t index, aclmdlHW* hw);
OMMA_ACL aclError aclmdlGetInputDynamicGearCount(const aclmdlDesc* modelDesc, size_t index, size_t* gearCount);
OMMA_ACL aclError aclmdlGetInputDynamicDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* dims, size_t gearCount);

// Datasets and execution
OMMA_ACL aclmdlDataset* aclmdlCreateDataset();
OMMA_ACL aclError aclmdlDestroyDataset(const aclmdlDataset* dataset);
OMMA_ACL aclError aclmdlAddDatasetBuffer(aclmdlDataset* dataset, aclDataBuffer* dataBuffer);
OMMA_ACL size_t aclmdlGetDatasetNumBuffers(const aclmdlDataset* dataset);
OMMA_ACL aclDataBuffer* aclmdlGetDatasetBuffer(const aclmdlDataset* dataset, size_t index);
OMMA_ACL aclError aclmdlSetDatasetTensorDesc(aclmdlDataset* dataset, aclTensorDesc* tensorDesc, size_t index);
OMMA_ACL aclTensorDesc* aclmdlGetDatasetTensorDesc(const aclmdlDataset* dataset, size_t index);
OMMA_ACL aclError aclmdlExecute(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output);
OMMA_ACL aclError aclmdlExecuteAsync(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream);
OMMA_ACL aclError aclmdlExecuteV2(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream, const aclmdlExecConfigHandle* handle);
OMMA_ACL aclError aclmdlExecuteAsyncV2(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream, const aclmdlExecConfigHandle* handle);
OMMA_ACL aclmdlExecConfigHandle* aclmdlCreateExecConfigHandle();
OMMA_ACL aclError aclmdlSetExecConfigOpt(aclmdlExecConfigHandle* handle, int32_t attr, const void* attrValue, size_t valueSize);
OMMA_ACL aclError aclmdlDestroyExecConfigHandle(const aclmdlExecConfigHandle* handle);
OMMA_ACL aclError aclmdlSetDynamicBatchSize(uint32_t modelId, aclmdlDataset* dataset, size_t index, uint64_t batchSize);
OMMA_ACL aclError aclmdlSetDynamicHWSize(uint32_t modelId, aclmdlDataset* dataset, size_t index, uint64_t height, uint64_t width);
OMMA_ACL aclError aclmdlSetInputDynamicDims(uint32_t modelId, aclmdlDataset* dataset, size_t index, const aclmdlIODims* dims);

// Not part of the ABI: live counts and counters as JSON, cut to `size` bytes. The length of the whole text.
OMMA_ACL size_t simGetStats(char* json, size_t size);

}  // extern "C"
