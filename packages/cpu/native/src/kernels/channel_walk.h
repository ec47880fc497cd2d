// Per-channel passes over images in any layout, as batch norm needs them: which parts there are, in which order threads take
// them, and how a part is cut into runs of vectors.
//
// A part is a piece of memory whose channels are known:
//  - Blocked: part (n, g) is image n, channel block g, contiguous, its 8 or 16 channels repeating;
//  - Plain:   part (n, c) is one channel of one image, contiguous;
//  - NHWC:    a range of pixels over all images, with all channels (one group).
// The passes are: partial(part) for every part, combine(group) over its parts, apply(part). Where there are enough groups for
// all threads, a thread does all three for one group before it goes on, so that `apply` finds its operands in the cache: a group
// of a ResNet-50 layer at batch 16 has at most 6 MB.
#pragma once

#include <cstdint>

#include "../tensor.h"
#include "parallel.h"
#include "simd8.h"

namespace omma {

template <typename V_, int K_>
struct RunTag {
  using V = V_;
  static constexpr int K = K_;
};

class ChannelWalk {
 public:
  ChannelWalk(const Shape& shape, const Layout& layout) : channels_(shape[1]) {
    int64_t area = 1;
    for (size_t axis = 2; axis < shape.size(); axis++) area *= shape[axis];
    pixels_ = shape[0] * area;
    // With one pixel an image, row major is rows of channels too.
    rows_ = layout.kind == Layout::NHWC || (layout.isPlain() && area == 1);
    plain_ = layout.isPlain() && !rows_;
    if (rows_) {
      // Enough parts for an even share and for the last of them to stay in the cache, few enough that combining their
      // sums costs nothing.
      const int64_t wanted = std::min<int64_t>(std::max<int64_t>(1, pixels_ / 64), 16 * omp_get_max_threads());
      area_ = (pixels_ + wanted - 1) / wanted;
      parts_ = (pixels_ + area_ - 1) / area_;
      lanes_ = channels_;
    } else {
      area_ = area;
      parts_ = shape[0];
      lanes_ = plain_ ? 1 : layout.block();
    }
    groups_ = channels_ / lanes_;
  }

  int64_t channels() const { return channels_; }
  int64_t parts() const { return parts_; }
  int64_t lanes() const { return lanes_; }
  // The first element of a part.
  int64_t offset(int64_t part, int64_t group) const {
    return rows_ ? part * area_ * channels_ : (part * groups_ + group) * area_ * lanes_;
  }
  // Pixels of a channel over all images; pixels of a channel in one part.
  int64_t pixels() const { return pixels_; }
  int64_t pixelsOf(int64_t part) const { return rows_ ? std::min(area_, pixels_ - part * area_) : area_; }

  // Whether every vector of every run starts at a multiple of `unit` elements.
  bool isAligned(int64_t unit) const { return (rows_ ? channels_ : area_ * lanes_) % unit == 0; }

  template <typename Partial, typename Combine, typename Apply>
  void run(Partial partial, Combine combine, Apply apply) const {
    const int64_t cost = area_ * lanes_;
    if (groups_ >= omp_get_max_threads()) {
      parallelFor(groups_, cost * parts_, [&](int64_t group) {
        for (int64_t part = 0; part < parts_; part++) partial(part, group);
        combine(group);
        // Backwards: what was read last is still in the cache.
        for (int64_t part = parts_; part-- > 0;) apply(part, group);
      });
      return;
    }
    const int64_t count = parts_ * groups_;
    parallelFor(count, cost, [&](int64_t i) { partial(i / groups_, i % groups_); });
    for (int64_t group = 0; group < groups_; group++) combine(group);
    parallelRange(count, cost, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = end; i-- > begin;) apply(i / groups_, i % groups_);
    });
  }

  // Cuts a part into runs and calls body(tag, offset, steps, stride, channel): `steps` steps of `stride` elements from
  // `offset`, tag::K vectors each, the first of them with the coefficients of `channel` onwards.
  template <typename Body>
  void runs(int64_t part, int64_t group, Body body) const {
    if (rows_) {
      const int64_t end = std::min(pixels_, (part + 1) * area_);
      for (int64_t row = part * area_; row < end; row += kRows) rowRuns(row, std::min(kRows, end - row), body);
      return;
    }
    int64_t at = offset(part, group);
    const int64_t end = at + area_ * lanes_;
    const int64_t channel = group * lanes_;
    // Blocks of eight channels do not fill a wider vector with different ones.
    const bool wide = plain_ || lanes_ % kLanesOf<FloatWide> == 0;
    while (end - at >= 32) {
      const int64_t steps = std::min(kSteps, (end - at) / 32);
      if (wide) {
        body(Wide{}, at, steps, int64_t{32}, channel);
      } else {
        body(RunTag<Float8, 4>{}, at, steps, int64_t{32}, channel);
      }
      at += steps * 32;
    }
    for (int64_t lane = 0; end - at >= 8; at += 8, lane = (lane + 8) % std::max<int64_t>(8, lanes_)) {
      body(RunTag<Float8, 1>{}, at, int64_t{1}, int64_t{8}, channel + (plain_ ? 0 : lane));
    }
    for (; at < end; at++) body(RunTag<float, 1>{}, at, int64_t{1}, int64_t{1}, channel);
  }

  // Coefficients of `channel` onwards for one step.
  template <typename Tag, typename L>
  void coefficients(Tag, const float* table, int64_t channel, L& lanes) const {
    for (int k = 0; k < Tag::K; k++) {
      using V = typename Tag::V;
      lanes.v[k] = plain_ ? splatAs<V>(table[channel]) : loadAs<V>(table + channel + kLanesOf<V> * (k % period<Tag>()));
    }
  }

  // Adds the sums of one run to the channels they belong to.
  template <typename Tag, typename L>
  void addSums(Tag, const L& lanes, int64_t channel, double* sums) const {
    constexpr int width = kLanesOf<typename Tag::V>;
    for (int k = 0; k < Tag::K; k++) {
      float each[width];
      storeAs<typename Tag::V>(each, lanes.v[k]);
      double* to = sums + channel + (plain_ ? 0 : width * (k % period<Tag>()));
      for (int i = 0; i < width; i++) to[plain_ ? 0 : i] += each[i];
    }
  }

 private:
  // Runs are short enough for float32 sums: 512 steps of a contiguous part, 16 rows.
  static constexpr int64_t kSteps = 512;
  static constexpr int64_t kRows = 16;

  // 32 elements as the widest vectors.
  using Wide = RunTag<FloatWide, 32 / kLanesOf<FloatWide>>;

  // Vectors after which the channels repeat within a step.
  template <typename Tag>
  int64_t period() const {
    return std::clamp<int64_t>(lanes_ / kLanesOf<typename Tag::V>, 1, Tag::K);
  }

  template <typename Body>
  void rowRuns(int64_t row, int64_t count, Body body) const {
    const int64_t at = row * channels_;
    int64_t channel = 0;
    for (; channels_ - channel >= 32; channel += 32) body(Wide{}, at + channel, count, channels_, channel);
    for (; channels_ - channel >= 8; channel += 8) body(RunTag<Float8, 1>{}, at + channel, count, channels_, channel);
    for (; channel < channels_; channel++) body(RunTag<float, 1>{}, at + channel, count, channels_, channel);
  }

  int64_t channels_, pixels_, area_, parts_, lanes_, groups_;
  bool plain_, rows_;
};

}  // namespace omma
