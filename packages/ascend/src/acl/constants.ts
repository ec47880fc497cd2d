/** AscendCL's enumerations and structs, as far as Omma uses them. From the headers of CANN 8.1.RC1; on 64-bit Linux. */

/** `aclDataType`, by the name that ONNX gives the element. */
export const dataTypes = {
  float32: 0,
  float16: 1,
  int8: 2,
  int32: 3,
  uint8: 4,
  int16: 6,
  uint16: 7,
  uint32: 8,
  int64: 9,
  uint64: 10,
  float64: 11,
  bool: 12,
  bfloat16: 27,
} as const;
export type DataTypeName = keyof typeof dataTypes;

const dataTypeNames = new Map<number, string>(Object.entries(dataTypes).map(([name, code]) => [code, name]));

/** The element's name, or `aclDataType 30` for one that Omma does not use. */
export function dataTypeName(code: number): string {
  return dataTypeNames.get(code) ?? `aclDataType ${code}`;
}

/** `aclrtMemcpyKind` */
export const memcpyKind = { hostToDevice: 1, deviceToHost: 2, deviceToDevice: 3 } as const;
/** `aclrtMemMallocPolicy`: large pages where there are some. */
export const mallocHugeFirst = 0;
/** `aclrtMemAttr`; a chip without HBM answers for its DDR. */
export const memoryAttribute = { ddr: 0, hbm: 1 } as const;
/** `aclrtStreamStatus` */
export const streamComplete = 0;
/** `aclrtSetStreamFailureMode`: what is queued behind a failed task does not run. */
export const stopOnFailure = 1;
/** `aclrtSetSysParamOpt`: kernels that add in the same order every time. */
export const optionDeterministic = 0;
/** `aclrtFloatOverflowMode`: results too large become infinity, which loss scaling looks for. */
export const overflowInfNan = 1;
/** `aclFormat` */
export const formatNhwc = 1;
/** `aclCANNPackageName` */
export const packageCann = 0;
/** Bytes of `aclCANNPackageVersion`, whose first field is the version's text. */
export const cannVersionBytes = 512;
/** The input that dynamic models have besides their own: it takes the gear. */
export const gearInputName = 'ascend_mbatch_shape_data';
/** Index that stands for "the whole model" in the queries of gears: `(size_t)-1`. */
export const wholeModel = 0xffff_ffff_ffff_ffffn;

/** `aclmdlIODims` is `char name[128]; size_t dimCount; int64_t dims[128]`. */
export const ioDimsBytes = 1160;
const maxDims = 128;
const dimCountAt = 128;
const dimsAt = 136;

/** The dimensions in an `aclmdlIODims`, -1 for those that follow a gear. */
export function readIoDims(bytes: Uint8Array, offset = 0): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, ioDimsBytes);
  const count = Number(view.getBigUint64(dimCountAt, true));
  if (count > maxDims)
    throw new Error(`acl: a tensor of ${count} dimensions; the library does not fit this version of Omma`);
  return Array.from({ length: count }, (_, i) => Number(view.getBigInt64(dimsAt + 8 * i, true)));
}

/** An `aclmdlIODims` with these dimensions. */
export function writeIoDims(dims: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(ioDimsBytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(dimCountAt, BigInt(dims.length), true);
  dims.forEach((size, i) => {
    view.setBigInt64(dimsAt + 8 * i, BigInt(size), true);
  });
  return bytes;
}

/** Bytes of `aclmdlBatch` (`size_t count; uint64_t batch[128]`) and of `aclmdlHW` (`size_t count; uint64_t hw[128][2]`). */
export const batchBytes = 1032;
export const hwBytes = 2056;

/** The gears in an `aclmdlBatch` (width 1) or `aclmdlHW` (width 2). */
export function readGears(bytes: Uint8Array, width: 1 | 2): number[][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Number(view.getBigUint64(0, true));
  if (count > maxDims)
    throw new Error(`acl: a model with ${count} gears; the library does not fit this version of Omma`);
  return Array.from({ length: count }, (_, gear) =>
    Array.from({ length: width }, (_, i) => Number(view.getBigUint64(8 + 8 * (gear * width + i), true))),
  );
}
