#pragma once

#include <memory>

#include "fovea/session.h"

namespace fovea {

// One of the functions that ReluBackward speaks of.
bool is_relu(const Op& op);

// The kernel of such an op, with `shape` of input and output, passing gradients back by `rule`.
std::unique_ptr<Kernel> with_relu_backward(std::unique_ptr<Kernel> kernel, const Shape& shape, ReluBackward rule);

}  // namespace fovea
