// allReduce, whole (`allReduce`) and in two halves with other work in between (`allReduceStart`, `allReduceDone`, which only this device's
// overlap pass makes). Sums where the values lie, on the thread of the collective engine.
#include <algorithm>
#include <cstring>

#include "elementwise_program.h"
#include "families.h"

namespace omma {
namespace {

size_t bytesOf(const TensorSpec& spec) { return static_cast<size_t>(spec.elements()) * byteSize(spec.dtype); }

void copyUnlessSame(const RunArguments& arguments, size_t bytes) {
  if (arguments.outputs[0] != arguments.inputs[0]) std::memcpy(arguments.outputs[0], arguments.inputs[0], bytes);
}

enum class Half { Whole, Start, Done };

template <Half half>
class AllReduce : public Kernel {
 public:
  AllReduce(const NodeSpec& node, CollectivesLink& link)
      : link_(link),
        ranks_(node.attrs.at("ranks").integer()),
        id_(half == Half::Whole ? 0 : node.attrs.at("id").integer()),
        dtype_(node.outputs[0].dtype),
        elements_(node.outputs[0].elements()),
        bytes_(bytesOf(node.outputs[0])) {}

  void run(const RunArguments& arguments) override {
    if (half == Half::Done && ranks_ > 1) link_.finish(id_);
    copyUnlessSame(arguments, bytes_);
    if (ranks_ == 1) return;
    if (half == Half::Start) link_.startSum(id_, arguments.outputs[0], elements_, dtype_);
    if (half == Half::Whole) link_.allReduce(arguments.outputs[0], elements_, dtype_, OMMA_SUM);
  }

 private:
  CollectivesLink& link_;
  int64_t ranks_, id_;
  DType dtype_;
  int64_t elements_;
  size_t bytes_;
};

// A sum together with the one program that reads it, such as the optimiser's step: each piece of the sum is used while it lies in the caches, and is
// written nowhere. Inputs and attributes are those of the program; `sum` is the input that is to be summed before.
NodeSpec programIn(NodeSpec node) {
  node.op = "fusedElementwise";
  return node;
}

class AllReduceElementwise : public Kernel {
 public:
  AllReduceElementwise(const NodeSpec& node, CollectivesLink& link)
      : link_(link),
        sum_(static_cast<size_t>(node.attrs.at("sum").integer())),
        type_(node.inputs.at(sum_)),
        program_(createElementwise(programIn(node))),
        inputs_(node.inputs.size()) {}

  size_t scratchBytes() const override { return program_->scratchBytes(); }
  double flops() const override { return program_->flops(); }

  void run(const RunArguments& arguments) override {
    std::copy_n(arguments.inputs, inputs_.size(), inputs_.begin());
    const RunArguments own{inputs_.data(), arguments.outputs, arguments.scratch};
    link_.sumAndTake(arguments.inputs[sum_], type_.elements(), type_.dtype, [&](const void* values, int64_t begin, int64_t count) {
      // As if the whole sum lay there.
      inputs_[sum_] = static_cast<const char*>(values) - static_cast<size_t>(begin) * byteSize(type_.dtype);
      program_->runPart(own, begin, begin + count);
    });
  }

 private:
  CollectivesLink& link_;
  size_t sum_;
  TensorSpec type_;
  std::unique_ptr<ElementwiseKernel> program_;
  std::vector<const void*> inputs_;
};

std::vector<InPlace> inPlace(const NodeSpec&) { return {{0, 0}}; }

}  // namespace

void registerCollective(KernelTable& table, CollectivesLink& link) {
  const auto refuse = [&link](const NodeSpec& node) -> std::string {
    const int64_t ranks = node.attrs.at("ranks").integer();
    if (ranks == 1) return "";
    if (!link.attached()) return "the device is not connected with other processes";
    if (link.size() != ranks) return "the device is connected with " + std::to_string(link.size()) + " processes";
    return "";
  };
  // Between ranks that order values alike the order does not matter; otherwise the plain one is common to all.
  const auto plan = [&link](const NodeSpec& node) -> LayoutPlan {
    const Layout layout = link.sameLayouts() ? node.inputs[0].layout : Layout{};
    return {{layout}, {layout}};
  };
  const auto add = [&](const char* op, auto create) { table.add(op, {refuse, plan, create, inPlace}); };
  add("allReduce", [&link](const NodeSpec& node) { return std::make_unique<AllReduce<Half::Whole>>(node, link); });
  add("allReduceStart", [&link](const NodeSpec& node) { return std::make_unique<AllReduce<Half::Start>>(node, link); });
  add("allReduceDone", [&link](const NodeSpec& node) { return std::make_unique<AllReduce<Half::Done>>(node, link); });
  table.add("allReduceElementwise",
            {[&link, refuse](const NodeSpec& node) {
               const std::string reason = refuse(node);
               if (!reason.empty()) return reason;
               return link.hands() ? refuseElementwise(programIn(node)) : std::string("the engine keeps its results");
             },
             [](const NodeSpec& node) { return planElementwise(programIn(node)); },
             [&link](const NodeSpec& node) { return std::make_unique<AllReduceElementwise>(node, link); },
             [](const NodeSpec& node) { return inPlaceElementwise(programIn(node)); }});
}

}  // namespace omma
