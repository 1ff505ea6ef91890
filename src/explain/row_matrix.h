#pragma once

#include <fmt/format.h>

#include <Eigen/Dense>

#include "fovea/error.h"
#include "fovea/tensor.h"

namespace fovea {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Rows of features {N, D}. Throws Error(usage) for other shapes, and for a NaN or an infinity.
inline RowMatrix row_matrix(const Tensor& rows) {
  const Shape& shape = rows.shape();
  if (shape.rank() != 2 || shape.elements() == 0) {
    throw Error(ErrorKind::usage, fmt::format("rows of features are {{N, D}}, got {}", to_string(shape)));
  }
  RowMatrix matrix(shape[0], shape[1]);
  for (int64_t i = 0; i < rows.size(); ++i) matrix.data()[i] = static_cast<double>(rows[i]);
  if (!matrix.allFinite()) throw Error(ErrorKind::usage, "features have a NaN or an infinity");
  return matrix;
}

}  // namespace fovea
