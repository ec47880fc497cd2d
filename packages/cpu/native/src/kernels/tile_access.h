// How tiles get in and out of memory: conversion to and from 4-byte lanes, and broadcasting.
//
// Part of the elementwise interpreter. A loader is bound to one input and to the order in which the output lies in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "../tensor.h"
#include "strided.h"

namespace omma {

class TileLoader {
 public:
  TileLoader(const TensorSpec& input, const TensorSpec& output);

  // One element for all of the output.
  bool isUniform() const { return uniform_; }
  // Lanes can be read straight from memory: same order as the output, 4 bytes each.
  bool isDirect() const { return !uniform_ && dimensions_.empty() && byteSize(dtype_) == 4; }
  bool isBroadcast() const { return !uniform_ && !dimensions_.empty(); }

  // Brings lanes [position, position + count) of the output's order into `lanes`.
  void load(const void* base, int64_t position, int64_t count, void* lanes) const;

  // Two tiles of equal length and equal key hold the same lanes, so that the second need not be loaded: -1 where it must be.
  int64_t repeatKey(int64_t position, int64_t count) const;

 private:
  DType dtype_;
  bool uniform_;
  std::vector<StridedDimension> dimensions_;  // of a broadcast; empty otherwise
};

// Stores lanes as elements [position, position + count) of a tensor.
void storeTile(DType dtype, const void* lanes, void* base, int64_t position, int64_t count);

// The lane that holds `value` in a tensor of this type.
uint32_t laneBits(DType dtype, double value);

}  // namespace omma
