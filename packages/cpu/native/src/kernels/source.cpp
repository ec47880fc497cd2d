// Ops without inputs: constant, full, iota. The planner runs them once and keeps what they make.
#include "convert.h"
#include "families.h"
#include "strided_copy.h"
#include "axis.h"

namespace omma {
namespace {

class Full : public Kernel {
 public:
  explicit Full(const NodeSpec& node)
      : output_(node.outputs[0]), bits_(elementBits(output_.dtype, node.attrs.at("value").number())) {}
  void run(const RunArguments& arguments) override {
    fillElements(output_.dtype, arguments.outputs[0], output_.elements(), bits_);
  }

 private:
  TensorSpec output_;
  uint32_t bits_;
};

// `data` holds numbers of the type, 16-bit floats as their bit patterns; what JSON has no number for is a string.
class Constant : public Kernel {
 public:
  explicit Constant(const NodeSpec& node) : dtype_(node.outputs[0].dtype) {
    const Attribute& data = node.attrs.at("data");
    const bool patterns = dtype_ == DType::Float16 || dtype_ == DType::BFloat16;
    for (const Attribute& value : data.list()) {
      bits_.push_back(patterns ? static_cast<uint32_t>(value.number()) : elementBits(dtype_, value.number()));
    }
  }
  void run(const RunArguments& arguments) override {
    withWidth(dtype_, [&](auto zero) {
      using T = decltype(zero);
      T* to = arguments.output<T>(0);
      for (size_t i = 0; i < bits_.size(); i++) to[i] = static_cast<T>(bits_[i]);
    });
  }

 private:
  DType dtype_;
  std::vector<uint32_t> bits_;
};

class Iota : public Kernel {
 public:
  explicit Iota(const NodeSpec& node) : dtype_(node.outputs[0].dtype), view_(node.outputs[0].shape, node.attrs.at("axis").integer()) {}
  void run(const RunArguments& arguments) override {
    withWidth(dtype_, [&](auto zero) {
      using T = decltype(zero);
      T* to = arguments.output<T>(0);
      for (int64_t line = 0; line < view_.lines(); line++) {
        for (int64_t i = 0; i < view_.extent; i++) {
          to[view_.start(line) + i * view_.inner] = static_cast<T>(elementBits(dtype_, static_cast<double>(i)));
        }
      }
    });
  }

 private:
  DType dtype_;
  AxisView view_;
};

template <typename K>
std::unique_ptr<Kernel> create(const NodeSpec& node) {
  return std::make_unique<K>(node);
}

}  // namespace

void registerSource(KernelTable& table) {
  table.add("full", {nullptr, nullptr, create<Full>, nullptr});
  table.add("constant", {nullptr, nullptr, create<Constant>, nullptr});
  table.add("iota", {nullptr, nullptr, create<Iota>, nullptr});
}

}  // namespace omma
