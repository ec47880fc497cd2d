// The weight gradient of a convolution in bfloat16, for processors with AVX-512 BF16 and without AMX: packed pairs of pixels and a
// product with everything in registers.
//
// dw[k, c, tap] is a sum over all pixels of all images, so pixels are what the processor's instruction must add up: it multiplies pairs of
// bfloat16 and adds both products to a float32. Pixels of one channel lie 32 bytes apart in blocked images; both operands are
// therefore packed once into pairs of neighbouring pixels, and used for all products between them. oneDNN 2.6 transposes for every block
// of channels again and reaches 590 (1x1) to 810 GFLOP/s where its forward kernels reach 900 to 1000 (ResNet-50, two Zen 5 cores).
#pragma once

#include <cstddef>
#include <cstdint>

namespace omma {

struct BFloat16;

// Images are [N, C/16, H, W, 16]; channel counts are multiples of 16.
struct WeightGradientShape {
  int64_t images;
  int64_t inChannels;
  int64_t outChannels;
  int64_t height;  // of the input
  int64_t width;
  int64_t outHeight;
  int64_t outWidth;
  int64_t kernelHeight;
  int64_t kernelWidth;
  int64_t strideHeight;
  int64_t strideWidth;
  int64_t padTop;
  int64_t padLeft;
  int64_t dilationHeight;  // 1: dense
  int64_t dilationWidth;
};

// False where this build or this processor has no such instruction, or has a better one (AMX).
bool hasPackedWeightGradient();

// Bytes of working memory.
size_t weightGradientScratch(const WeightGradientShape& shape);

// dw, plain OIHW. Sums are float32, in an order that depends on the shape only.
void weightGradient(const WeightGradientShape& shape, const BFloat16* x, const BFloat16* dy, float* dw, void* scratch);

}  // namespace omma
