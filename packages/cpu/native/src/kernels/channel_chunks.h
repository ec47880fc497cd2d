// Images of any layout seen as planes of channel chunks: eight channels that lie together, or one.
//
// The window and vision kernels that combine pixels with weights (resize, ROI align, grid sampling, pooling) do the same for
// every channel. They are written once for a chunk, as a template over Float8 and float, and a layout only decides
// where chunks start and how far apart pixels are: blocked and NHWC images run eight channels at a time, plain ones a channel
// at a time. A plane belongs to one thread, so sums into it need no atomics and come out the same run after run.
#pragma once

#include "../tensor.h"
#include "simd8.h"

namespace omma {

// The layout of images of which one operand may have a single pixel: the planner calls that one Plain whatever its neighbours are.
inline Layout sharedLayout(const TensorSpec& a, const TensorSpec& b) { return a.layout.isPlain() ? b.layout : a.layout; }

class ChannelChunks {
 public:
  ChannelChunks(const Shape& shape, const Layout& layout)
      : images_(shape[0]), channels_(shape[1]), height_(shape[2]), width_(shape[3]), area_(shape[2] * shape[3]),
        block_(layout.block()), nhwc_(layout.kind == Layout::NHWC) {}

  int64_t images() const { return images_; }
  int64_t channels() const { return channels_; }
  int64_t height() const { return height_; }
  int64_t width() const { return width_; }
  int64_t area() const { return area_; }
  int64_t elements() const { return images_ * channels_ * area_; }
  // Elements between neighbouring pixels of a channel.
  int64_t pixel() const { return nhwc_ ? channels_ : block_ > 0 ? block_ : 1; }

  // Chunks of an image: the whole eights, then the rest one by one.
  int64_t chunks() const { return eights() + channels_ - 8 * eights(); }
  bool isEight(int64_t chunk) const { return chunk < eights(); }
  int64_t channelOf(int64_t chunk) const { return isEight(chunk) ? 8 * chunk : chunk + 7 * eights(); }

  // Where the chunk's first pixel lies.
  int64_t offset(int64_t image, int64_t chunk) const {
    const int64_t channel = channelOf(chunk);
    if (nhwc_) return image * area_ * channels_ + channel;
    if (block_ > 0) return (image * channels_ + channel / block_ * block_) * area_ + channel % block_;
    return (image * channels_ + channel) * area_;
  }

  // Calls body(zero) with a zero of the chunk's type: Float8 or float.
  template <typename Body>
  void with(int64_t chunk, Body&& body) const {
    if (isEight(chunk)) {
      body(Float8{});
    } else {
      body(0.0f);
    }
  }

 private:
  int64_t eights() const { return nhwc_ || block_ > 0 ? channels_ / 8 : 0; }

  int64_t images_, channels_, height_, width_, area_;
  int block_;
  bool nhwc_;
};

}  // namespace omma
