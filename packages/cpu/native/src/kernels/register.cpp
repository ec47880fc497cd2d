// All plain kernels, a family a file.
#include "families.h"

namespace omma {

void registerKernels(KernelTable& table, CollectivesLink& link) {
  registerElementwise(table);
  registerBatchNorm(table);
  registerReduce(table);
  registerSoftmax(table);
  registerAxisScans(table);
  registerViews(table);
  registerConcat(table);
  registerSource(table);
  registerWinograd(table);
  registerWeightGradient(table);
  registerIndex(table);
  registerRandom(table);
  registerWindow(table);
  registerVision(table);
  registerCollective(table, link);
}

}  // namespace omma
