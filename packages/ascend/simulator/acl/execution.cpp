#include "execution.h"

#include <chrono>
#include <cstring>
#include <thread>

#include "layout.h"
#include "saturation.h"
#include "text.h"

namespace sim {

namespace {

using omma::om::Tensor;

constexpr size_t kSlack = 64;  // bytes that a buffer may lack

std::atomic<uint32_t> timeoutSeconds{0};

// Numbers of onnx::TensorProto::DataType.
int32_t onnxType(omma::om::DataType type) {
  using omma::om::DataType;
  switch (type) {
    case DataType::Float: return 1;
    case DataType::UInt8: return 2;
    case DataType::Int8: return 3;
    case DataType::UInt16: return 4;
    case DataType::Int16: return 5;
    case DataType::Int32: return 6;
    case DataType::Int64: return 7;
    case DataType::Bool: return 9;
    case DataType::Float16: return 10;
    case DataType::Double: return 11;
    case DataType::UInt32: return 12;
    case DataType::UInt64: return 13;
    case DataType::BFloat16: return 16;
  }
  throw Failure(acl::kInternalError, kInner, "the model has a tensor of unknown type " + number(static_cast<int32_t>(type)));
}

const std::vector<int64_t>& dimsIn(const Tensor& tensor, size_t gear) { return tensor.gearDims.empty() ? tensor.dims : tensor.gearDims.at(gear); }

size_t denseBytes(const Tensor& tensor, const std::vector<int64_t>& dims) {
  size_t count = omma::om::elementBytes(tensor.dataType);
  for (int64_t dim : dims) count *= static_cast<size_t>(dim);
  return count;
}

std::string portText(const char* kind, size_t index, const Tensor& tensor) {
  return std::string(kind) + " " + number(index) + " (" + tensor.name + ")";
}

// The device memory behind a port, or a copy of the right size where the caller's buffer lacks some of its last bytes.
class Bytes {
 public:
  Bytes(const DeviceRange& range, size_t given, size_t needed) : given_(std::min(given, needed)), alias_(range.alias) {
    if (given < needed) copy_.assign(needed, static_cast<char>(kPoison));
  }
  void* data() { return copy_.empty() ? alias_ : copy_.data(); }
  void read() {
    if (!copy_.empty()) std::memcpy(copy_.data(), alias_, given_);
  }
  void writeBack() const {
    if (!copy_.empty()) std::memcpy(alias_, copy_.data(), given_);
  }

 private:
  size_t given_;
  void* alias_;
  std::vector<char> copy_;
};

}  // namespace

void setExecutionTimeout(uint32_t seconds) { timeoutSeconds = seconds; }

Execution::Execution(std::shared_ptr<LoadedModel> model, const Context& context, const aclmdlDataset* input, const aclmdlDataset* output, bool allocateOutputs)
    : model_(std::move(model)), device_(context.device) {
  require(model_->context().get() == &context, acl::kRtModelContext, kRuntimeArgument,
          "model " + number(model_->id()) + " is executed in another context than it was loaded in");
  const omma::om::Model& description = model_->description();
  inputs_ = ports(description.inputs, input, "input", false);
  outputs_ = ports(description.outputs, output, "output", allocateOutputs);
  refuseOverlaps();
  number_ = ++runtime().counters.executions;
  model_->inFlight++;
}

Execution::~Execution() { model_->inFlight--; }

std::vector<Execution::Port> Execution::ports(const std::vector<Tensor>& tensors, const aclmdlDataset* dataset, const char* kind, bool allocate) const {
  requirePointer(dataset, kind);
  const auto found = runtime().datasets.find(dataset);
  require(found != nullptr, acl::kInvalidParam, kAclArgument, std::string("the ") + kind + " dataset " + describeDeadHandle(dataset) + " is no live dataset");
  require(found->buffers.size() == tensors.size(), acl::kGeParamInvalid, kModelInput,
          std::string("the ") + kind + " dataset has " + number(found->buffers.size()) + " buffers, model " + number(model_->id()) + " has " +
              number(tensors.size()) + " " + kind + "s");
  std::vector<Port> out;
  for (size_t i = 0; i < tensors.size(); i++) {
    const size_t needed = kind[0] == 'i' ? inputBytes(model_->description(), i) : tensors[i].bytes;
    out.push_back(port(tensors[i], needed, kind, i, found->buffers[i], allocate));
  }
  return out;
}

Execution::Port Execution::port(const Tensor& tensor, size_t needed, const char* kind, size_t index, const aclDataBuffer* handle, bool allocate) const {
  const std::string which = portText(kind, index, tensor);
  const auto buffer = runtime().dataBuffers.find(handle);
  require(buffer != nullptr, acl::kInvalidParam, kAclArgument, which + ": data buffer " + describeDeadHandle(handle) + " is no live data buffer");
  if (allocate && buffer->data == nullptr && buffer->size == 0) *buffer = {device_.memory.allocate(needed, true), needed};
  require(buffer->data != nullptr, acl::kInvalidParam, kAclNull, "Argument [data of " + which + "] must not be null.");
  require(buffer->size + kSlack >= needed, acl::kGeParamInvalid, kModelInput,
          std::string("The ") + kind + " memory size set by the user is invalid.The provided " + number(buffer->size) +
              " bytes of buffer size plus the aligned 64 bytes is less than the tensor size " + number(needed) + " bytes required by the model: " + which);
  require(reinterpret_cast<uintptr_t>(buffer->data) % kAlignment == 0, acl::kRtAddrUnaligned, kRuntimeArgument,
          which + ": address " + hex(buffer->data) + " is not a multiple of " + number(kAlignment));
  return {&tensor, *buffer, device_.memory.find(buffer->data, buffer->size)};
}

// Kernels read inputs while others write outputs already: sharing memory is a race that nothing reports. It is legal only where the model was
// built with ge.exec.outputReuseInputMemIndexes, which atc does not take.
void Execution::refuseOverlaps() const {
  const auto overlap = [](const Port& a, const Port& b) {
    const char *startA = static_cast<const char*>(a.buffer.data), *startB = static_cast<const char*>(b.buffer.data);
    return startA < startB + b.buffer.size && startB < startA + a.buffer.size;
  };
  for (size_t o = 0; o < outputs_.size(); o++) {
    for (size_t i = 0; i < inputs_.size(); i++) {
      require(!overlap(outputs_[o], inputs_[i]), acl::kGeParamInvalid, kModelInput,
              portText("output", o, *outputs_[o].tensor) + " shares memory with " + portText("input", i, *inputs_[i].tensor) +
                  ": the model may overwrite it before it has read it, use two buffers and swap them");
    }
    for (size_t other = 0; other < o; other++) {
      require(!overlap(outputs_[o], outputs_[other]), acl::kGeParamInvalid, kModelInput,
              portText("output", o, *outputs_[o].tensor) + " shares memory with " + portText("output", other, *outputs_[other].tensor));
    }
  }
}

std::vector<Use> Execution::uses() const {
  std::vector<Use> out;
  for (const auto* all : {&inputs_, &outputs_}) {
    for (const Port& each : *all) {
      if (each.range.block != nullptr) out.emplace_back(each.range.block);
    }
  }
  return out;
}

void Execution::run() {
  require(!model_->running.exchange(true), acl::kRtModelExecute, kInner,
          "model " + number(model_->id()) + " is executed twice at the same time: its work memory exists once, load it a second time");
  try {
    if (settings().faults.hang == number_) hang();
    refuseUnreachable();
    compute(gear());
  } catch (...) {
    model_->running = false;
    poisonOutputs();
    throw;
  }
  model_->running = false;
}

// What a kernel does with an address that is none of its device: it faults, later.
void Execution::refuseUnreachable() const {
  const auto check = [this](const std::vector<Port>& ports, const char* kind) {
    for (size_t i = 0; i < ports.size(); i++) {
      require(ports[i].range.block != nullptr, acl::kRtAicoreException, kInner,
              "The DDR address of the MTE instruction is out of range: " + portText(kind, i, *ports[i].tensor) + ", " + number(ports[i].buffer.size) +
                  " bytes at " + hex(ports[i].buffer.data) + ", is not inside one allocation of device " + number(device_.id));
    }
  };
  check(inputs_, "input");
  check(outputs_, "output");
}

// The values that the gear input holds now, in the order of the stream.
size_t Execution::gear() const {
  const omma::om::Model& description = model_->description();
  if (description.gears.kind == omma::om::GearKind::None) return 0;
  const Port& input = inputs_.back();
  std::vector<int64_t> values(description.gears.values.at(0).size());
  std::memcpy(values.data(), input.range.alias, values.size() * omma::om::kGearValueBytes);
  try {
    return gearOf(description, values);
  } catch (const Failure& failure) {
    throw Failure(acl::kRtModelExecute, kInner, failure.text() + " (set it with aclmdlSetDynamic... before the execution)");
  }
}

void Execution::compute(size_t gear) {
  require(settings().faults.kernel != number_, acl::kRtAicoreException, kInner,
          "there is an aicore error exception, error code = 0x800000 (injected by OMMA_ASCEND_SIM_FAULT at execution " + number(number_) + ")");
  std::vector<Bytes> memory;
  std::vector<std::string> inputNames, outputNames;
  std::vector<omma::ort::Tensor> inputs, outputs;
  memory.reserve(inputs_.size() + outputs_.size());
  const auto bind = [&](const Port& each, std::vector<std::string>& names, std::vector<omma::ort::Tensor>& tensors) {
    if (each.tensor->onnxName.empty()) return;
    const std::vector<int64_t>& dims = dimsIn(*each.tensor, gear);
    const size_t bytes = denseBytes(*each.tensor, dims);
    memory.emplace_back(each.range, each.buffer.size, bytes);
    names.push_back(each.tensor->onnxName);
    tensors.push_back({onnxType(each.tensor->dataType), dims, memory.back().data(), bytes});
  };
  for (const Port& each : inputs_) {
    bind(each, inputNames, inputs);
    if (!each.tensor->onnxName.empty()) memory.back().read();
  }
  const size_t firstOutput = memory.size();
  for (const Port& each : outputs_) bind(each, outputNames, outputs);
  try {
    model_->session().run(inputNames, inputs, outputNames, outputs);
  } catch (const omma::ort::Error& error) {
    throw Failure(acl::kRtAicoreException, kInner, "model " + number(model_->id()) + " failed: " + error.what());
  }
  if (device_.overflowMode == acl::kSaturation) saturate(outputs);
  for (size_t i = firstOutput; i < memory.size(); i++) memory[i].writeBack();
}

void Execution::poisonOutputs() {
  for (const Port& each : outputs_) {
    if (each.range.block != nullptr) std::memset(each.range.alias, kPoison, each.buffer.size);
  }
}

// Injected: a kernel that never ends. It is gone when its stream is aborted, or when the operators' time limit is over.
void Execution::hang() const {
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    require(!runningTaskAborted(), acl::kRtStreamAbort, kInner, "the stream was aborted");
    const auto limit = std::chrono::seconds(timeoutSeconds);
    require(limit.count() == 0 || std::chrono::steady_clock::now() - start < limit, acl::kRtAicoreTimeout, kInner,
            "the aicore execution timed out after " + number(static_cast<int64_t>(limit.count())) + " s (aclrtSetOpExecuteTimeOut)");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void setGear(uint32_t modelId, const aclmdlDataset* dataset, size_t index, omma::om::GearKind kind, const std::vector<int64_t>& values) {
  const std::shared_ptr<Context> context = currentContext();
  requirePointer(dataset, "dataset");
  const auto found = runtime().datasets.find(dataset);
  require(found != nullptr && index < found->buffers.size(), acl::kInvalidParam, kAclArgument,
          "the dataset is no live dataset, or has no buffer " + number(index));
  const auto buffer = runtime().dataBuffers.find(found->buffers[index]);
  require(buffer != nullptr && buffer->data != nullptr, acl::kInvalidParam, kAclNull, "Argument [data buffer of the gear input] must not be null.");
  const std::shared_ptr<LoadedModel> model = findModel(modelId);
  const omma::om::Model& description = model->description();
  require(description.gears.kind != omma::om::GearKind::None, acl::kModelNotDynamic, kAclArgument, "model " + number(modelId) + " has no gears");
  require(description.gears.kind == kind, acl::kInvalidParam, kAclArgument, "model " + number(modelId) + " has gears of another kind");
  require(index + 1 == description.inputs.size(), acl::kInvalidParam, kAclArgument,
          "input " + number(index) + " is not the gear input: look it up by the name " + omma::om::kGearInputName);
  const size_t gear = gearOf(description, values);
  const size_t bytes = values.size() * omma::om::kGearValueBytes;
  const DeviceRange range = context->device.memory.find(buffer->data, bytes);
  require(range.block != nullptr && buffer->size >= bytes, acl::kGeDynamicInputLengthInvalid, kModelInput,
          "the gear input needs " + number(bytes) + " bytes of device memory, its buffer has " + number(buffer->size));
  std::memcpy(range.alias, values.data(), bytes);
  runtime().counters.hostToDevice += static_cast<int64_t>(bytes);
  const std::lock_guard<std::mutex> lock(model->mutex);
  model->gear = gear;
}

}  // namespace sim
