// All plain kernels, a family a file.
#include "families.h"

namespace omma {

void registerKernels(KernelTable& table) {
  registerElementwise(table);
  registerBatchNorm(table);
}

}  // namespace omma
