// Which layout a kernel takes when its operands are offered in several.
#pragma once

#include <vector>

#include "../tensor.h"

namespace omma {

// The layout in which most of the operands of this shape are offered; on a tie the first that is not plain. Opaque layouts
// only if allowed.
Layout commonLayout(const std::vector<TensorSpec>& operands, const Shape& shape, bool allowOpaque);

// Whether the elements lie in row-major order whatever the layout is called: one element, one pixel, or one channel.
bool isOrderedAsPlain(const TensorSpec& spec);

}  // namespace omma
