// The index family's entries in the kernel table, and oneHot. Everything in plain layout.
#include <cstring>

#include "families.h"
#include "index.h"
#include "parallel.h"

namespace omma {
namespace {

class OneHot : public Kernel {
 public:
  explicit OneHot(const NodeSpec& node) : count_(node.inputs[0].elements()), depth_(node.attrs.at("depth").integer()) {}

  // An index outside [0, depth) makes a row of zeros.
  void run(const RunArguments& arguments) override {
    const int32_t* index = arguments.input<int32_t>(0);
    float* y = arguments.output<float>(0);
    parallelFor(count_, depth_, [&](int64_t row) {
      float* to = y + row * depth_;
      std::memset(to, 0, static_cast<size_t>(depth_) * sizeof(float));
      if (index[row] >= 0 && index[row] < depth_) to[index[row]] = 1;
    });
  }

 private:
  int64_t count_, depth_;
};

std::string refuseIndex(const NodeSpec& node) { return node.inputs[1].dtype == DType::Int32 ? "" : "indices must be int32"; }

std::string refuseOneHot(const NodeSpec& node) {
  if (node.inputs[0].dtype != DType::Int32) return "indices must be int32";
  return node.outputs[0].dtype == DType::Float32 ? "" : "the result must be float32";
}

// The sums start from x, so they may stand where it does.
std::vector<InPlace> inPlace(const NodeSpec&) { return {{0, 0}}; }

}  // namespace

std::unique_ptr<Kernel> createOneHot(const NodeSpec& node) { return std::make_unique<OneHot>(node); }

void registerIndex(KernelTable& table) {
  table.add("gather", {refuseIndex, nullptr, createGather, nullptr});
  table.add("indexSelect", {refuseIndex, nullptr, createIndexSelect, nullptr});
  table.add("scatterAdd", {refuseIndex, nullptr, createScatterAdd, inPlace});
  table.add("indexAdd", {refuseIndex, nullptr, createIndexAdd, inPlace});
  table.add("oneHot", {refuseOneHot, nullptr, createOneHot, nullptr});
  table.add("topK", {nullptr, nullptr, createTopK, nullptr});
  table.add("sort", {nullptr, nullptr, createSort, nullptr});
}

}  // namespace omma
