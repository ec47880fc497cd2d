/** HCCL's enumerations and sizes. From the headers of CANN 8.1.RC1. */

import type { DType, ReduceOp } from '@omma/core';

/** `HcclDataType`: not the numbering of `aclDataType`. There is no bool: its bytes travel as uint8. */
export const hcclDataTypes: Readonly<Record<DType, number>> = {
  float32: 4,
  float16: 3,
  bfloat16: 11,
  int32: 2,
  uint32: 9,
  uint8: 7,
  bool: 7,
};
/** The type whose sums with zero keep every bit, and which every chip reduces. */
export const hcclInt8 = 0;

/** `HcclReduceOp` */
export const hcclReduceOps: Readonly<Record<ReduceOp, number>> = { sum: 0, prod: 1, max: 2, min: 3 };

/** `HCCL_ROOT_INFO_BYTES` */
export const rootInfoBytes = 4108;

/** `HcclResult`, by number. */
const results = [
  'HCCL_SUCCESS',
  'HCCL_E_PARA',
  'HCCL_E_PTR',
  'HCCL_E_MEMORY',
  'HCCL_E_INTERNAL',
  'HCCL_E_NOT_SUPPORT',
  'HCCL_E_NOT_FOUND',
  'HCCL_E_UNAVAIL',
  'HCCL_E_SYSCALL',
  'HCCL_E_TIMEOUT',
  'HCCL_E_OPEN_FILE_FAILURE',
  'HCCL_E_TCP_CONNECT',
  'HCCL_E_ROCE_CONNECT',
  'HCCL_E_TCP_TRANSFER',
  'HCCL_E_ROCE_TRANSFER',
  'HCCL_E_RUNTIME',
  'HCCL_E_DRV',
  'HCCL_E_PROFILING',
  'HCCL_E_CCE',
  'HCCL_E_NETWORK',
  'HCCL_E_AGAIN',
  'HCCL_E_REMOTE',
  'HCCL_E_SUSPENDING',
];
export const hcclSuccess = 0;
export const hcclTimeout = 9;
const hcclUnavailable = 7;
const hcclNotSupported = 5;
const hcclTcpConnect = 11;
const hcclNetwork = 19;
const hcclRemote = 21;

/** `9 HCCL_E_TIMEOUT`; the number alone for a code that CANN 8.1 does not have. */
export function hcclResultName(code: number): string {
  const name = results[code];
  return name === undefined ? `${code}` : `${code} ${name}`;
}

/** What to do about a result, in one sentence without a full stop. */
export function hcclAdvice(code: number): string {
  switch (code) {
    case hcclTimeout:
      return 'another rank did not come or hangs; look at what it says, and raise HCCL_CONNECT_TIMEOUT (start) or HCCL_EXEC_TIMEOUT (collectives) if it is only slow';
    case hcclRemote:
      return 'another rank is gone; look at what it said';
    case hcclUnavailable:
    case hcclTcpConnect:
      return 'a port is taken or closed; set HCCL_IF_BASE_PORT, HCCL_HOST_SOCKET_PORT_RANGE=auto or HCCL_IF_IP';
    case hcclNetwork:
      return 'the network of the devices is not set up; check device_ip in the rank table and /etc/hccn.conf';
    case hcclNotSupported:
      return 'this chip has no such collective or no such element type in it';
    default:
      return "CANN's log says more (~/ascend/log/debug/plog)";
  }
}
