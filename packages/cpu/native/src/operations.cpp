// The kinds of operation a step can be: a plain kernel, a oneDNN primitive, a copy, a conversion between float types.
#include <cstring>

#include "kernels/simd8.h"
#include "execution_plan.h"

namespace omma {

namespace {

class KernelOperation : public Operation {
 public:
  KernelOperation(std::unique_ptr<Kernel> kernel, size_t inputs, size_t outputs)
      : kernel_(std::move(kernel)), inputs_(inputs), outputs_(outputs) {}
  void bind(size_t operand, void* data) override {
    if (operand < inputs_.size()) {
      inputs_[operand] = data;
    } else {
      outputs_[operand - inputs_.size()] = data;
    }
  }
  void bindScratch(void* data) override { scratch_ = data; }
  void execute(dnnl::stream&) override { kernel_->run({inputs_.data(), outputs_.data(), scratch_}); }

 private:
  std::unique_ptr<Kernel> kernel_;
  std::vector<const void*> inputs_;
  std::vector<void*> outputs_;
  void* scratch_ = nullptr;
};

class PrimitiveOperation : public Operation {
 public:
  PrimitiveOperation(const PrimitiveNode& node, const dnnl::engine& engine) : primitive_(node.primitive) {
    const auto add = [&](int arg, const onednn::desc& desc) {
      dnnl::memory memory(desc, engine, nullptr);
      operands_.push_back(memory);
      arguments_.emplace(arg, memory);
    };
    for (const PrimitivePort& port : node.inputs) add(port.arg, port.desc);
    for (const PrimitivePort& port : node.outputs) add(port.arg, port.desc);
    if (node.scratchpad.get_size() > 0) {
      scratchpad_ = dnnl::memory(node.scratchpad, engine, nullptr);
      arguments_.emplace(DNNL_ARG_SCRATCHPAD, scratchpad_);
    }
  }
  void bind(size_t operand, void* data) override { operands_[operand].set_data_handle(data); }
  void bindScratch(void* data) override {
    if (scratchpad_) scratchpad_.set_data_handle(data);
  }
  void execute(dnnl::stream& stream) override { primitive_.execute(stream, arguments_); }

 private:
  dnnl::primitive primitive_;
  std::vector<dnnl::memory> operands_;
  std::unordered_map<int, dnnl::memory> arguments_;
  dnnl::memory scratchpad_;
};

class CopyOperation : public Operation {
 public:
  explicit CopyOperation(size_t bytes) : bytes_(bytes) {}
  void bind(size_t operand, void* data) override { (operand == 0 ? from_ : to_) = static_cast<char*>(data); }
  void bindScratch(void*) override {}
  void execute(dnnl::stream&) override {
    constexpr size_t part = size_t{1} << 18;
    const int64_t parts = static_cast<int64_t>((bytes_ + part - 1) / part);
#pragma omp parallel for if (parts > 1)
    for (int64_t i = 0; i < parts; i++) {
      const size_t start = static_cast<size_t>(i) * part;
      std::memcpy(to_ + start, from_ + start, std::min(part, bytes_ - start));
    }
  }

 private:
  size_t bytes_;
  char* from_ = nullptr;
  char* to_ = nullptr;
};

class ConvertOperation : public Operation {
 public:
  ConvertOperation(DType from, DType to, size_t elements) : fromType_(from), toType_(to), elements_(elements) {}
  void bind(size_t operand, void* data) override { (operand == 0 ? from_ : to_) = data; }
  void bindScratch(void*) override {}
  void execute(dnnl::stream&) override {
    withFloat(fromType_, [&](auto source) {
      withFloat(toType_, [&](auto target) { convert<decltype(source), decltype(target)>(); });
    });
  }

 private:
  template <typename From, typename To>
  void convert() {
    constexpr int64_t part = 4096;
    const int64_t count = static_cast<int64_t>(elements_);
    const int64_t parts = (count + part - 1) / part;
#pragma omp parallel for if (parts > 8)
    for (int64_t i = 0; i < parts; i++) {
      float buffer[part];
      const int64_t start = i * part;
      const int64_t size = std::min(part, count - start);
      loadFloats(static_cast<const From*>(from_) + start, buffer, size);
      storeFloats(buffer, static_cast<To*>(to_) + start, size);
    }
  }

  DType fromType_, toType_;
  size_t elements_;
  void* from_ = nullptr;
  void* to_ = nullptr;
};

}  // namespace

std::unique_ptr<Operation> kernelOperation(std::unique_ptr<Kernel> kernel, size_t inputs, size_t outputs) {
  return std::make_unique<KernelOperation>(std::move(kernel), inputs, outputs);
}

std::unique_ptr<Operation> primitiveOperation(const PrimitiveNode& node, const dnnl::engine& engine) {
  return std::make_unique<PrimitiveOperation>(node, engine);
}

std::unique_ptr<Operation> copyOperation(size_t bytes) { return std::make_unique<CopyOperation>(bytes); }

std::unique_ptr<Operation> convertOperation(DType from, DType to, size_t elements) {
  return std::make_unique<ConvertOperation>(from, to, elements);
}

}  // namespace omma
