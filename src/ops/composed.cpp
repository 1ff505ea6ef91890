// Builders that are other ops put together.
#include <fmt/format.h>

#include <numeric>

#include "fovea/error.h"
#include "fovea/ops.h"

namespace fovea {

namespace {

// Mean over everything, the batch too: shape {1}.
Value mean_of_all(Value x) {
  std::vector<int64_t> axes(static_cast<size_t>(x.shape().rank()));
  std::iota(axes.begin(), axes.end(), 0);
  return reduce_mean(x, axes);
}

// A loss compares like with like: no broadcasting.
Value difference(const char* loss, Value prediction, Value target) {
  if (prediction.shape() != target.shape()) {
    throw Error(ErrorKind::format, fmt::format("{} of '{}' and '{}': both must have the same shape, got {} and {}",
                                               loss, prediction.name(), target.name(), to_string(prediction.shape()),
                                               to_string(target.shape())));
  }
  return subtract(prediction, target);
}

}  // namespace

Value maxout(Value x, int64_t pieces) {
  const int64_t channels = x.shape().back();
  if (pieces < 1 || channels % pieces != 0) {
    throw Error(ErrorKind::format, fmt::format("maxout of '{}': {} channels cannot be divided among {} pieces",
                                               x.name(), channels, pieces));
  }
  std::vector<int64_t> shape(static_cast<size_t>(x.shape().rank() - 1), 0);
  shape.insert(shape.end(), {pieces, channels / pieces});
  return reduce_max(reshape(x, shape), {-2});
}

Value l1_loss(Value prediction, Value target) { return mean_of_all(abs(difference("l1_loss", prediction, target))); }

Value smooth_l1_loss(Value prediction, Value target, double beta) {
  return mean_of_all(smooth_abs(difference("smooth_l1_loss", prediction, target), beta));
}

}  // namespace fovea
