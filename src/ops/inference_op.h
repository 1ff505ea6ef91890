#pragma once

#include <memory>

#include "fovea/op.h"

namespace fovea {

// The op as inference has it, though the network around it trains: a batch norm with its running statistics, which it
// leaves alone. Gradients flow through. It lives in plans only: it has no serialised form of its own.
std::shared_ptr<const Op> make_inference_op(std::shared_ptr<const Op> op);

}  // namespace fovea
