// Data buffers, tensor descriptions (reference report 1.9) and datasets (1.12).
#include <cmath>
#include <cstring>

#include "acl/acl.h"
#include "acl/runtime.h"
#include "acl/text.h"

namespace sim {

size_t elementBytes(aclDataType type) {
  switch (type) {
    case acl::kInt8:
    case acl::kUInt8:
    case acl::kBool: return 1;
    case acl::kFloat16:
    case acl::kInt16:
    case acl::kUInt16:
    case acl::kBFloat16: return 2;
    case acl::kFloat:
    case acl::kInt32:
    case acl::kUInt32:
    case acl::kComplex32: return 4;
    case acl::kInt64:
    case acl::kUInt64:
    case acl::kDouble:
    case acl::kComplex64: return 8;
    case acl::kComplex128: return 16;
    default: return 0;
  }
}

namespace {

template <typename T>
std::shared_ptr<T> live(const Registry<T>& registry, const void* handle, const char* what) {
  requirePointer(handle, what);
  std::shared_ptr<T> found = registry.find(handle);
  require(found != nullptr, acl::kInvalidParam, kAclArgument, std::string(what) + " " + describeDeadHandle(handle) + " is not alive");
  return found;
}

std::shared_ptr<DataBuffer> bufferAt(const aclDataBuffer* handle) { return live(runtime().dataBuffers, handle, "dataBuffer"); }

std::shared_ptr<TensorDesc> descAt(const aclTensorDesc* handle) { return live(runtime().tensorDescs, handle, "tensor desc"); }

std::shared_ptr<Dataset> datasetAt(const aclmdlDataset* handle) { return live(runtime().datasets, handle, "dataset"); }

// Conversion by value; a number between two halves goes to the nearest, ties to even.
uint16_t halfOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 65520.0f) return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude < std::ldexp(1.0f, -14)) return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(std::ldexp(magnitude, 24))));
  int exponent = 0;
  const float mantissa = std::frexp(magnitude, &exponent);  // in [0.5, 1)
  const auto steps = static_cast<uint32_t>(std::nearbyint(std::ldexp(mantissa, 11)));  // in [1024, 2048]
  return static_cast<uint16_t>(sign | ((static_cast<uint32_t>(exponent + 13) << 10) + steps));
}

float floatOf(uint16_t half) {
  const int exponent = (half >> 10) & 0x1f, mantissa = half & 0x3ff;
  float magnitude;
  if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  } else if (exponent == 31) {
    magnitude = mantissa == 0 ? INFINITY : NAN;
  } else {
    magnitude = std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  }
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

}  // namespace

}  // namespace sim

using namespace sim;

aclDataBuffer* aclCreateDataBuffer(void* data, size_t size) {
  return guardedValue<aclDataBuffer*>(nullptr, [&] {
    return static_cast<aclDataBuffer*>(runtime().dataBuffers.add(std::make_shared<DataBuffer>(DataBuffer{data, size})));
  });
}

aclError aclDestroyDataBuffer(const aclDataBuffer* dataBuffer) {
  return guarded([&] {
    bufferAt(dataBuffer);
    runtime().dataBuffers.remove(dataBuffer);
  });
}

aclError aclUpdateDataBuffer(aclDataBuffer* dataBuffer, void* data, size_t size) {
  return guarded([&] { *bufferAt(dataBuffer) = {data, size}; });
}

void* aclGetDataBufferAddr(const aclDataBuffer* dataBuffer) {
  return guardedValue<void*>(nullptr, [&] { return bufferAt(dataBuffer)->data; });
}

size_t aclGetDataBufferSizeV2(const aclDataBuffer* dataBuffer) {
  return guardedValue<size_t>(0, [&] { return bufferAt(dataBuffer)->size; });
}

uint32_t aclGetDataBufferSize(const aclDataBuffer* dataBuffer) { return static_cast<uint32_t>(aclGetDataBufferSizeV2(dataBuffer)); }

size_t aclDataTypeSize(aclDataType dataType) { return elementBytes(dataType); }

float aclFloat16ToFloat(aclFloat16 value) { return floatOf(value); }

aclFloat16 aclFloatToFloat16(float value) { return halfOf(value); }

aclTensorDesc* aclCreateTensorDesc(aclDataType dataType, int numDims, const int64_t* dims, aclFormat format) {
  return guardedValue<aclTensorDesc*>(nullptr, [&] {
    require(numDims >= 0 && static_cast<size_t>(numDims) <= ACL_MAX_DIM_CNT && (numDims == 0 || dims != nullptr), acl::kInvalidParam, kAclArgument,
            "a tensor of " + number(numDims) + " dims is invalid");
    TensorDesc desc{dataType, format, std::vector<int64_t>(dims, dims + numDims)};
    return static_cast<aclTensorDesc*>(runtime().tensorDescs.add(std::make_shared<TensorDesc>(std::move(desc))));
  });
}

void aclDestroyTensorDesc(const aclTensorDesc* desc) {
  guarded([&] {
    descAt(desc);
    runtime().tensorDescs.remove(desc);
  });
}

aclDataType aclGetTensorDescType(const aclTensorDesc* desc) {
  return guardedValue<aclDataType>(acl::kUndefined, [&] { return descAt(desc)->dataType; });
}

aclFormat aclGetTensorDescFormat(const aclTensorDesc* desc) {
  return guardedValue<aclFormat>(acl::kUndefined, [&] { return descAt(desc)->format; });
}

size_t aclGetTensorDescSize(const aclTensorDesc* desc) {
  return guardedValue<size_t>(0, [&] {
    const auto found = descAt(desc);
    size_t bytes = elementBytes(found->dataType);
    for (int64_t dim : found->dims) bytes *= static_cast<size_t>(dim < 0 ? 0 : dim);
    return bytes;
  });
}

size_t aclGetTensorDescNumDims(const aclTensorDesc* desc) {
  return guardedValue<size_t>(0, [&] { return descAt(desc)->dims.size(); });
}

aclError aclGetTensorDescDimV2(const aclTensorDesc* desc, size_t index, int64_t* dimSize) {
  return guarded([&] {
    requirePointer(dimSize, "dimSize");
    const auto found = descAt(desc);
    require(index < found->dims.size(), acl::kInvalidParam, kAclArgument, "dim " + number(index) + " of a tensor with " + number(found->dims.size()));
    *dimSize = found->dims[index];
  });
}

aclmdlDataset* aclmdlCreateDataset() {
  return guardedValue<aclmdlDataset*>(nullptr, [] { return static_cast<aclmdlDataset*>(runtime().datasets.add(std::make_shared<Dataset>())); });
}

aclError aclmdlDestroyDataset(const aclmdlDataset* dataset) {
  return guarded([&] {
    datasetAt(dataset);
    runtime().datasets.remove(dataset);
  });
}

aclError aclmdlAddDatasetBuffer(aclmdlDataset* dataset, aclDataBuffer* dataBuffer) {
  return guarded([&] {
    const auto found = datasetAt(dataset);
    bufferAt(dataBuffer);
    found->buffers.push_back(dataBuffer);
    found->descs.push_back(nullptr);
  });
}

size_t aclmdlGetDatasetNumBuffers(const aclmdlDataset* dataset) {
  return guardedValue<size_t>(0, [&] { return datasetAt(dataset)->buffers.size(); });
}

aclDataBuffer* aclmdlGetDatasetBuffer(const aclmdlDataset* dataset, size_t index) {
  return guardedValue<aclDataBuffer*>(nullptr, [&] {
    const auto found = datasetAt(dataset);
    require(index < found->buffers.size(), acl::kInvalidParam, kAclArgument, "buffer " + number(index) + " of a dataset with " + number(found->buffers.size()));
    return found->buffers[index];
  });
}

aclError aclmdlSetDatasetTensorDesc(aclmdlDataset* dataset, aclTensorDesc* tensorDesc, size_t index) {
  return guarded([&] {
    const auto found = datasetAt(dataset);
    require(index < found->descs.size(), acl::kInvalidParam, kAclArgument, "buffer " + number(index) + " of a dataset with " + number(found->descs.size()));
    if (tensorDesc != nullptr) descAt(tensorDesc);
    found->descs[index] = tensorDesc;
  });
}

aclTensorDesc* aclmdlGetDatasetTensorDesc(const aclmdlDataset* dataset, size_t index) {
  return guardedValue<aclTensorDesc*>(nullptr, [&] {
    const auto found = datasetAt(dataset);
    require(index < found->descs.size(), acl::kInvalidParam, kAclArgument, "buffer " + number(index) + " of a dataset with " + number(found->descs.size()));
    return found->descs[index];
  });
}
