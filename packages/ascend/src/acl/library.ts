/**
 * AscendCL as TypeScript sees it: the C functions that Omma calls, each with its C declaration beside its TypeScript type, and nothing more.
 *
 * Declarations from the headers of CANN 8.1.RC1, which those of later releases repeat. Handles and device addresses are bigints, 0n or null
 * stands for NULL. Every function with a context (memory, streams, models) belongs on the device's own thread: see worker/main.ts.
 */

import { AclError, success } from './errors.ts';
import { Symbols } from './symbols.ts';

export type Pointer = bigint;
/** A place that a C function writes one pointer into. */
type PointerOut = [Pointer | null];
type NumberOut = [number];

export type Acl = ReturnType<typeof declareAcl>;

/** Opens the libraries and finds every function. Throws Error, in one line, when that fails. */
export function openAcl(files: readonly string[]): Acl {
  return declareAcl(new Symbols(files));
}

function declareAcl(c: Symbols) {
  return {
    // Life of the library, versions, errors. These need no context.
    init: c.required<[configPath: string | null], number>('int aclInit(const char *configPath)'),
    finalize: c.required<[], number>('int aclFinalize(void)'),
    getVersion: c.required<[NumberOut, NumberOut, NumberOut], number>(
      'int aclrtGetVersion(_Out_ int *major, _Out_ int *minor, _Out_ int *patch)',
    ),
    getSocName: c.required<[], string | null>('const char *aclrtGetSocName(void)'),
    getRecentErrMsg: c.required<[], string | null>('const char *aclGetRecentErrMsg(void)'),
    getCannVersion: c.optional<[name: number, version: Uint8Array], number>(
      'int aclsysGetCANNVersion(int name, void *version)',
    ),

    // Device
    setDevice: c.required<[device: number], number>('int aclrtSetDevice(int deviceId)'),
    resetDevice: c.required<[device: number], number>('int aclrtResetDevice(int deviceId)'),
    resetDeviceForce: c.optional<[device: number], number>('int aclrtResetDeviceForce(int deviceId)'),
    getDeviceCount: c.required<[NumberOut], number>('int aclrtGetDeviceCount(_Out_ uint32_t *count)'),
    getRunMode: c.required<[NumberOut], number>('int aclrtGetRunMode(_Out_ int *runMode)'),
    getMemInfo: c.required<[attribute: number, NumberOut, NumberOut], number>(
      'int aclrtGetMemInfo(int attr, _Out_ size_t *free, _Out_ size_t *total)',
    ),
    setSysParamOpt: c.optional<[option: number, value: number], number>(
      'int aclrtSetSysParamOpt(int opt, int64_t value)',
    ),
    setDeviceSatMode: c.optional<[mode: number], number>('int aclrtSetDeviceSatMode(int mode)'),

    // Streams and events
    createStream: c.required<[PointerOut], number>('int aclrtCreateStream(_Out_ void **stream)'),
    destroyStream: c.required<[stream: Pointer], number>('int aclrtDestroyStream(void *stream)'),
    destroyStreamForce: c.optional<[stream: Pointer], number>('int aclrtDestroyStreamForce(void *stream)'),
    streamQuery: c.optional<[stream: Pointer, NumberOut], number>(
      'int aclrtStreamQuery(void *stream, _Out_ int *status)',
    ),
    synchronizeStream: c.required<[stream: Pointer], number>('int aclrtSynchronizeStream(void *stream)'),
    synchronizeStreamWithTimeout: c.optional<[stream: Pointer, milliseconds: number], number>(
      'int aclrtSynchronizeStreamWithTimeout(void *stream, int timeout)',
    ),
    streamWaitEvent: c.required<[stream: Pointer, event: Pointer], number>(
      'int aclrtStreamWaitEvent(void *stream, void *event)',
    ),
    setStreamFailureMode: c.optional<[stream: Pointer, mode: number], number>(
      'int aclrtSetStreamFailureMode(void *stream, uint64_t mode)',
    ),
    createEvent: c.required<[PointerOut], number>('int aclrtCreateEvent(_Out_ void **event)'),
    destroyEvent: c.required<[event: Pointer], number>('int aclrtDestroyEvent(void *event)'),
    recordEvent: c.required<[event: Pointer, stream: Pointer], number>(
      'int aclrtRecordEvent(void *event, void *stream)',
    ),

    // Memory
    malloc: c.required<[PointerOut, size: number, policy: number], number>(
      'int aclrtMalloc(_Out_ void **devPtr, size_t size, int policy)',
    ),
    free: c.required<[Pointer], number>('int aclrtFree(void *devPtr)'),
    mallocHost: c.required<[PointerOut, size: number], number>(
      'int aclrtMallocHost(_Out_ void **hostPtr, size_t size)',
    ),
    freeHost: c.required<[Pointer], number>('int aclrtFreeHost(void *hostPtr)'),
    memset: c.required<[Pointer, maxCount: number, value: number, count: number], number>(
      'int aclrtMemset(void *devPtr, size_t maxCount, int value, size_t count)',
    ),
    memcpy: c.required<
      [
        target: Pointer | Uint8Array,
        targetSize: number,
        source: Pointer | Uint8Array,
        count: number,
        kind: number,
      ],
      number
    >('int aclrtMemcpy(void *dst, size_t destMax, const void *src, size_t count, int kind)'),
    memcpyAsync: c.required<
      [target: Pointer, targetSize: number, source: Pointer, count: number, kind: number, stream: Pointer],
      number
    >(
      'int aclrtMemcpyAsync(void *dst, size_t destMax, const void *src, size_t count, int kind, void *stream)',
    ),

    // Data buffers and datasets
    createDataBuffer: c.required<[data: Pointer, size: number], Pointer | null>(
      'void *aclCreateDataBuffer(void *data, size_t size)',
    ),
    destroyDataBuffer: c.required<[Pointer], number>('int aclDestroyDataBuffer(const void *dataBuffer)'),
    updateDataBuffer: c.required<[Pointer, data: Pointer, size: number], number>(
      'int aclUpdateDataBuffer(void *dataBuffer, void *data, size_t size)',
    ),
    createDataset: c.required<[], Pointer | null>('void *aclmdlCreateDataset(void)'),
    destroyDataset: c.required<[Pointer], number>('int aclmdlDestroyDataset(const void *dataset)'),
    addDatasetBuffer: c.required<[dataset: Pointer, buffer: Pointer], number>(
      'int aclmdlAddDatasetBuffer(void *dataset, void *dataBuffer)',
    ),

    // Models
    loadFromFile: c.required<[path: string, NumberOut], number>(
      'int aclmdlLoadFromFile(const char *modelPath, _Out_ uint32_t *modelId)',
    ),
    unload: c.required<[model: number], number>('int aclmdlUnload(uint32_t modelId)'),
    querySize: c.optional<[path: string, NumberOut, NumberOut], number>(
      'int aclmdlQuerySize(const char *fileName, _Out_ size_t *workSize, _Out_ size_t *weightSize)',
    ),
    createDesc: c.required<[], Pointer | null>('void *aclmdlCreateDesc(void)'),
    destroyDesc: c.required<[Pointer], number>('int aclmdlDestroyDesc(void *modelDesc)'),
    getDesc: c.required<[Pointer, model: number], number>(
      'int aclmdlGetDesc(void *modelDesc, uint32_t modelId)',
    ),
    getNumInputs: c.required<[Pointer], number>('size_t aclmdlGetNumInputs(void *modelDesc)'),
    getNumOutputs: c.required<[Pointer], number>('size_t aclmdlGetNumOutputs(void *modelDesc)'),
    getInputSizeByIndex: c.required<[Pointer, index: number], number>(
      'size_t aclmdlGetInputSizeByIndex(void *modelDesc, size_t index)',
    ),
    getOutputSizeByIndex: c.required<[Pointer, index: number], number>(
      'size_t aclmdlGetOutputSizeByIndex(void *modelDesc, size_t index)',
    ),
    getInputDims: c.required<[Pointer, index: number, dims: Uint8Array], number>(
      'int aclmdlGetInputDims(const void *modelDesc, size_t index, void *dims)',
    ),
    getOutputDims: c.required<[Pointer, index: number, dims: Uint8Array], number>(
      'int aclmdlGetOutputDims(const void *modelDesc, size_t index, void *dims)',
    ),
    getCurOutputDims: c.required<[Pointer, index: number, dims: Uint8Array], number>(
      'int aclmdlGetCurOutputDims(const void *modelDesc, size_t index, void *dims)',
    ),
    getInputNameByIndex: c.required<[Pointer, index: number], string | null>(
      'const char *aclmdlGetInputNameByIndex(const void *modelDesc, size_t index)',
    ),
    getOutputNameByIndex: c.required<[Pointer, index: number], string | null>(
      'const char *aclmdlGetOutputNameByIndex(const void *modelDesc, size_t index)',
    ),
    getInputDataType: c.required<[Pointer, index: number], number>(
      'int aclmdlGetInputDataType(const void *modelDesc, size_t index)',
    ),
    getOutputDataType: c.required<[Pointer, index: number], number>(
      'int aclmdlGetOutputDataType(const void *modelDesc, size_t index)',
    ),
    getInputFormat: c.required<[Pointer, index: number], number>(
      'int aclmdlGetInputFormat(const void *modelDesc, size_t index)',
    ),
    getDynamicBatch: c.required<[Pointer, batch: Uint8Array], number>(
      'int aclmdlGetDynamicBatch(const void *modelDesc, void *batch)',
    ),
    getDynamicHW: c.required<[Pointer, index: bigint, hw: Uint8Array], number>(
      'int aclmdlGetDynamicHW(const void *modelDesc, size_t index, void *hw)',
    ),
    getInputDynamicGearCount: c.required<[Pointer, index: bigint, NumberOut], number>(
      'int aclmdlGetInputDynamicGearCount(const void *modelDesc, size_t index, _Out_ size_t *gearCount)',
    ),
    getInputDynamicDims: c.required<[Pointer, index: bigint, dims: Uint8Array, gearCount: number], number>(
      'int aclmdlGetInputDynamicDims(const void *modelDesc, size_t index, void *dims, size_t gearCount)',
    ),
    setDynamicBatchSize: c.required<[model: number, dataset: Pointer, index: number, batch: number], number>(
      'int aclmdlSetDynamicBatchSize(uint32_t modelId, void *dataset, size_t index, uint64_t batchSize)',
    ),
    setDynamicHWSize: c.required<
      [model: number, dataset: Pointer, index: number, height: number, width: number],
      number
    >(
      'int aclmdlSetDynamicHWSize(uint32_t modelId, void *dataset, size_t index, uint64_t height, uint64_t width)',
    ),
    setInputDynamicDims: c.required<
      [model: number, dataset: Pointer, index: number, dims: Uint8Array],
      number
    >('int aclmdlSetInputDynamicDims(uint32_t modelId, void *dataset, size_t index, const void *dims)'),
    executeAsync: c.required<[model: number, input: Pointer, output: Pointer, stream: Pointer], number>(
      'int aclmdlExecuteAsync(uint32_t modelId, const void *input, void *output, void *stream)',
    ),
  };
}

/** Throws AclError for a result other than success, with what the library says about it on this thread. */
export function check(acl: Acl, call: string, code: number): void {
  if (code !== success) throw new AclError(call, code, acl.getRecentErrMsg() ?? '');
}

/** True for success. A failure that the caller can live with takes its message along, so that a later one does not get it. */
export function succeeds(acl: Acl, code: number): boolean {
  if (code !== success) acl.getRecentErrMsg();
  return code === success;
}

/** The pointer that `create` puts out. Throws AclError when it fails or gives none. */
export function created(acl: Acl, call: string, create: (out: PointerOut) => number): Pointer {
  const out: PointerOut = [null];
  check(acl, call, create(out));
  return present(acl, call, out[0]);
}

/** `pointer` unless it is NULL, which the functions that return a handle mean by failure. */
export function present(acl: Acl, call: string, pointer: Pointer | null): Pointer {
  if (pointer === null || pointer === 0n)
    throw new AclError(call, 500001, acl.getRecentErrMsg() ?? 'it returned NULL');
  return pointer;
}

/** The number that `read` puts out. Throws AclError when it fails. */
export function readNumber(acl: Acl, call: string, read: (out: NumberOut) => number): number {
  const out: NumberOut = [0];
  check(acl, call, read(out));
  return out[0];
}
