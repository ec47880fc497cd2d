// What the caller builds to describe an execution: data buffers, datasets, tensor descriptions. None of them owns device memory.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "acl/types.h"

namespace sim {

struct DataBuffer {
  void* data = nullptr;
  size_t size = 0;
};

struct TensorDesc {
  aclDataType dataType = 0;
  aclFormat format = 0;
  std::vector<int64_t> dims;
};

struct Dataset {
  std::vector<aclDataBuffer*> buffers;
  std::vector<aclTensorDesc*> descs;
};

struct ModelConfig {
  int32_t priority = 0;
  size_t loadType = 0;
  const char* path = nullptr;
  const void* memory = nullptr;
  size_t memoryBytes = 0;
  void* weights = nullptr;
  size_t weightBytes = 0;
  void* workspace = nullptr;
  size_t workspaceBytes = 0;
};

struct ExecConfig {};

// Bytes of one element of an aclDataType; 0 for one without a whole number of bytes.
size_t elementBytes(aclDataType type);

}  // namespace sim
