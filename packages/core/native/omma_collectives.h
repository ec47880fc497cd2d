/*
 * Collectives between native code of two packages: what an engine (Gloo, Open MPI) hands to a device whose memory is host memory, so that
 * gradients are reduced where they lie, from the device's own thread, without a turn through JavaScript. Plain C, because the two
 * sides are separate libraries. The TypeScript side of the contract is core's src/device/communicator.ts.
 *
 * Every call starts work on the engine's thread, in the order of the calls, and gives a ticket; none blocks but `wait`. All ranks must
 * make the same calls in the same order.
 */
#ifndef OMMA_COLLECTIVES_H
#define OMMA_COLLECTIVES_H

#include <stddef.h>
#include <stdint.h>

#define OMMA_COLLECTIVES_VERSION 2

/* The order of the lists `dtypes` and `reduceOps` in core's TypeScript. */
enum OmmaDType {
  OMMA_FLOAT32 = 0,
  OMMA_FLOAT16 = 1,
  OMMA_BFLOAT16 = 2,
  OMMA_INT32 = 3,
  OMMA_UINT32 = 4,
  OMMA_UINT8 = 5,
  OMMA_BOOL = 6
};
enum OmmaReduceOp { OMMA_SUM = 0, OMMA_PROD = 1, OMMA_MAX = 2, OMMA_MIN = 3 };

/* Takes elements from `begin` on of a result, `count` of them; the first lies at `values`, until it returns. Must not fail. */
typedef void (*OmmaTake)(void* user, const void* values, uint64_t begin, uint64_t count);

typedef struct OmmaCollectives {
  uint32_t version;
  int32_t rank;
  int32_t size;
  void* context;
  /* In place. `count` in elements. */
  uint64_t (*allReduce)(void* context, void* data, uint64_t count, int32_t dtype, int32_t op);
  uint64_t (*broadcast)(void* context, void* data, uint64_t bytes, int32_t root);
  /* `target` has size times `bytes`. */
  uint64_t (*allGather)(void* context, const void* source, void* target, uint64_t bytes);
  /* `source` has size times `count` elements. */
  uint64_t (*reduceScatter)(void* context, const void* source, void* target, uint64_t count, int32_t dtype, int32_t op);
  uint64_t (*barrier)(void* context);
  /* Waits for the ticket and all before it: 0, or 1 with a reason in one line. Memory is left alone afterwards in both cases. */
  int (*wait)(void* context, uint64_t ticket, char* reason, size_t reasonBytes);
  /* Only of engines whose work is done by the thread that waits, null elsewhere: an allReduce that hands its result over piece by piece, every element once, while
     the piece lies in the caches. `data` stays as it is. Blocks; gives what `wait` gives. */
  int (*allReduceAndTake)(void* context, const void* data, uint64_t count, int32_t dtype, int32_t op, OmmaTake take, void* user, char* reason,
                          size_t reasonBytes);
  /* Ends everything that waits for other ranks, from any thread. Nothing works afterwards. */
  void (*abort)(void* context, const char* reason);
} OmmaCollectives;

#endif
