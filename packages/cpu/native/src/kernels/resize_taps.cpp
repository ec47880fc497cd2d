// Which input elements a resized one takes, with PyTorch's conventions: pixel centres at half unless the corners are aligned,
// nearest rounds down, bicubic is Keys' kernel with a = -0.75 over a repeated border. The same as core's resampling.ts.
#include <algorithm>
#include <cmath>

#include "window.h"

namespace omma {
namespace {

double cubic(double distance) {
  const double a = -0.75, d = std::fabs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((d - 5) * d + 8) * d * a - 4 * a;
  return 0;
}

// In float32, as PyTorch: the rounding decides where the scale is not exact.
int64_t nearest(int64_t place, int64_t input, int64_t output) {
  const float scale = static_cast<float>(static_cast<double>(input) / static_cast<double>(output));
  return std::min(static_cast<int64_t>(std::floor(static_cast<float>(place) * scale)), input - 1);
}

}  // namespace

TapTable resizeTaps(int64_t input, int64_t output, const std::string& mode, bool alignCorners) {
  const double in = static_cast<double>(input), out = static_cast<double>(output);
  const double ratio = !alignCorners ? in / out : output > 1 ? (in - 1) / (out - 1) : 0;
  TapTable table;
  for (int64_t place = 0; place < output; place++) {
    const double centre = alignCorners ? place * ratio : (place + 0.5) * ratio - 0.5;
    if (mode == "nearest") {
      table.add(nearest(place, input, output), 1);
    } else if (mode == "bilinear") {
      const double inside = std::max(centre, 0.0);
      const int64_t low = std::min(static_cast<int64_t>(inside), input - 1);
      const double fraction = std::min(inside - static_cast<double>(low), 1.0);
      table.add(low, 1 - fraction);
      table.add(std::min(low + 1, input - 1), fraction);
    } else {
      const int64_t low = static_cast<int64_t>(std::floor(centre));
      for (int64_t i = low - 1; i <= low + 2; i++) {
        table.add(std::clamp<int64_t>(i, 0, input - 1), cubic(centre - static_cast<double>(i)));
      }
    }
    table.endRow();
  }
  return table;
}

}  // namespace omma
