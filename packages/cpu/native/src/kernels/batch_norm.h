// Batch norm for training. Nodes:
//  - batchNormTrain(x, w, b) -> y, mean, variance; batchNormTrainGrad(x, dy, w, mean, variance) -> dx, dw, db
//  - fusedBatchNormTrain(x, w, b, residual?) {eps, relu} -> y, mean, variance: y = relu(norm(x) + residual)
//  - fusedBatchNormTrainGrad(x, dy, w, mean, variance, mask, more?) {eps, mask} -> dx, dw, db, dResidual?: dy goes through the
//    ReLU's mask first. mask 'output': `mask` is y. mask 'input': `mask` is b, and y > 0 is found from x (only without
//    residual), which saves reading y. dResidual is the masked dy. With dResidual there may be `more`: dy + more is the gradient.
#pragma once

#include "../kernel.h"

namespace omma {

std::unique_ptr<Kernel> createBatchNormTrain(const NodeSpec& node);
std::unique_ptr<Kernel> createBatchNormTrainGrad(const NodeSpec& node);

}  // namespace omma
