// Model load and unload (reference report 1.10).
#include <cstring>

#include "acl/acl.h"
#include "acl/model.h"
#include "acl/text.h"

namespace sim {

namespace {

// Attributes of aclmdlLoadWithConfig and its kinds of load.
enum Attribute : int32_t {
  kPriority = 0, kLoadType = 1, kPath = 2, kMemory = 3, kMemoryBytes = 4, kWeights = 5, kWeightBytes = 6, kWorkspace = 7, kWorkspaceBytes = 8,
  kWorkspaceOptimize = 13,
};
constexpr size_t kFromFile = 1, kFromFileWithMemory = 2, kFromMemory = 3, kFromMemoryWithMemory = 4;

// A model lies in the host's memory; a device address would trap.
void checkHostMemory(const void* model, size_t size) {
  requirePointer(model, "model");
  require(size > 0, acl::kInvalidParam, kAclArgument, "Value [0] for [modelSize] is invalid. Reason: it must be greater than zero.");
  for (const auto& device : runtime().devices) {
    require(!device->memory.contains(model), acl::kInvalidParam, kAclArgument, "the model at " + hex(model) + " lies in device memory, expected host memory");
  }
}

uint32_t loadFile(const char* path, const LentMemory& lent) {
  currentContext();
  const std::string bytes = readModelFile(path);
  return loadModel(bytes.data(), bytes.size(), lent);
}

uint32_t loadMemory(const void* model, size_t size, const LentMemory& lent) {
  currentContext();
  checkHostMemory(model, size);
  return loadModel(model, size, lent);
}

std::shared_ptr<ModelConfig> configAt(const aclmdlConfigHandle* handle) {
  requirePointer(handle, "handle");
  std::shared_ptr<ModelConfig> found = runtime().modelConfigs.find(handle);
  require(found != nullptr, acl::kInvalidParam, kAclArgument, "config handle " + describeDeadHandle(handle) + " is not alive");
  return found;
}

template <typename T>
void assign(T& to, const void* value, size_t size) {
  require(size == sizeof to, acl::kInvalidParam, kAclArgument, "the value has " + number(size) + " bytes, expected " + number(sizeof to));
  std::memcpy(&to, value, sizeof to);
}

void setAttribute(ModelConfig& config, int32_t attribute, const void* value, size_t size) {
  size_t optimize = 0;
  switch (attribute) {
    case kPriority: return assign(config.priority, value, size);
    case kLoadType: return assign(config.loadType, value, size);
    case kPath: return assign(config.path, value, size);
    case kMemory: return assign(config.memory, value, size);
    case kMemoryBytes: return assign(config.memoryBytes, value, size);
    case kWeights: return assign(config.weights, value, size);
    case kWeightBytes: return assign(config.weightBytes, value, size);
    case kWorkspace: return assign(config.workspace, value, size);
    case kWorkspaceBytes: return assign(config.workspaceBytes, value, size);
    case kWorkspaceOptimize: return assign(optimize, value, size);
    default: throw Failure(acl::kInvalidParam, kAclArgument, "attribute " + number(attribute) + " is not one that the simulator knows");
  }
}

uint32_t loadConfigured(const ModelConfig& config) {
  LentMemory lent;
  if (config.loadType == kFromFileWithMemory || config.loadType == kFromMemoryWithMemory) {
    lent = {config.workspace, config.workspaceBytes, config.weights, config.weightBytes};
  }
  switch (config.loadType) {
    case kFromFile:
    case kFromFileWithMemory: return loadFile(config.path, lent);
    case kFromMemory:
    case kFromMemoryWithMemory: return loadMemory(config.memory, config.memoryBytes, lent);
    default: throw Failure(acl::kInvalidParam, kAclArgument, "load type " + number(config.loadType) + " is not one that the simulator knows");
  }
}

void querySize(const omma::om::Model& model, size_t* workSize, size_t* weightSize) {
  *workSize = model.workBytes;
  *weightSize = model.weightBytes;
}

}  // namespace

}  // namespace sim

using namespace sim;

aclError aclmdlLoadFromFile(const char* modelPath, uint32_t* modelId) { return aclmdlLoadFromFileWithMem(modelPath, modelId, nullptr, 0, nullptr, 0); }

aclError aclmdlLoadFromMem(const void* model, size_t modelSize, uint32_t* modelId) {
  return aclmdlLoadFromMemWithMem(model, modelSize, modelId, nullptr, 0, nullptr, 0);
}

aclError aclmdlLoadFromFileWithMem(const char* modelPath, uint32_t* modelId, void* workPtr, size_t workSize, void* weightPtr, size_t weightSize) {
  return guarded([&] {
    requirePointer(modelId, "modelId");
    *modelId = loadFile(modelPath, {workPtr, workSize, weightPtr, weightSize});
  });
}

aclError aclmdlLoadFromMemWithMem(const void* model, size_t modelSize, uint32_t* modelId, void* workPtr, size_t workSize, void* weightPtr,
                                  size_t weightSize) {
  return guarded([&] {
    requirePointer(modelId, "modelId");
    *modelId = loadMemory(model, modelSize, {workPtr, workSize, weightPtr, weightSize});
  });
}

aclError aclmdlQuerySize(const char* fileName, size_t* workSize, size_t* weightSize) {
  return guarded([&] {
    requirePointer(workSize, "workSize");
    requirePointer(weightSize, "weightSize");
    currentContext();
    const std::string bytes = readModelFile(fileName);
    querySize(*parseModel(bytes.data(), bytes.size()), workSize, weightSize);
  });
}

aclError aclmdlQuerySizeFromMem(const void* model, size_t modelSize, size_t* workSize, size_t* weightSize) {
  return guarded([&] {
    requirePointer(workSize, "workSize");
    requirePointer(weightSize, "weightSize");
    currentContext();
    checkHostMemory(model, modelSize);
    querySize(*parseModel(model, modelSize), workSize, weightSize);
  });
}

aclError aclmdlUnload(uint32_t modelId) {
  return guarded([&] { unloadModel(modelId); });
}

aclmdlConfigHandle* aclmdlCreateConfigHandle() {
  return guardedValue<aclmdlConfigHandle*>(nullptr, [] { return static_cast<aclmdlConfigHandle*>(runtime().modelConfigs.add(std::make_shared<ModelConfig>())); });
}

aclError aclmdlSetConfigOpt(aclmdlConfigHandle* handle, int32_t attr, const void* attrValue, size_t valueSize) {
  return guarded([&] {
    requirePointer(attrValue, "attrValue");
    setAttribute(*configAt(handle), attr, attrValue, valueSize);
  });
}

aclError aclmdlLoadWithConfig(const aclmdlConfigHandle* handle, uint32_t* modelId) {
  return guarded([&] {
    requirePointer(modelId, "modelId");
    *modelId = loadConfigured(*configAt(handle));
  });
}

aclError aclmdlDestroyConfigHandle(aclmdlConfigHandle* handle) {
  return guarded([&] {
    configAt(handle);
    runtime().modelConfigs.remove(handle);
  });
}
