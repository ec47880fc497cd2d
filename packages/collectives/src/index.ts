/**
 * @omma/collectives: collective engines behind core's `HostCollectives`: those that others have written, and shared memory on one machine. Each is an addon of its
 * own, built by setup where its library is; what is missing is said in a line, and the engine goes another way.
 */

export { connectGloo, glooAvailable } from './gloo.ts';
export { joinMpi, mpiAvailable } from './mpi.ts';
export { connectShared, sharedMemoryAvailable } from './shared.ts';
