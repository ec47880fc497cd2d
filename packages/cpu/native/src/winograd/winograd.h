// Winograd convolution F(4x4, 3x3) on blocked activations: forward, gradient of the input, gradient of the weight.
//
// A 3x3 convolution of stride 1 costs 144 multiplications for a 4x4 piece of output; in Winograd's transformed space it costs 36
// (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016). oneDNN 2.6 has no such kernel for AVX2. Activations
// are [N, C/V, H, W, V] with V the width of a vector; weights are plain OIHW. Three phases over a group of tiles: transform the inputs, 36
// matrix products, transform back; each is divided among the threads by place, so results do not depend on timing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace omma {

struct WinogradShape {
  int64_t images;
  int64_t inChannels;
  int64_t outChannels;
  int64_t height;  // of the input
  int64_t width;
  int64_t outHeight;
  int64_t outWidth;
  int64_t padTop;
  int64_t padLeft;
};

// Channels in a block of the activations: floats in a vector register.
#if defined(__AVX512F__)
constexpr int kWinogradBlock = 16;
#else
constexpr int kWinogradBlock = 8;
#endif

// What is done to an output element before it is stored.
struct WinogradEpilogue {
  const float* bias = nullptr;      // [outChannels]
  const float* residual = nullptr;  // laid out as the output, added
  bool relu = false;
};

// Bytes of working memory that each needs. Channel counts are multiples of kWinogradBlock everywhere here.
size_t winogradForwardScratch(const WinogradShape& shape);
size_t winogradWeightGradScratch(const WinogradShape& shape);

// Floats of the transformed weight.
size_t winogradWeightElements(const WinogradShape& shape);

// Transforms plain OIHW weights. With `transposed`, those of the input gradient: the convolution with the weight turned by 180 degrees
// and its channels swapped; `shape` is then that convolution's own (its input is the output's gradient).
void winogradTransformWeight(const WinogradShape& shape, const float* weight, bool transposed, float* transformed);

// y = x * w. The gradient of the input is a forward convolution with transposed weights.
void winogradForward(const WinogradShape& shape, const float* x, const float* transformed, float* y, const WinogradEpilogue& epilogue,
                     void* scratch);

// dw (plain OIHW) from x and dy.
void winogradWeightGrad(const WinogradShape& shape, const float* x, const float* dy, float* dw, void* scratch);

}  // namespace omma
