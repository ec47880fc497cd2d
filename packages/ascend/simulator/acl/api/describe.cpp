// Model description (reference report 1.11). What can be asked without a context, and answered from the .om's header alone.
#include <algorithm>
#include <cstring>
#include <optional>

#include "acl/acl.h"
#include "acl/model.h"
#include "acl/text.h"

namespace sim {

namespace {

using omma::om::GearKind;
using omma::om::Model;
using omma::om::Tensor;

constexpr size_t kUnknown = static_cast<size_t>(-1);  // the index that the gear functions ask for

std::shared_ptr<ModelDesc> descAt(const aclmdlDesc* handle) {
  requirePointer(handle, "modelDesc");
  std::shared_ptr<ModelDesc> found = runtime().modelDescs.find(handle);
  require(found != nullptr, acl::kInvalidParam, kAclArgument, "model desc " + describeDeadHandle(handle) + " is not alive");
  return found;
}

// The description behind a desc. Throws Failure 100000 when it was never filled.
std::shared_ptr<const Model> modelAt(const aclmdlDesc* handle) {
  std::shared_ptr<const Model> model = descAt(handle)->model;
  require(model != nullptr, acl::kInvalidParam, kAclArgument, "the model desc is empty: call aclmdlGetDesc first");
  return model;
}

const Tensor& tensorAt(const std::vector<Tensor>& tensors, size_t index) {
  require(index < tensors.size(), acl::kInvalidParam, kAclArgument, "index " + number(index) + " of " + number(tensors.size()));
  return tensors[index];
}

// The name as aclmdlIODims holds it: one that is too long is replaced (and aclmdlGetTensorRealName leads back).
std::string shortName(const ModelDesc& desc, const Tensor& tensor, const char* kind, size_t index) {
  if (tensor.name.size() < ACL_MAX_TENSOR_NAME_LEN) return tensor.name;
  return "acl_modelId_" + number(desc.id) + "_" + kind + "_" + number(index);
}

void fill(aclmdlIODims* out, const std::string& name, const std::vector<int64_t>& dims) {
  std::memset(out, 0, sizeof *out);
  std::strncpy(out->name, name.c_str(), sizeof out->name - 1);
  out->dimCount = dims.size();
  std::copy(dims.begin(), dims.end(), out->dims);
}

aclError inputDims(const aclmdlDesc* handle, size_t index, aclmdlIODims* dims, bool origin) {
  return guarded([&] {
    requirePointer(dims, "dims");
    const auto model = modelAt(handle);
    const Tensor& tensor = tensorAt(model->inputs, index);
    fill(dims, shortName(*descAt(handle), tensor, "input", index), origin && !tensor.originDims.empty() ? tensor.originDims : tensor.dims);
  });
}

size_t indexOf(const std::vector<Tensor>& tensors, const char* name) {
  requirePointer(name, "name");
  const auto found = std::find_if(tensors.begin(), tensors.end(), [name](const Tensor& tensor) { return tensor.name == name; });
  require(found != tensors.end(), acl::kInvalidParam, kAclArgument, std::string("Value [") + name + "] for [name] is invalid. Reason: the model has no such tensor.");
  return static_cast<size_t>(found - tensors.begin());
}

// All dims of all inputs, one after the other, in one gear. The gear input is none of them.
std::vector<int64_t> allDims(const Model& model, size_t gear) {
  std::vector<int64_t> out;
  for (const Tensor& input : model.inputs) {
    if (input.onnxName.empty()) continue;
    const std::vector<int64_t>& dims = input.gearDims.empty() ? input.dims : input.gearDims.at(gear);
    out.insert(out.end(), dims.begin(), dims.end());
  }
  return out;
}

void requireUnknown(size_t index) { require(index == kUnknown, acl::kInvalidParam, kAclArgument, "index must be -1, found " + number(index)); }

// The gear set last for the loaded model; the largest before that.
std::optional<size_t> currentGear(const ModelDesc& desc) {
  if (desc.id == 0) return std::nullopt;
  const auto model = findModel(desc.id);
  const std::lock_guard<std::mutex> lock(model->mutex);
  return model->gear;
}

// Pointers to names stay valid as long as the desc: it holds the description.
const char* nameAt(const std::vector<Tensor>& tensors, size_t index) { return tensorAt(tensors, index).name.c_str(); }

}  // namespace

}  // namespace sim

using namespace sim;

aclmdlDesc* aclmdlCreateDesc() {
  return guardedValue<aclmdlDesc*>(nullptr, [] { return static_cast<aclmdlDesc*>(runtime().modelDescs.add(std::make_shared<ModelDesc>())); });
}

aclError aclmdlDestroyDesc(aclmdlDesc* modelDesc) {
  return guarded([&] {
    descAt(modelDesc);
    runtime().modelDescs.remove(modelDesc);
  });
}

aclError aclmdlGetDesc(aclmdlDesc* modelDesc, uint32_t modelId) {
  return guarded([&] {
    const auto desc = descAt(modelDesc);
    *desc = {findModel(modelId)->sharedDescription(), modelId};
  });
}

aclError aclmdlGetDescFromFile(aclmdlDesc* modelDesc, const char* modelPath) {
  return guarded([&] {
    const auto desc = descAt(modelDesc);
    const std::string bytes = readModelFile(modelPath);
    *desc = {parseModel(bytes.data(), bytes.size()), 0};
  });
}

aclError aclmdlGetDescFromMem(aclmdlDesc* modelDesc, const void* model, size_t modelSize) {
  return guarded([&] {
    const auto desc = descAt(modelDesc);
    requirePointer(model, "model");
    *desc = {parseModel(model, modelSize), 0};
  });
}

size_t aclmdlGetNumInputs(aclmdlDesc* modelDesc) {
  return guardedValue<size_t>(0, [&] { return modelAt(modelDesc)->inputs.size(); });
}

size_t aclmdlGetNumOutputs(aclmdlDesc* modelDesc) {
  return guardedValue<size_t>(0, [&] { return modelAt(modelDesc)->outputs.size(); });
}

size_t aclmdlGetInputSizeByIndex(aclmdlDesc* modelDesc, size_t index) {
  return guardedValue<size_t>(0, [&] {
    const auto model = modelAt(modelDesc);
    tensorAt(model->inputs, index);
    return inputBytes(*model, index);
  });
}

size_t aclmdlGetOutputSizeByIndex(aclmdlDesc* modelDesc, size_t index) {
  return guardedValue<size_t>(0, [&]() -> size_t { return tensorAt(modelAt(modelDesc)->outputs, index).bytes; });
}

aclError aclmdlGetInputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* dims) { return inputDims(modelDesc, index, dims, false); }

aclError aclmdlGetInputDimsV2(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* dims) { return inputDims(modelDesc, index, dims, true); }

aclError aclmdlGetInputDimsRange(const aclmdlDesc* modelDesc, size_t index, aclmdlIODimsRange* dimsRange) {
  return guarded([&] {
    requirePointer(dimsRange, "dimsRange");
    const auto model = modelAt(modelDesc);
    const Tensor& tensor = tensorAt(model->inputs, index);
    std::memset(dimsRange, 0, sizeof *dimsRange);
    dimsRange->rangeCount = tensor.dims.size();
    for (size_t d = 0; d < tensor.dims.size(); d++) {
      int64_t low = tensor.dims[d], high = tensor.dims[d];
      for (const auto& gear : tensor.gearDims) {
        low = low < 0 ? gear[d] : std::min(low, gear[d]);
        high = std::max(high, gear[d]);
      }
      dimsRange->range[d][0] = low;
      dimsRange->range[d][1] = high;
    }
  });
}

aclError aclmdlGetOutputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* dims) {
  return guarded([&] {
    requirePointer(dims, "dims");
    const auto model = modelAt(modelDesc);
    const Tensor& tensor = tensorAt(model->outputs, index);
    fill(dims, shortName(*descAt(modelDesc), tensor, "output", index), tensor.dims);
  });
}

aclError aclmdlGetCurOutputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* dims) {
  return guarded([&] {
    requirePointer(dims, "dims");
    const auto model = modelAt(modelDesc);
    const auto desc = descAt(modelDesc);
    const Tensor& tensor = tensorAt(model->outputs, index);
    const std::optional<size_t> gear = currentGear(*desc);
    fill(dims, shortName(*desc, tensor, "output", index), gear && !tensor.gearDims.empty() ? tensor.gearDims.at(*gear) : tensor.dims);
  });
}

const char* aclmdlGetInputNameByIndex(const aclmdlDesc* modelDesc, size_t index) {
  return guardedValue<const char*>("", [&] { return nameAt(modelAt(modelDesc)->inputs, index); });
}

const char* aclmdlGetOutputNameByIndex(const aclmdlDesc* modelDesc, size_t index) {
  return guardedValue<const char*>("", [&] { return nameAt(modelAt(modelDesc)->outputs, index); });
}

aclFormat aclmdlGetInputFormat(const aclmdlDesc* modelDesc, size_t index) {
  return guardedValue<aclFormat>(acl::kUndefined, [&] { return static_cast<aclFormat>(tensorAt(modelAt(modelDesc)->inputs, index).format); });
}

aclFormat aclmdlGetOutputFormat(const aclmdlDesc* modelDesc, size_t index) {
  return guardedValue<aclFormat>(acl::kUndefined, [&] { return static_cast<aclFormat>(tensorAt(modelAt(modelDesc)->outputs, index).format); });
}

aclDataType aclmdlGetInputDataType(const aclmdlDesc* modelDesc, size_t index) {
  return guardedValue<aclDataType>(acl::kUndefined, [&] { return static_cast<aclDataType>(tensorAt(modelAt(modelDesc)->inputs, index).dataType); });
}

aclDataType aclmdlGetOutputDataType(const aclmdlDesc* modelDesc, size_t index) {
  return guardedValue<aclDataType>(acl::kUndefined, [&] { return static_cast<aclDataType>(tensorAt(modelAt(modelDesc)->outputs, index).dataType); });
}

aclError aclmdlGetInputIndexByName(const aclmdlDesc* modelDesc, const char* name, size_t* index) {
  return guarded([&] {
    requirePointer(index, "index");
    *index = indexOf(modelAt(modelDesc)->inputs, name);
  });
}

aclError aclmdlGetOutputIndexByName(const aclmdlDesc* modelDesc, const char* name, size_t* index) {
  return guarded([&] {
    requirePointer(index, "index");
    *index = indexOf(modelAt(modelDesc)->outputs, name);
  });
}

const char* aclmdlGetTensorRealName(const aclmdlDesc* modelDesc, const char* name) {
  return guardedValue<const char*>("", [&]() -> const char* {
    requirePointer(name, "name");
    const auto model = modelAt(modelDesc);
    const auto desc = descAt(modelDesc);
    const auto search = [&](const std::vector<Tensor>& tensors, const char* kind) -> const char* {
      for (size_t i = 0; i < tensors.size(); i++) {
        if (tensors[i].name == name || shortName(*desc, tensors[i], kind, i) == name) return tensors[i].name.c_str();
      }
      return nullptr;
    };
    const char* input = search(model->inputs, "input");
    const char* found = input != nullptr ? input : search(model->outputs, "output");
    require(found != nullptr, acl::kInvalidParam, kAclArgument, std::string("the model has no tensor ") + name);
    return found;
  });
}

aclError aclmdlGetDynamicBatch(const aclmdlDesc* modelDesc, aclmdlBatch* batch) {
  return guarded([&] {
    requirePointer(batch, "batch");
    const auto model = modelAt(modelDesc);
    std::memset(batch, 0, sizeof *batch);
    if (model->gears.kind != GearKind::Batch) return;
    for (const auto& gear : model->gears.values) batch->batch[batch->batchCount++] = static_cast<uint64_t>(gear.at(0));
  });
}

aclError aclmdlGetDynamicHW(const aclmdlDesc* modelDesc, size_t index, aclmdlHW* hw) {
  return guarded([&] {
    requirePointer(hw, "hw");
    const auto model = modelAt(modelDesc);
    requireUnknown(index);
    std::memset(hw, 0, sizeof *hw);
    if (model->gears.kind != GearKind::Image) return;
    for (const auto& gear : model->gears.values) {
      hw->hw[hw->hwCount][0] = static_cast<uint64_t>(gear.at(0));
      hw->hw[hw->hwCount++][1] = static_cast<uint64_t>(gear.at(1));
    }
  });
}

aclError aclmdlGetInputDynamicGearCount(const aclmdlDesc* modelDesc, size_t index, size_t* gearCount) {
  return guarded([&] {
    requirePointer(gearCount, "gearCount");
    const auto model = modelAt(modelDesc);
    requireUnknown(index);
    *gearCount = model->gears.kind == GearKind::Dims ? model->gears.values.size() : 0;
  });
}

aclError aclmdlGetInputDynamicDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* dims, size_t gearCount) {
  return guarded([&] {
    requirePointer(dims, "dims");
    const auto model = modelAt(modelDesc);
    requireUnknown(index);
    const size_t gears = model->gears.kind == GearKind::Dims ? model->gears.values.size() : 0;
    require(gearCount >= gears && gears > 0, acl::kInvalidParam, kAclArgument, "gearCount " + number(gearCount) + ", the model has " + number(gears) + " gears of dims");
    for (size_t gear = 0; gear < gears; gear++) {
      const std::vector<int64_t> all = allDims(*model, gear);
      require(all.size() <= ACL_MAX_DIM_CNT, acl::kInvalidParam, kAclArgument, "the inputs have more dims than aclmdlIODims holds");
      fill(&dims[gear], "", all);
    }
  });
}
