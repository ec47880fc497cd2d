// Execution of models (reference report 1.12).
#include "acl/acl.h"
#include "acl/execution.h"
#include "acl/text.h"

namespace sim {

namespace {

using omma::om::GearKind;

// A model has one work area: an execution must come after the last one, by stream order, an event or a synchronisation of the host.
void refuseUnordered(const LoadedModel& model, bool ordered) {
  require(ordered, acl::kGeParamInvalid, kModelInput,
          "model " + number(model.id()) + " is executed while another stream may still execute it: order the streams by an event, synchronise, or load the model twice");
}

void executeNow(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output) {
  const auto context = currentContext();
  const auto model = findModel(modelId);
  Execution execution(model, *context, input, output, true);
  {
    const std::lock_guard<std::mutex> lock(model->mutex);
    refuseUnordered(*model, isBeforeHost(model->last));
    model->last = {};
  }
  execution.run();
}

void executeOnStream(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream) {
  const auto context = currentContext();
  const auto queue = streamOf(*context, stream);
  const auto model = findModel(modelId);
  const auto execution = std::make_shared<Execution>(model, *context, input, output, false);
  Task task;
  task.run = [execution] {
    execution->run();
    return acl::kSuccess;
  };
  task.uses = execution->uses();
  const std::lock_guard<std::mutex> lock(model->mutex);
  refuseUnordered(*model, isBefore(model->last, queue->clock()));
  model->last = queue->enqueue(std::move(task));
}

// The gear of a model of dims: the user gives all dims of all inputs, the model keeps those that vary.
std::vector<int64_t> varyingDims(const omma::om::Model& model, const aclmdlIODims& all) {
  std::vector<int64_t> out;
  size_t expected = 0, at = 0;
  for (const omma::om::Tensor& input : model.inputs) expected += input.onnxName.empty() ? 0 : input.dims.size();
  require(all.dimCount == expected && expected <= ACL_MAX_DIM_CNT, acl::kInvalidParam, kAclArgument,
          "dims has " + number(all.dimCount) + " dims, all inputs together have " + number(expected));
  for (const omma::om::Tensor& input : model.inputs) {
    if (input.onnxName.empty()) continue;
    for (int64_t dim : input.dims) {
      const int64_t given = all.dims[at++];
      if (dim == -1) out.push_back(given);
      require(dim == -1 || given == dim, acl::kGeDynamicBatchSizeInvalid, kModelInput,
              "dim " + number(at - 1) + " is " + number(given) + ", but the model has " + number(dim) + " there, in all gears");
    }
  }
  return out;
}

void checkPositive(uint64_t value, const char* name) {
  require(value > 0 && value <= INT64_MAX, acl::kInvalidParam, kAclArgument, std::string("Value [0] for [") + name + "] is invalid. Reason: it must be greater than zero.");
}

}  // namespace

}  // namespace sim

using namespace sim;

aclError aclmdlExecute(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output) {
  return guarded([&] { executeNow(modelId, input, output); });
}

aclError aclmdlExecuteAsync(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream) {
  return guarded([&] { executeOnStream(modelId, input, output, stream); });
}

aclError aclmdlExecuteV2(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream,
                         const aclmdlExecConfigHandle* handle) {
  return guarded([&] {
    require(runtime().execConfigs.find(handle) != nullptr, acl::kInvalidParam, kAclArgument, "execution config " + describeDeadHandle(handle) + " is not alive");
    const auto context = currentContext();
    streamOf(*context, stream);
    executeNow(modelId, input, output);
  });
}

aclError aclmdlExecuteAsyncV2(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream,
                              const aclmdlExecConfigHandle* handle) {
  return guarded([&] {
    require(runtime().execConfigs.find(handle) != nullptr, acl::kInvalidParam, kAclArgument, "execution config " + describeDeadHandle(handle) + " is not alive");
    executeOnStream(modelId, input, output, stream);
  });
}

aclmdlExecConfigHandle* aclmdlCreateExecConfigHandle() {
  return guardedValue<aclmdlExecConfigHandle*>(nullptr, [] { return static_cast<aclmdlExecConfigHandle*>(runtime().execConfigs.add(std::make_shared<ExecConfig>())); });
}

// Time limits and work areas of one execution: the simulator has neither and refuses them rather than ignore them.
aclError aclmdlSetExecConfigOpt(aclmdlExecConfigHandle* handle, int32_t attr, const void* /*attrValue*/, size_t /*valueSize*/) {
  return guarded([&] {
    require(runtime().execConfigs.find(handle) != nullptr, acl::kInvalidParam, kAclArgument, "execution config " + describeDeadHandle(handle) + " is not alive");
    throw Failure(acl::kApiNotSupport, kUnsupported, "attribute " + number(attr) + " is not supported. Reason: the simulator knows no attribute of an execution.");
  });
}

aclError aclmdlDestroyExecConfigHandle(const aclmdlExecConfigHandle* handle) {
  return guarded([&] {
    require(runtime().execConfigs.remove(handle) != nullptr, acl::kInvalidParam, kAclArgument, "execution config " + describeDeadHandle(handle) + " is not alive");
  });
}

aclError aclmdlSetDynamicBatchSize(uint32_t modelId, aclmdlDataset* dataset, size_t index, uint64_t batchSize) {
  return guarded([&] {
    checkPositive(batchSize, "batchSize");
    setGear(modelId, dataset, index, GearKind::Batch, {static_cast<int64_t>(batchSize)});
  });
}

aclError aclmdlSetDynamicHWSize(uint32_t modelId, aclmdlDataset* dataset, size_t index, uint64_t height, uint64_t width) {
  return guarded([&] {
    checkPositive(height, "height");
    checkPositive(width, "width");
    setGear(modelId, dataset, index, GearKind::Image, {static_cast<int64_t>(height), static_cast<int64_t>(width)});
  });
}

aclError aclmdlSetInputDynamicDims(uint32_t modelId, aclmdlDataset* dataset, size_t index, const aclmdlIODims* dims) {
  return guarded([&] {
    requirePointer(dims, "dims");
    currentContext();
    const omma::om::Model& description = findModel(modelId)->description();
    setGear(modelId, dataset, index, GearKind::Dims, varyingDims(description, *dims));
  });
}
