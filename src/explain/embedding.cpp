#include "fovea/embedding.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "explain/picture_input.h"
#include "explain/row_matrix.h"
#include "fovea/error.h"
#include "fovea/session.h"

namespace fovea {

namespace {

using Matrix = RowMatrix;
using Vector = Eigen::VectorXd;

// What the last layer with parameters reads.
std::string features_node(const Graph& graph) {
  for (int i = static_cast<int>(graph.nodes().size()); i-- > 0;) {
    if (!graph.node(i).parameters.empty()) return graph.node(graph.node(i).inputs[0]).name;
  }
  throw Error(ErrorKind::format, "the network has no layer with parameters: name a node");
}

}  // namespace

Features extract_features(Model& model, const Dataset& dataset, const FeatureOptions& options) {
  if (options.max_items < 1 || options.batch < 1)
    throw Error(ErrorKind::usage, "at least one picture and batches of one");
  if (dataset.size() == 0) throw Error(ErrorKind::usage, fmt::format("{}: no pictures", dataset.describe()));
  const Graph& graph = model.graph();
  const std::string input = picture_input(model);
  Features features;
  features.node = options.node.empty() ? features_node(graph) : options.node;
  const int64_t count = std::min(options.max_items, dataset.size());
  for (int64_t i = 0; i < count; ++i) {
    features.items.push_back(i * dataset.size() / count);
    features.labels.push_back(dataset.label(features.items.back()));
  }
  const int64_t batch = std::min(options.batch, count);
  Session session(model, {.batch = batch, .keep = {features.node}});
  Preprocessor preprocessor(model.preprocessing);
  const std::span<float> space = session.input(input);
  const Shape shape = session.shape(features.node);
  const int64_t channels = shape.back(), positions = shape.elements() / channels / batch;
  features.values = Tensor({count, channels});
  Image image;
  for (int64_t first = 0; first < count; first += batch) {
    const int64_t rows = std::min(batch, count - first);
    for (int64_t i = 0; i < rows; ++i) {
      dataset.read(features.items[static_cast<size_t>(first + i)], image);
      preprocessor.run(image, space.data() + i * (std::ssize(space) / batch));
    }
    session.forward();
    const float* at = session.activation(features.node).data();
    for (int64_t i = 0; i < rows; ++i) {
      float* const out = features.values.data() + (first + i) * channels;
      for (int64_t position = 0; position < positions; ++position) {
        for (int64_t c = 0; c < channels; ++c) out[c] += *at++;
      }
      for (int64_t c = 0; c < channels; ++c) out[c] /= static_cast<float>(positions);
    }
  }
  return features;
}

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

Tensor class_similarity(const Features& features, int64_t classes) {
  const Matrix x = row_matrix(features.values);
  if (classes < 1 || std::ssize(features.labels) != x.rows()) {
    throw Error(ErrorKind::usage,
                fmt::format("{} labels for {} rows of {} classes", features.labels.size(), x.rows(), classes));
  }
  Matrix means = Matrix::Zero(classes, x.cols());
  Vector counts = Vector::Zero(classes);
  for (int64_t n = 0; n < x.rows(); ++n) {
    const int64_t label = features.labels[static_cast<size_t>(n)];
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

std::vector<int64_t> nearest_rows(const Tensor& rows, int64_t row, int64_t count) {
  Matrix x = row_matrix(rows);
  if (row < 0 || row >= x.rows()) throw Error(ErrorKind::usage, fmt::format("there is no row {} of {}", row, x.rows()));
  x.rowwise().normalize();
  const Vector cosines = x * x.row(row).transpose();
  std::vector<int64_t> order;
  for (int64_t n = 0; n < x.rows(); ++n) {
    if (n != row) order.push_back(n);
  }
  std::ranges::stable_sort(order, std::ranges::greater(), [&](int64_t n) { return cosines(n); });
  order.resize(static_cast<size_t>(std::clamp<int64_t>(count, 0, std::ssize(order))));
  return order;
}

}  // namespace fovea
