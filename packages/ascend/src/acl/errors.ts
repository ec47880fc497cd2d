/**
 * AscendCL's error codes by name, with what a user can do about them, and the exception that carries them from the device's thread.
 *
 * Names and numbers from the headers of CANN 8.1.RC1 (acl_base.h, rt_error_codes.h, ge_error_codes.h).
 */

const names: Readonly<Record<number, string>> = {
  100000: 'ACL_ERROR_INVALID_PARAM',
  100001: 'ACL_ERROR_UNINITIALIZE',
  100002: 'ACL_ERROR_REPEAT_INITIALIZE',
  100003: 'ACL_ERROR_INVALID_FILE',
  100005: 'ACL_ERROR_INVALID_FILE_SIZE',
  100006: 'ACL_ERROR_PARSE_FILE',
  100011: 'ACL_ERROR_INVALID_MODEL_ID',
  100012: 'ACL_ERROR_DESERIALIZE_MODEL',
  100013: 'ACL_ERROR_PARSE_MODEL',
  100014: 'ACL_ERROR_READ_MODEL_FAILURE',
  100017: 'ACL_ERROR_MODEL_INPUT_NOT_MATCH',
  100018: 'ACL_ERROR_MODEL_OUTPUT_NOT_MATCH',
  100019: 'ACL_ERROR_MODEL_NOT_DYNAMIC',
  100024: 'ACL_ERROR_OP_NOT_FOUND',
  100026: 'ACL_ERROR_UNSUPPORTED_DATA_TYPE',
  100037: 'ACL_ERROR_REPEAT_FINALIZE',
  100039: 'ACL_ERROR_COMPILING_STUB_MODE',
  107000: 'ACL_ERROR_RT_PARAM_INVALID',
  107001: 'ACL_ERROR_RT_INVALID_DEVICEID',
  107002: 'ACL_ERROR_RT_CONTEXT_NULL',
  107003: 'ACL_ERROR_RT_STREAM_CONTEXT',
  107008: 'ACL_ERROR_RT_ADDR_UNALIGNED',
  107017: 'ACL_ERROR_RT_INVALID_HANDLE',
  107018: 'ACL_ERROR_RT_INVALID_MALLOC_TYPE',
  107019: 'ACL_ERROR_RT_WAIT_TIMEOUT',
  107020: 'ACL_ERROR_RT_TASK_TIMEOUT',
  107023: 'ACL_ERROR_RT_STREAM_ABORT',
  145000: 'ACL_ERROR_GE_PARAM_INVALID',
  145001: 'ACL_ERROR_GE_EXEC_NOT_INIT',
  145002: 'ACL_ERROR_GE_EXEC_MODEL_PATH_INVALID',
  145003: 'ACL_ERROR_GE_EXEC_MODEL_ID_INVALID',
  145006: 'ACL_ERROR_GE_EXEC_MODEL_DATA_SIZE_INVALID',
  145011: 'ACL_ERROR_GE_DYNAMIC_INPUT_ADDR_INVALID',
  145012: 'ACL_ERROR_GE_DYNAMIC_INPUT_LENGTH_INVALID',
  145013: 'ACL_ERROR_GE_DYNAMIC_BATCH_SIZE_INVALID',
  148049: 'ACL_ERROR_INVALID_OPP_PATH',
  200000: 'ACL_ERROR_BAD_ALLOC',
  200001: 'ACL_ERROR_API_NOT_SUPPORT',
  200002: 'ACL_ERROR_INVALID_DEVICE',
  200003: 'ACL_ERROR_MEMORY_ADDRESS_UNALIGNED',
  200006: 'ACL_ERROR_FEATURE_UNSUPPORTED',
  207000: 'ACL_ERROR_RT_FEATURE_NOT_SUPPORT',
  207001: 'ACL_ERROR_RT_MEMORY_ALLOCATION',
  207002: 'ACL_ERROR_RT_MEMORY_FREE',
  207003: 'ACL_ERROR_RT_AICORE_OVER_FLOW',
  207004: 'ACL_ERROR_RT_NO_DEVICE',
  207007: 'ACL_ERROR_RT_NO_EVENT_RESOURCE',
  207008: 'ACL_ERROR_RT_NO_STREAM_RESOURCE',
  207018: 'ACL_ERROR_RT_DEVICE_OOM',
  245000: 'ACL_ERROR_GE_MEMORY_ALLOCATION',
  300000: 'ACL_ERROR_STORAGE_OVER_LIMIT',
  500000: 'ACL_ERROR_INTERNAL_ERROR',
  500001: 'ACL_ERROR_FAILURE',
  500002: 'ACL_ERROR_GE_FAILURE',
  500003: 'ACL_ERROR_RT_FAILURE',
  500004: 'ACL_ERROR_DRV_FAILURE',
  507000: 'ACL_ERROR_RT_INTERNAL_ERROR',
  507011: 'ACL_ERROR_RT_MODEL_EXECUTE',
  507014: 'ACL_ERROR_RT_AICORE_TIMEOUT',
  507015: 'ACL_ERROR_RT_AICORE_EXCEPTION',
  507018: 'ACL_ERROR_RT_AICPU_EXCEPTION',
  507046: 'ACL_ERROR_RT_STREAM_SYNC_TIMEOUT',
  507047: 'ACL_ERROR_RT_EVENT_SYNC_TIMEOUT',
  507899: 'ACL_ERROR_RT_DRV_INTERNAL_ERROR',
  545000: 'ACL_ERROR_GE_INTERNAL_ERROR',
  545001: 'ACL_ERROR_GE_LOAD_MODEL',
  545009: 'ACL_ERROR_GE_UNLOAD_MODEL',
  545601: 'ACL_ERROR_GE_MODEL_EXECUTE_TIMEOUT',
};

/** The codes that the program itself acts on. */
export const success = 0;
export const repeatInitialize = 100002;
export const repeatFinalize = 100037;
export const uninitialized = 100001;
const outOfMemory = new Set([200000, 207001, 207018, 245000]);
const timeouts = new Set([107019, 107020, 507014, 507046, 507047, 545601]);
const kernelFailures = new Set([507011, 507015, 507018]);

/** `507015 ACL_ERROR_RT_AICORE_EXCEPTION`; the number alone for a code that CANN 8.1 does not have. */
export function errorName(code: number): string {
  const name = names[code];
  return name === undefined ? `${code}` : `${code} ${name}`;
}

/** What to do about a code, in one sentence without a full stop. */
export function errorAdvice(code: number): string {
  if (outOfMemory.has(code))
    return 'lower the batch size, or end other programs on this device (npu-smi info)';
  if (timeouts.has(code))
    return 'look at the device with npu-smi info; a longer limit is set with OMMA_ASCEND_TIMEOUT (seconds)';
  if (kernelFailures.has(code))
    return "find the failing kernel in CANN's log (~/ascend/log/debug/plog), and check the input data";
  if (code === 107001 || code === 207004 || code === 200002)
    return 'choose a device that npu-smi info lists and ASCEND_RT_VISIBLE_DEVICES does not hide';
  if (code === 100039)
    return 'the library is the stub for building; put the real one first on LD_LIBRARY_PATH';
  if (code === 148049) return "source CANN's set_env.sh: ASCEND_OPP_PATH does not fit";
  if (code === 145006 || code === 545001 || code === 145002)
    return 'the .om file is damaged or was compiled by a newer toolkit or for another chip; compile it again';
  if (code >= 500000)
    return "CANN's log says more (~/ascend/log/debug/plog); npu-smi info shows the device's health";
  return "this is a defect of Omma or an unknown version of CANN; send us the output of 'omma ascend doctor'";
}

/** A call that failed. `call` is the C function, `detail` what the library says about it (empty when it says nothing). */
export class AclError extends Error {
  override name = 'AclError';
  readonly call: string;
  readonly code: number;
  readonly detail: string;

  constructor(call: string, code: number, detail: string) {
    const said = detail === '' ? '' : `: ${detail.replace(/\s+/g, ' ').trim()}`;
    super(`${call} failed with ${errorName(code)}${said}; ${errorAdvice(code)}`);
    this.call = call;
    this.code = code;
    this.detail = detail;
  }

  /** True when the device has no memory left: the caller may free some and go on. */
  get isOutOfMemory(): boolean {
    return outOfMemory.has(this.code);
  }

  /** True when something did not end in its time. */
  get isTimeout(): boolean {
    return timeouts.has(this.code);
  }
}
