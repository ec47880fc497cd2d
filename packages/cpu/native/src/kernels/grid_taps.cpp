// See grid_taps.h. The same arithmetic as gridTaps.ts in packages/cv, in float32.
#include "grid_taps.h"

#include <algorithm>
#include <cmath>

namespace omma {
namespace {

// Beyond it float32 has no places between pixels; positions further out mean nothing but must become integers.
constexpr float kFarthest = 1 << 24;

}  // namespace

GridTaps::GridTaps(const Attribute& attrs) : alignCorners_(attrs.at("alignCorners").boolean()) {
  const std::string& mode = attrs.at("mode").string();
  const std::string& padding = attrs.at("paddingMode").string();
  mode_ = mode == "nearest" ? Mode::Nearest : mode == "bicubic" ? Mode::Bicubic : Mode::Bilinear;
  padding_ = padding == "border" ? Padding::Border : padding == "reflection" ? Padding::Reflection : Padding::Zeros;
}

SampleTaps GridTaps::of(float coordinate, int64_t extent) const {
  const float size = static_cast<float>(extent);
  const Position raw = alignCorners_ ? Position{(coordinate + 1) / 2 * (size - 1), (size - 1) / 2}
                                     : Position{((coordinate + 1) * size - 1) / 2, size / 2};
  if (!(std::fabs(raw.value) < kFarthest)) return {};
  if (mode_ == Mode::Bicubic) return cubic(raw, extent);
  const Position position = bounded(raw, extent);
  if (mode_ == Mode::Bilinear) return linearTaps(position.value, position.slope, extent);
  SampleTaps taps;
  taps.add(static_cast<int64_t>(std::nearbyint(position.value)), extent, 1, 0);
  return taps;
}

// Brings a position into the image as the padding mode says.
GridTaps::Position GridTaps::bounded(Position position, int64_t extent) const {
  if (padding_ == Padding::Zeros) return position;
  const float last = static_cast<float>(extent - 1);
  if (padding_ == Padding::Reflection) {
    const float low = alignCorners_ ? 0.0f : -0.5f, span = alignCorners_ ? last : last + 1;
    if (span == 0) return {0, 0};
    const float distance = std::fabs(position.value - low);
    const float direction = position.value < low ? -position.slope : position.slope;
    const bool even = static_cast<int64_t>(distance / span) % 2 == 0;
    const float rest = std::fmod(distance, span);
    position = even ? Position{low + rest, direction} : Position{low + span - rest, -direction};
  }
  if (position.value <= 0) return {0, 0};
  return position.value >= last ? Position{last, 0} : position;
}

// Keys' kernel with a = -0.75; each tap is brought into the image on its own.
SampleTaps GridTaps::cubic(Position position, int64_t extent) const {
  SampleTaps taps;
  const float low = std::floor(position.value);
  for (int offset = -1; offset <= 2; offset++) {
    const float place = low + static_cast<float>(offset), signedDistance = position.value - place, d = std::fabs(signedDistance);
    const bool inner = d <= 1;
    const float weight = inner ? (1.25f * d - 2.25f) * d * d + 1 : -0.75f * (((d - 5) * d + 8) * d - 4);
    const float derivative = inner ? (3.75f * d - 4.5f) * d : -0.75f * ((3 * d - 10) * d + 8);
    const float sign = signedDistance < 0 ? -1.0f : 1.0f;
    taps.add(static_cast<int64_t>(bounded({place, 1}, extent).value), extent, weight, derivative * sign * position.slope);
  }
  return taps;
}

}  // namespace omma
