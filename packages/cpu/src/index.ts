/**
 * @omma/cpu: the CPU device, a C++ addon on oneDNN.
 *
 * A device: imports core only, and nothing above imports it by name; importing it registers it.
 */

export { createCpuDevice } from './device.ts';
