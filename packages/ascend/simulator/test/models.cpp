#include "models.h"

#include "harness.h"

namespace test {

namespace {

using omma::om::DataType;
using omma::om::Format;
using omma::om::GearKind;
using omma::om::Model;
using omma::om::Tensor;

constexpr int kIrVersion = 8, kOpset = 13;
constexpr int kFloat = 1, kFloat16 = 10;

// Protocol buffers: a number as varint, and a field as its key and length-delimited or varint value.
std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}

std::string field(uint64_t number, const std::string& bytes) { return varint(number << 3 | 2) + varint(bytes.size()) + bytes; }

std::string field(uint64_t number, int64_t value) { return varint(number << 3) + varint(static_cast<uint64_t>(value)); }

// ValueInfoProto of a tensor; -1 becomes a named dim.
std::string port(const std::string& name, int type, const std::vector<int64_t>& dims) {
  std::string shape;
  for (size_t i = 0; i < dims.size(); i++) shape += field(1, dims[i] < 0 ? field(2, "d" + std::to_string(i)) : field(1, dims[i]));
  return field(1, name) + field(2, field(1, field(1, int64_t{type}) + field(2, shape)));
}

struct Graph {
  std::string nodes, inputs, outputs;  // as fields of GraphProto
  std::string bytes() const {
    const std::string graph = nodes + field(2, std::string("test")) + inputs + outputs;
    return field(1, int64_t{kIrVersion}) + field(7, graph) + field(8, field(1, std::string()) + field(2, int64_t{kOpset}));
  }
};

std::string node(const std::vector<std::string>& inputs, const std::string& output, const std::string& op, const std::string& attributes = "") {
  std::string out;
  for (const std::string& input : inputs) out += field(1, input);
  return field(1, out + field(2, output) + field(3, "node_" + output) + field(4, op) + attributes);
}

Tensor tensor(const std::string& name, const std::string& onnxName, DataType type, const std::vector<int64_t>& dims) {
  Tensor out;
  out.name = name;
  out.onnxName = onnxName;
  out.dataType = type;
  out.dims = dims;
  out.bytes = omma::om::elementBytes(type);
  for (int64_t dim : dims) out.bytes *= static_cast<uint64_t>(dim);
  return out;
}

Model model(const Graph& graph) {
  Model out;
  out.toolkit = "8.1.RC1";
  out.socVersion = "Ascend910B3";
  out.socFamily = "Ascend910B";
  out.precisionMode = "origin";
  out.onnx = graph.bytes();
  return out;
}

// relu with one input whose dims the gears decide.
Model reluModel(GearKind kind, const std::vector<int64_t>& dims, const std::vector<std::vector<int64_t>>& gears) {
  Model out = model({node({"x"}, "y", "Relu"), field(11, port("x", kFloat, dims)), field(12, port("y", kFloat, dims))});
  std::vector<std::vector<int64_t>> shapes;
  for (const auto& gear : gears) {
    std::vector<int64_t> shape = dims;
    size_t next = 0;
    for (int64_t& dim : shape) {
      if (dim < 0) dim = gear[next++];
    }
    shapes.push_back(shape);
  }
  Tensor input = tensor("x", "x", DataType::Float, shapes.back()), output = tensor("relu:0:y", "y", DataType::Float, shapes.back());
  input.dims = dims;
  input.gearDims = output.gearDims = shapes;
  const auto values = static_cast<int64_t>(gears[0].size());
  out.inputs = {input, tensor(omma::om::kGearInputName, "", DataType::Int64, {values})};
  out.outputs = {output};
  out.gears = {kind, gears};
  return out;
}

}  // namespace

Model addModel() {
  const std::vector<int64_t> dims{2, 3};
  Model out = model({node({"x", "y"}, "z", "Add"), field(11, port("x", kFloat, dims)) + field(11, port("y", kFloat, dims)), field(12, port("z", kFloat, dims))});
  out.inputs = {tensor("x", "x", DataType::Float, dims), tensor("y", "y", DataType::Float, dims)};
  out.outputs = {tensor("sum:0:z", "z", DataType::Float, dims)};
  out.workBytes = 1024;
  out.weightBytes = 512;
  return out;
}

Model twoOutputModel() {
  const std::vector<int64_t> dims{2, 3};
  Model out = model({node({"x", "y"}, "z", "Add") + node({"x", "y"}, "z2", "Add"), field(11, port("x", kFloat, dims)) + field(11, port("y", kFloat, dims)),
                     field(12, port("z", kFloat, dims)) + field(12, port("z2", kFloat, dims))});
  out.inputs = {tensor("x", "x", DataType::Float, dims), tensor("y", "y", DataType::Float, dims)};
  out.outputs = {tensor("sum:0:z", "z", DataType::Float, dims), tensor("again:0:z2", "z2", DataType::Float, dims)};
  return out;
}

Model batchModel() { return reluModel(GearKind::Batch, {-1, 4}, {{1}, {2}, {4}}); }

Model imageModel() { return reluModel(GearKind::Image, {1, 1, -1, -1}, {{2, 2}, {4, 2}}); }

Model dimsModel() { return reluModel(GearKind::Dims, {-1, 3, -1}, {{1, 2}, {2, 4}}); }

Model halfModel() {
  const std::string to = field(5, field(1, std::string("to")) + field(3, int64_t{kFloat16}) + field(20, int64_t{2}));
  Model out = model({node({"x"}, "y", "Cast", to), field(11, port("x", kFloat, {4})), field(12, port("y", kFloat16, {4}))});
  out.inputs = {tensor("x", "x", DataType::Float, {4})};
  out.outputs = {tensor("cast:0:y", "y", DataType::Float16, {4})};
  return out;
}

uint32_t load(const Model& model) {
  const std::string bytes = omma::om::serialize(model);
  uint32_t id = 0;
  OK(aclmdlLoadFromMem(bytes.data(), bytes.size(), &id));
  return id;
}

void* upload(const void* data, size_t bytes, size_t allocate) {
  void* pointer = nullptr;
  OK(aclrtMalloc(&pointer, std::max(bytes, allocate), 0));
  if (bytes > 0) OK(aclrtMemcpy(pointer, bytes, data, bytes, kHostToDevice));
  return pointer;
}

std::vector<float> download(const void* pointer, size_t count) {
  std::vector<float> out(count);
  OK(aclrtMemcpy(out.data(), count * sizeof(float), pointer, count * sizeof(float), kDeviceToHost));
  return out;
}

aclmdlDataset* dataset(const std::vector<Span>& spans) {
  aclmdlDataset* made = aclmdlCreateDataset();
  for (const Span& span : spans) OK(aclmdlAddDatasetBuffer(made, aclCreateDataBuffer(span.data, span.bytes)));
  return made;
}

}  // namespace test
