// One execution of a model: the checks when it is asked for, and the run, later, on a stream's thread.
//
// Inputs and outputs are zero-copy, as on the device: ONNX Runtime reads and writes the caller's device memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model.h"
#include "objects.h"

namespace sim {

class Execution {
 public:
  // Checks everything the real runtime checks, and what it does not but goes wrong without a word (overlapping and unaligned buffers).
  // `allocateOutputs`: an output buffer with data null and size 0 gets device memory, which the caller has to free (aclmdlExecute only).
  Execution(std::shared_ptr<LoadedModel> model, const Context& context, const aclmdlDataset* input, const aclmdlDataset* output, bool allocateOutputs);
  ~Execution();
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  // The allocations it reads and writes.
  std::vector<Use> uses() const;

  // On a stream's thread, or the caller's for aclmdlExecute. Throws Failure.
  void run();

 private:
  struct Port {
    const omma::om::Tensor* tensor;
    DataBuffer buffer;
    DeviceRange range;  // without block: not memory of this device
  };

  Port port(const omma::om::Tensor& tensor, size_t needed, const char* kind, size_t index, const aclDataBuffer* handle, bool allocate) const;
  std::vector<Port> ports(const std::vector<omma::om::Tensor>& tensors, const aclmdlDataset* dataset, const char* kind, bool allocate) const;
  void refuseOverlaps() const;
  void refuseUnreachable() const;
  size_t gear() const;
  void compute(size_t gear);
  void poisonOutputs();
  void hang() const;

  const std::shared_ptr<LoadedModel> model_;
  Device& device_;
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
  int64_t number_ = 0;  // of the executions of this process
};

// aclmdlSetDynamic...: writes the gear's values into the buffer of the gear input.
void setGear(uint32_t modelId, const aclmdlDataset* dataset, size_t index, omma::om::GearKind kind, const std::vector<int64_t>& values);

// For aclrtSetOpExecuteTimeOut; 0: none.
void setExecutionTimeout(uint32_t seconds);

}  // namespace sim
