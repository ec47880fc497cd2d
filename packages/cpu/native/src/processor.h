// What oneDNN makes of this processor.
#pragma once

#include <string>

namespace omma {

std::string isaName();
// True where convolutions and matmuls of bfloat16 run as such.
bool hasBFloat16();

}  // namespace omma
