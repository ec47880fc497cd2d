// See activation.h.
#include "primitives/activation.h"

#include <stdexcept>

namespace omma {

void appendActivation(dnnl::post_ops& ops, const Attribute& activation) {
  using dnnl::algorithm;
  const std::string& op = activation.at("op").string();
  const auto value = [&](const char* name) { return static_cast<float>(activation.at(name).number()); };
  if (op == "none") return;
  if (op == "relu") return onednn::appendEltwise(ops, algorithm::eltwise_relu, 0, 0);
  if (op == "relu6") return onednn::appendEltwise(ops, algorithm::eltwise_clip, 0, 6);
  if (op == "clamp") return onednn::appendEltwise(ops, algorithm::eltwise_clip, value("min"), value("max"));
  if (op == "leakyRelu") return onednn::appendEltwise(ops, algorithm::eltwise_relu, value("slope"), 0);
  if (op == "elu") return onednn::appendEltwise(ops, algorithm::eltwise_elu, value("alpha"), 0);
  if (op == "sigmoid") return onednn::appendEltwise(ops, algorithm::eltwise_logistic, 0, 0);
  if (op == "silu") return onednn::appendEltwise(ops, algorithm::eltwise_swish, 1, 0);
  if (op == "tanh") return onednn::appendEltwise(ops, algorithm::eltwise_tanh, 0, 0);
  if (op == "hardSwish") {
    return onednn::appendEltwise(ops, algorithm::eltwise_hardswish, onednn::hardSwishAlpha, onednn::hardSwishBeta);
  }
  throw std::runtime_error("activation " + op + " cannot be fused");
}

}  // namespace omma
