// The families of plain kernels; each adds its ops to the table.
#pragma once

#include "../collectives_link.h"
#include "../kernel.h"

namespace omma {

void registerElementwise(KernelTable& table);
void registerBatchNorm(KernelTable& table);
void registerReduce(KernelTable& table);
void registerSoftmax(KernelTable& table);
void registerAxisScans(KernelTable& table);
void registerViews(KernelTable& table);
void registerConcat(KernelTable& table);
void registerSource(KernelTable& table);
void registerWinograd(KernelTable& table);
void registerWeightGradient(KernelTable& table);
void registerVision(KernelTable& table);
void registerRandom(KernelTable& table);
void registerIndex(KernelTable& table);
void registerWindow(KernelTable& table);
void registerCollective(KernelTable& table, CollectivesLink& link);

}  // namespace omma
