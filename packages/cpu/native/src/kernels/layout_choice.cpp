#include "layout_choice.h"

namespace omma {

Layout commonLayout(const std::vector<TensorSpec>& operands, const Shape& shape, bool allowOpaque) {
  Layout chosen;
  int most = 0;
  for (const TensorSpec& candidate : operands) {
    if (candidate.shape != shape || (candidate.layout.kind == Layout::Opaque && !allowOpaque)) continue;
    int votes = 0;
    for (const TensorSpec& operand : operands) votes += operand.shape == shape && operand.layout == candidate.layout;
    if (votes > most || (votes == most && chosen.isPlain())) {
      most = votes;
      chosen = candidate.layout;
    }
  }
  return chosen;
}

bool isOrderedAsPlain(const TensorSpec& spec) {
  if (spec.layout.isPlain() || spec.elements() == 1) return true;
  return spec.layout.kind != Layout::Opaque && ((spec.shape[2] == 1 && spec.shape[3] == 1) || spec.shape[1] == 1);
}

}  // namespace omma
