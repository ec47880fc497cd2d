// The elementwise entries of the kernel table: every op that has a loop, and fused programs of them.
#include "elementwise_program.h"
#include "families.h"

namespace omma {

void registerElementwise(KernelTable& table) {
  const KernelDefinition definition{refuseElementwise, planElementwise, createElementwise, inPlaceElementwise};
  for (const std::string& op : elementwiseOps()) table.add(op, definition);
  table.add("fusedElementwise", definition);
}

}  // namespace omma
