#include "elementwise_program.h"

#include "layout_choice.h"
#include "math.h"

namespace omma {
namespace {

std::string loopName(const ProgramStep& step) {
  const Attribute* approximate = step.op == "gelu" ? step.attrs.find("approximate") : nullptr;
  return approximate != nullptr && approximate->string() == "tanh" ? "geluTanh" : step.op;
}

float parameter(const Attribute& attrs, const char* name, float otherwise) {
  const Attribute* found = attrs.find(name);
  return found == nullptr ? otherwise : static_cast<float>(found->number());
}

}  // namespace

Program programOf(const NodeSpec& node) {
  Program program;
  if (node.op != "fusedElementwise") {
    ProgramStep step{node.op, {}, node.attrs, node.outputs.at(0).dtype};
    for (size_t i = 0; i < node.inputs.size(); i++) step.inputs.push_back(static_cast<int>(i));
    program.steps.push_back(std::move(step));
    program.results.push_back(static_cast<int>(node.inputs.size()));
    return program;
  }
  const Attribute& source = node.attrs.at("program");
  for (const Attribute& each : source.at("steps").list()) {
    ProgramStep step{each.at("op").string(), {}, each.at("attrs"), dtypeNamed(each.at("dtype").string())};
    for (int64_t input : each.at("inputs").integers()) step.inputs.push_back(static_cast<int>(input));
    program.steps.push_back(std::move(step));
  }
  for (int64_t result : source.at("results").integers()) program.results.push_back(static_cast<int>(result));
  return program;
}

std::vector<float> parametersOf(const ProgramStep& step) {
  const Attribute& attrs = step.attrs;
  if (step.op == "leakyRelu") return {parameter(attrs, "slope", 0.01f), 0};
  if (step.op == "elu") return {parameter(attrs, "alpha", 1), 0};
  if (step.op == "powScalar") return {parameter(attrs, "exponent", 1), 0};
  if (step.op == "clamp") return {parameter(attrs, "min", -kInfinity), parameter(attrs, "max", kInfinity)};
  return {0, 0};
}

StepFunctions functionsOf(const ProgramStep& step, const std::vector<DType>& registers) {
  const size_t operand = step.op == "where" ? 1 : 0;
  if (step.op == "powScalar") {
    // The exponents that matter have loops of their own.
    const float exponent = parametersOf(step)[0];
    const char* name = exponent == 2.0f ? "square" : exponent == 0.5f ? "sqrt" : exponent == -1.0f ? "reciprocal" : nullptr;
    if (name != nullptr) return stepFunctions(name, registers.at(step.inputs.at(0)), step.dtype);
  }
  return stepFunctions(loopName(step), registers.at(step.inputs.at(operand)), step.dtype);
}

std::string refuseElementwise(const NodeSpec& node) {
  const Program program = programOf(node);
  std::vector<DType> registers;
  for (const TensorSpec& input : node.inputs) registers.push_back(input.dtype);
  for (const ProgramStep& step : program.steps) {
    if (step.op != "full" && functionsOf(step, registers).vector == nullptr) {
      return step.op + " has no kernel for " + nameOf(registers.at(step.inputs.at(0)));
    }
    registers.push_back(step.dtype);
  }
  return "";
}

// Full-sized operands in the layout most of them have; operands that broadcast come plain.
LayoutPlan planElementwise(const NodeSpec& node) {
  const Shape& shape = node.outputs.at(0).shape;
  bool broadcasts = false;
  for (const TensorSpec& input : node.inputs) broadcasts = broadcasts || (input.shape != shape && input.elements() != 1);
  const Layout chosen = commonLayout(node.inputs, shape, !broadcasts);
  LayoutPlan plan;
  for (const TensorSpec& input : node.inputs) {
    if (input.shape == shape) {
      plan.inputs.push_back(chosen);
    } else {
      plan.inputs.push_back(isOrderedAsPlain(input) ? input.layout : Layout{});
    }
  }
  plan.outputs.assign(node.outputs.size(), chosen);
  return plan;
}

std::vector<InPlace> inPlaceElementwise(const NodeSpec& node) {
  std::vector<InPlace> result;
  // An input that is handed on as it is must not have been overwritten when it is stored.
  for (int stored : programOf(node).results) {
    if (stored < static_cast<int>(node.inputs.size())) return result;
  }
  for (size_t output = 0; output < node.outputs.size(); output++) {
    for (size_t input = 0; input < node.inputs.size(); input++) {
      const TensorSpec &from = node.inputs[input], &to = node.outputs[output];
      if (from.shape == to.shape && byteSize(from.dtype) == byteSize(to.dtype)) result.push_back({output, input});
    }
  }
  return result;
}

}  // namespace omma
