#include "fovea/embedding.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "explain/row_matrix.h"
#include "fovea/error.h"

namespace fovea {

namespace {

using Matrix = RowMatrix;
using Vector = Eigen::VectorXd;

}  // namespace

PrincipalComponents principal_components(const Tensor& rows, int64_t components) {
  Matrix x = row_matrix(rows);
  if (components < 1 || components > std::min(x.rows(), x.cols())) {
    throw Error(ErrorKind::usage,
                fmt::format("{} rows of {} features do not have {} components", x.rows(), x.cols(), components));
  }
  x.rowwise() -= x.colwise().mean().eval();
  const double total = x.squaredNorm();
  // Of the two products with the same eigenvalues the smaller.
  const bool by_columns = x.cols() <= x.rows();
  const Matrix product = by_columns ? Matrix(x.transpose() * x) : Matrix(x * x.transpose());
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(product);
  PrincipalComponents result{Tensor({x.rows(), components})};
  for (int64_t k = 0; k < components; ++k) {
    const int64_t from_end = product.cols() - 1 - k;
    const double value = std::max(0.0, solver.eigenvalues()(from_end));
    Vector direction = solver.eigenvectors().col(from_end);
    if (!by_columns) direction = x.transpose() * direction;
    // Beyond the rank of the rows rounding would point anywhere.
    const bool has_length = value > 1e-12 * solver.eigenvalues()(product.cols() - 1);
    direction *= has_length ? 1 / direction.norm() : 0;
    Eigen::Index largest = 0;
    direction.cwiseAbs().maxCoeff(&largest);
    if (direction(largest) < 0) direction = -direction;
    const Vector along = x * direction;
    for (int64_t n = 0; n < x.rows(); ++n) result.points[n * components + k] = static_cast<float>(along(n));
    result.explained.push_back(total > 0 ? value / total : 0);
  }
  return result;
}

Tensor class_similarity(const Tensor& rows, std::span<const int64_t> labels, int64_t classes) {
  const Matrix x = row_matrix(rows);
  if (classes < 1 || std::ssize(labels) != x.rows()) {
    throw Error(ErrorKind::usage, fmt::format("{} labels for {} rows of {} classes", labels.size(), x.rows(), classes));
  }
  Matrix means = Matrix::Zero(classes, x.cols());
  Vector counts = Vector::Zero(classes);
  for (int64_t n = 0; n < x.rows(); ++n) {
    const int64_t label = labels[static_cast<size_t>(n)];
    if (label < 0 || label >= classes) throw Error(ErrorKind::usage, fmt::format("label {} is no class", label));
    means.row(label) += x.row(n);
    counts(label) += 1;
  }
  const Eigen::RowVectorXd all = x.colwise().mean();
  for (int64_t k = 0; k < classes; ++k) {
    if (counts(k) == 0) continue;
    means.row(k) = means.row(k) / counts(k) - all;
    means.row(k) /= std::max(means.row(k).norm(), 1e-30);
  }
  const Matrix cosines = means * means.transpose();
  Tensor result({classes, classes});
  for (int64_t i = 0; i < result.size(); ++i) result[i] = static_cast<float>(std::clamp(cosines.data()[i], -1.0, 1.0));
  return result;
}

}  // namespace fovea
