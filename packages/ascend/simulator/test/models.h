// Small offline models for the cases, written byte by byte (an ONNX graph of one node needs no library), and their data.
#pragma once

#include <string>
#include <vector>

#include "acl/acl.h"
#include "om/format.h"

namespace test {

// z = x + y, float32 [2, 3]; output name "sum:0:z".
omma::om::Model addModel();

// y = relu(x), float32 [n, 4], gears n = 1, 2, 4.
omma::om::Model batchModel();
// y = relu(x), float32 [1, 1, h, w], gears 2x2, 4x2.
omma::om::Model imageModel();
// y = relu(x), float32 [a, 3, b], gears (1, 2), (2, 4).
omma::om::Model dimsModel();

// z = x + y and z2, the same again, float32 [2, 3].
omma::om::Model twoOutputModel();

// y = cast(x) from float32 [4] to float16.
omma::om::Model halfModel();

// Loads it; checks that it worked.
uint32_t load(const omma::om::Model& model);

// Device memory with a copy of `bytes` of `data`, at least `allocate` bytes of it.
void* upload(const void* data, size_t bytes, size_t allocate = 0);
std::vector<float> download(const void* pointer, size_t count);

struct Span {
  void* data;
  size_t bytes;
};

// A dataset of new data buffers.
aclmdlDataset* dataset(const std::vector<Span>& spans);

}  // namespace test
