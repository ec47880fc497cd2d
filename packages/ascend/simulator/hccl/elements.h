// What the elements of a collective are and how they are combined.
#pragma once

#include <cstddef>
#include <string>

#include "hccl/hccl.h"

namespace hccl {

// Bytes of an element; 0 for a type that does not exist.
size_t elementSize(HcclDataType type);

// "FP32"; the number for one that does not exist.
std::string typeName(HcclDataType type);
std::string opName(HcclReduceOp op);

// The reason why the chip does not reduce this type by this operation; empty when it does (reference report 2.4).
std::string reductionRefusal(HcclDataType type, HcclReduceOp op, const std::string& family);

// total = total op part, for `count` elements. 16-bit floats are combined in float32 and rounded to nearest even each time.
void combine(void* total, const void* part, size_t count, HcclDataType type, HcclReduceOp op);

}  // namespace hccl
