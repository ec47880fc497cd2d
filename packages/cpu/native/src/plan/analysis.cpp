// What the planner must know before it places anything: last uses, what depends on unwritten state only, which casts need not be made,
// which backward pooling belongs to which forward.
#include <map>

#include "plan/planner.h"

namespace omma {

namespace {

// Constants beyond this are filled on every run, so that they take arena memory for a moment and not memory of their own for ever.
constexpr size_t maxKeptSource = size_t{1} << 16;

bool isSource(const std::string& op) { return op == "constant" || op == "full" || op == "iota"; }

bool takesWeights(const std::string& op) {
  return op == "conv2d" || op == "fusedConv2d" || op == "conv2dInputGrad";
}

}  // namespace

void Planner::analyse() {
  values_.assign(graph_.values.size(), {});
  persistentNode_.assign(graph_.nodes.size(), false);
  for (size_t slot = 0; slot < graph_.state.size(); slot++) {
    const GraphSlot& s = graph_.state[slot];
    values_[s.read].readSlot = static_cast<int>(slot);
    values_[s.read].persistent = s.write < 0 || s.write == s.read;
    if (s.write >= 0 && values_[s.write].writeSlot < 0) values_[s.write].writeSlot = static_cast<int>(slot);
  }
  pairPools();
  for (size_t index = 0; index < graph_.nodes.size(); index++) {
    const GraphNode& node = graph_.nodes[index];
    bool persistent = node.inputs.empty() ? isSource(node.op) : true;
    for (size_t i = 0; i < node.inputs.size(); i++) {
      ValueState& input = values_[node.inputs[i]];
      persistent = persistent && input.persistent;
      // A paired backward max pooling reads the forward's workspace, not its input.
      if (node.op == "maxPool2dGrad" && i == 0 && poolPartner_[index] >= 0) continue;
      input.lastUse = static_cast<int>(index);
    }
    if (node.inputs.empty() && persistent) {
      const GraphValue& made = graph_.values[node.outputs[0]];
      persistent = static_cast<size_t>(elementsOf(made.shape)) * byteSize(made.dtype) <= maxKeptSource;
    }
    persistentNode_[index] = persistent;
    for (int output : node.outputs) values_[output].persistent = persistent;
  }
  for (const GraphPort& port : graph_.outputs) values_[port.value].lastUse = forever;
  for (const GraphSlot& slot : graph_.state) {
    if (slot.write >= 0) values_[slot.write].lastUse = forever;
  }

  // A weight cast from float32 to a 16-bit type that only convolutions read is left to the reorder that they need anyway.
  std::vector<bool> onlyWeights(values_.size(), true);
  for (const GraphNode& node : graph_.nodes) {
    for (size_t i = 0; i < node.inputs.size(); i++) {
      if (!(takesWeights(node.op) && i == 1)) onlyWeights[node.inputs[i]] = false;
    }
  }
  for (size_t index = 0; index < graph_.nodes.size(); index++) {
    const GraphNode& node = graph_.nodes[index];
    if (node.op != "cast" || !staysLazy(node) || !onlyWeights[node.outputs[0]]) continue;
    ValueState& cast = values_[node.outputs[0]];
    if (cast.lastUse == forever || cast.lastUse < 0) continue;
    cast.castOf = node.inputs[0];
    ValueState& source = values_[node.inputs[0]];
    source.lastUse = std::max(source.lastUse, cast.lastUse);
  }
}

// Only where oneDNN reorders between the two types, which it does where it computes in the 16-bit type.
bool Planner::staysLazy(const GraphNode& node) const {
  const GraphValue& from = graph_.values[node.inputs[0]];
  const GraphValue& to = graph_.values[node.outputs[0]];
  if (from.dtype != DType::Float32 || to.dtype != DType::BFloat16 || from.shape.size() != 4) return false;
  try {
    const Shape shape = {16, 16, 3, 3};
    dnnl::reorder::primitive_desc(context_.engine, plainDesc(shape, DType::Float32), context_.engine,
                                  onednn::desc(shape, onednn::dtype::bf16, onednn::tag::ABcd16b16a));
    return true;
  } catch (const dnnl::error&) {
    return false;
  }
}

void Planner::pairPools() {
  poolPartner_.assign(graph_.nodes.size(), -1);
  poolForward_.resize(graph_.nodes.size());
  workspace_.assign(graph_.nodes.size(), -1);
  std::multimap<int, int> forwards;  // input value to node
  for (size_t index = 0; index < graph_.nodes.size(); index++) {
    const GraphNode& node = graph_.nodes[index];
    if (node.op == "maxPool2d") forwards.emplace(node.inputs[0], static_cast<int>(index));
    if (node.op != "maxPool2dGrad") continue;
    auto [from, to] = forwards.equal_range(node.inputs[0]);
    for (auto it = from; it != to; ++it) {
      const Attribute& a = graph_.nodes[it->second].attrs;
      bool same = true;
      for (const char* name : {"kernel", "stride", "padding", "dilation"}) {
        same = same && a.at(name).numbers() == node.attrs.at(name).numbers();
      }
      if (!same || a.at("ceilMode").boolean() != node.attrs.at("ceilMode").boolean() || poolPartner_[it->second] >= 0) {
        continue;
      }
      poolPartner_[index] = it->second;
      poolPartner_[it->second] = static_cast<int>(index);
      break;
    }
  }
}

}  // namespace omma
