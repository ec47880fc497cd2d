// Activations that oneDNN can apply inside another primitive, by our op names.
#pragma once

#include "attributes.h"
#include "onednn_compat.h"

namespace omma {

// Appends {op, ...attrs} to the post-ops; op '' or 'none' appends nothing. Throws for an activation that cannot be fused.
void appendActivation(dnnl::post_ops& ops, const Attribute& activation);

}  // namespace omma
