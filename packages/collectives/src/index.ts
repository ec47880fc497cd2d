/**
 * @omma/collectives: collective engines that others have written, behind core's `HostCollectives`. Each is an addon of its own, built by setup where
 * its library is; what is missing is said in a line, and the engine goes another way.
 */

export { connectGloo, glooAvailable } from './gloo.ts';
export { joinMpi, mpiAvailable } from './mpi.ts';
