// What libascendcl lets libhccl do: put tasks of its own on a stream and reach device memory, as the real communication library does through
// interfaces of the runtime that are not public. Not part of the ABI.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "acl/types.h"

#define OMMA_SIM_API __attribute__((visibility("default")))

namespace sim {

// Enqueues `task` on `stream` (null: the default stream of the calling thread's context); it runs on the stream's thread. Its code, if not 0,
// is what the next synchronisation of the stream returns. 0; 107002 without a context; 107003 for a stream of another context.
OMMA_SIM_API aclError enqueue(aclrtStream stream, std::function<aclError()> task);

// The simulator's own address of [address, address + size) in the memory of the current context's device, valid while it is allocated. Null when
// the range is not wholly inside one live allocation. Inside a task: of the stream's device.
OMMA_SIM_API void* deviceMemory(const void* address, size_t size);

// Inside a task: the text that goes with its failure.
OMMA_SIM_API void setTaskError(const std::string& text);

// Inside a task: true once its stream is aborted or destroyed. What waits has to ask this every now and then.
OMMA_SIM_API bool taskAborted();

// The number of the calling thread's device, as aclrtGetDevice counts; -1 without a context. Inside a task: of the stream's device.
OMMA_SIM_API int currentDevice();

// This thread's text for aclGetRecentErrMsg: "<id>: ... <text>".
OMMA_SIM_API void setRecentError(const char* id, const std::string& text);

}  // namespace sim
