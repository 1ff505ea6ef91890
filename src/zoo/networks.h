#pragma once

#include "fovea/ops.h"

// The builders behind the table of zoo.cpp: x {N, H, W, C} -> logits {N, classes}.
namespace fovea::zoo {

Value digits(const Scope& scope, Value x, int64_t classes);
Value lenet5(const Scope& scope, Value x, int64_t classes);
Value minivgg(const Scope& scope, Value x, int64_t classes);
Value mlp(const Scope& scope, Value x, int64_t classes);
Value tinyvgg(const Scope& scope, Value x, int64_t classes);

}  // namespace fovea::zoo
