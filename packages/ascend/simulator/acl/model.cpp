#include "model.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>

#include "text.h"

namespace sim {

namespace {

using omma::om::FormatError;

constexpr size_t kPaddedBytes = 32;

struct Models {
  std::mutex mutex;
  std::map<uint32_t, std::shared_ptr<LoadedModel>> loaded;
  std::atomic<uint32_t> lastId{0};
};

Models& models() {
  static Models* const once = new Models();
  return *once;
}

// Takes the caller's memory, or allocates; null when nothing is needed.
void* workArea(Device& device, const char* what, void* lent, size_t lentBytes, uint64_t needed) {
  if (lent == nullptr) return needed == 0 ? nullptr : device.memory.allocate(needed, true);
  require(lentBytes >= needed, acl::kGeParamInvalid, kModelInput,
          std::string("the ") + what + " memory has " + number(lentBytes) + " bytes, the model needs " + number(needed) + " (aclmdlQuerySize)");
  require(device.memory.find(lent, lentBytes).block != nullptr, acl::kGeParamInvalid, kModelInput,
          std::string("the ") + what + " memory at " + hex(lent) + " is not memory of device " + number(device.id));
  return nullptr;
}

// {8, 1} of "8.1.RC1".
std::pair<int, int> releaseOf(const std::string& version) {
  std::pair<int, int> out{0, 0};
  std::sscanf(version.c_str(), "%d.%d", &out.first, &out.second);
  return out;
}

}  // namespace

LoadedModel::LoadedModel(uint32_t id, std::shared_ptr<Context> context, std::shared_ptr<const omma::om::Model> description, const LentMemory& lent)
    : id_(id), context_(std::move(context)), description_(std::move(description)) {
  const Chip& chip = settings().chip;
  require(description_->socFamily == chip.family, acl::kGeLoadModel, kInner,
          "the model was built for " + description_->socVersion + ", this device is " + chip.socName + ": build it with --soc_version=" + chip.socName);
  require(releaseOf(description_->toolkit) <= releaseOf(settings().cann), acl::kGeLoadModel, kInner,
          "the model was built by CANN " + description_->toolkit + ", this is " + settings().cann + ": an older runtime does not run models of a newer toolkit");
  try {
    session_ = std::make_unique<omma::ort::Session>(description_->onnx, omma::ort::Optimization::All, settings().threads);
  } catch (const omma::ort::Error& error) {
    throw Failure(acl::kGeLoadModel, kInner, std::string("the model cannot be loaded: ") + error.what());
  }
  DeviceMemory& memory = context_->device.memory;
  work_ = workArea(context_->device, "work", lent.work, lent.workBytes, description_->workBytes);
  try {
    weights_ = workArea(context_->device, "weight", lent.weights, lent.weightBytes, description_->weightBytes);
  } catch (const Failure&) {
    if (work_ != nullptr) memory.release(work_);
    throw;
  }
  context_->models++;
  runtime().models++;
}

LoadedModel::~LoadedModel() {
  DeviceMemory& memory = context_->device.memory;
  for (void* own : {work_, weights_}) {
    if (own != nullptr && memory.find(own, 1).block != nullptr) memory.release(own);
  }
  context_->models--;
  runtime().models--;
}

std::shared_ptr<const omma::om::Model> parseModel(const void* data, size_t bytes) {
  try {
    return std::make_shared<const omma::om::Model>(omma::om::parse(data, bytes));
  } catch (const FormatError& error) {
    throw Failure(error.kind() == FormatError::Kind::Size ? acl::kGeModelDataSizeInvalid : acl::kGeLoadModel, kInner, error.what());
  }
}

std::string readModelFile(const char* path) {
  requirePointer(path, "modelPath");
  std::ifstream in(path, std::ios::binary);
  require(in.is_open(), acl::kGeModelPathInvalid, "EH0003", std::string("Path [") + path + "] is invalid. Reason: it cannot be opened.");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};  // what could not be read shows in the model's lengths
}

uint32_t loadModel(const void* data, size_t bytes, const LentMemory& lent) {
  const std::shared_ptr<Context> context = currentContext();
  std::shared_ptr<const omma::om::Model> description = parseModel(data, bytes);
  Models& all = models();
  const uint32_t id = ++all.lastId;
  auto model = std::make_shared<LoadedModel>(id, context, std::move(description), lent);  // takes long: without the lock
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.loaded.emplace(id, std::move(model));
  runtime().counters.loads++;
  return id;
}

std::shared_ptr<LoadedModel> findModel(uint32_t id) {
  Models& all = models();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.loaded.find(id);
  require(found != all.loaded.end(), acl::kGeModelIdInvalid, kInner,
          "model id " + number(id) + (id != 0 && id <= all.lastId ? " is not loaded any more" : " was never loaded"));
  return found->second;
}

void unloadModel(uint32_t id) {
  const std::shared_ptr<Context> context = currentContext();
  const std::shared_ptr<LoadedModel> model = findModel(id);
  require(model->context() == context, acl::kRtModelContext, kRuntimeArgument, "model " + number(id) + " is unloaded in another context than it was loaded in");
  require(model->inFlight == 0, acl::kGeParamInvalid, kModelInput,
          "model " + number(id) + " is unloaded while a stream is to execute it: synchronise the stream first");
  Models& all = models();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.loaded.erase(id);
}

size_t unloadModelsOf(const Context& context) {
  std::vector<std::shared_ptr<LoadedModel>> gone;  // destroyed after the lock
  Models& all = models();
  const std::lock_guard<std::mutex> lock(all.mutex);
  for (auto at = all.loaded.begin(); at != all.loaded.end();) {
    if (at->second->context().get() != &context) {
      ++at;
      continue;
    }
    gone.push_back(std::move(at->second));
    at = all.loaded.erase(at);
  }
  return gone.size();
}

// OMMA_ASCEND_SIM_PADDED_INPUTS: the compiler records the size of an input, and nobody has verified that it equals the dense bytes.
size_t inputBytes(const omma::om::Model& model, size_t index) {
  const omma::om::Tensor& input = model.inputs[index];
  const bool gearInput = input.onnxName.empty();
  return settings().paddedInputs && !gearInput ? (input.bytes + kPaddedBytes - 1) / kPaddedBytes * kPaddedBytes + kPaddedBytes : input.bytes;
}

size_t gearOf(const omma::om::Model& model, const std::vector<int64_t>& values) {
  const auto& gears = model.gears.values;
  const auto found = std::find(gears.begin(), gears.end(), values);
  if (found != gears.end()) return static_cast<size_t>(found - gears.begin());
  std::string known;
  for (const auto& each : gears) known += (known.empty() ? "" : ", ") + dimsText(each);
  throw Failure(acl::kGeDynamicBatchSizeInvalid, kModelInput, "the model has no gear " + dimsText(values) + ": it was built with " + known);
}

}  // namespace sim
