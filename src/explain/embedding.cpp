#include "fovea/embedding.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "explain/picture_input.h"
#include "fovea/error.h"
#include "fovea/parallel.h"
#include "fovea/random.h"
#include "fovea/session.h"

namespace fovea {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

// What the last layer with parameters reads.
std::string features_node(const Graph& graph) {
  for (int i = static_cast<int>(graph.nodes().size()); i-- > 0;) {
    if (!graph.node(i).parameters.empty()) return graph.node(graph.node(i).inputs[0]).name;
  }
  throw Error(ErrorKind::format, "the network has no layer with parameters: name a node");
}

Matrix to_matrix(const Tensor& rows) {
  const Shape& shape = rows.shape();
  if (shape.rank() != 2 || shape.elements() == 0) {
    throw Error(ErrorKind::usage, fmt::format("rows of features are {{N, D}}, got {}", to_string(shape)));
  }
  Matrix matrix(shape[0], shape[1]);
  for (int64_t i = 0; i < rows.size(); ++i) matrix.data()[i] = static_cast<double>(rows[i]);
  if (!matrix.allFinite()) throw Error(ErrorKind::usage, "features have a NaN or an infinity");
  return matrix;
}

// Squared distances between all rows.
Matrix distances(const Matrix& rows) {
  const Vector squares = rows.rowwise().squaredNorm();
  Matrix result = -2 * rows * rows.transpose();
  result.colwise() += squares;
  result.rowwise() += squares.transpose();
  return result.cwiseMax(0.0);
}

// Row i of the neighbours' probabilities: Gaussians around point i, as wide as the perplexity asks.
void fill_neighbours(const Matrix& distance, int64_t i, double perplexity, Matrix& p) {
  const double wanted = std::log(perplexity);
  const int64_t count = distance.rows();
  double precision = 1, low = 0, high = std::numeric_limits<double>::infinity();
  double nearest = std::numeric_limits<double>::infinity();
  for (int64_t j = 0; j < count; ++j) {
    if (j != i) nearest = std::min(nearest, distance(i, j));
  }
  for (int trial = 0; trial < 64; ++trial) {
    double sum = 0, weighted = 0;
    for (int64_t j = 0; j < count; ++j) {
      const double away = distance(i, j) - nearest;
      p(i, j) = j == i ? 0 : std::exp(-precision * away);
      sum += p(i, j);
      weighted += p(i, j) * away;
    }
    p.row(i) /= sum;
    const double entropy = std::log(sum) + precision * weighted / sum;
    if (std::abs(entropy - wanted) < 1e-5) return;
    (entropy > wanted ? low : high) = precision;
    precision = std::isfinite(high) ? (low + high) / 2 : 2 * precision;
  }
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
  Matrix x = to_matrix(rows);
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

Tensor tsne(const Tensor& rows, const TsneOptions& options) {
  const auto refuse = [](const char* what) { throw Error(ErrorKind::usage, fmt::format("t-SNE: {}", what)); };
  if (rows.shape().rank() != 2 || rows.shape()[0] < 4 || rows.shape()[0] > 20'000) refuse("it takes 4 to 20,000 rows");
  if (!(options.perplexity > 1) || options.iterations < 1 || options.components < 0) {
    refuse("perplexity must be above 1, iterations at least 1, components at least 0");
  }
  const int64_t count = rows.shape()[0];
  const int64_t most = std::min(count, rows.shape()[1]);
  const int64_t components = options.components == 0 ? 0 : std::min(options.components, most);
  const Matrix distance = distances(to_matrix(components == 0 ? rows : principal_components(rows, components).points));
  Matrix p(count, count);
  const double perplexity = std::min(options.perplexity, std::max(1.1, static_cast<double>(count - 1) / 3));
  parallel_for(count, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) fill_neighbours(distance, i, perplexity, p);
  });
  p = ((p + p.transpose()).eval() / (2.0 * static_cast<double>(count))).cwiseMax(1e-12);

  Matrix y = Matrix::Zero(count, 2);
  const PrincipalComponents start = principal_components(rows, std::min<int64_t>(2, most));
  for (int64_t n = 0; n < count; ++n) {
    for (int64_t k = 0; k < start.points.shape()[1]; ++k) {
      y(n, k) = static_cast<double>(start.points[n * start.points.shape()[1] + k]);
    }
  }
  const double deviation = std::sqrt(y.col(0).squaredNorm() / static_cast<double>(count));
  y *= 1e-4 / std::max(deviation, 1e-30);
  const Random random(options.seed);  // rows that are equal must part
  for (int64_t i = 0; i < 2 * count; ++i) {
    y.data()[i] += 1e-6 * static_cast<double>(random.normal(static_cast<uint64_t>(i)));
  }

  const double rate = std::max(50.0, static_cast<double>(count) / 48);
  const int64_t exaggerated = options.iterations / 4;
  Matrix velocity = Matrix::Zero(count, 2), gain = Matrix::Ones(count, 2), gradient(count, 2), repulsion(count, 2);
  Vector sums(count);
  for (int64_t step = 0; step < options.iterations; ++step) {
    const double strength = step < exaggerated ? 12 : 1;
    const double momentum = step < exaggerated ? 0.5 : 0.8;
    parallel_for(count, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        double sum = 0, pull_x = 0, pull_y = 0, push_x = 0, push_y = 0;
        for (int64_t j = 0; j < count; ++j) {
          if (j == i) continue;
          const double dx = y(i, 0) - y(j, 0), dy = y(i, 1) - y(j, 1);
          const double q = 1 / (1 + dx * dx + dy * dy);
          sum += q;
          pull_x += p(i, j) * q * dx;
          pull_y += p(i, j) * q * dy;
          push_x += q * q * dx;
          push_y += q * q * dy;
        }
        sums(i) = sum;
        gradient.row(i) << strength * pull_x, strength * pull_y;
        repulsion.row(i) << push_x, push_y;
      }
    });
    gradient = 4 * (gradient - repulsion / sums.sum());
    for (int64_t i = 0; i < 2 * count; ++i) {
      double& g = gain.data()[i];
      const bool agrees = (gradient.data()[i] > 0) == (velocity.data()[i] > 0);
      g = std::max(0.01, agrees ? 0.8 * g : g + 0.2);
    }
    velocity = momentum * velocity - rate * gain.cwiseProduct(gradient);
    y += velocity;
    y.rowwise() -= y.colwise().mean().eval();
  }
  Tensor points({count, 2});
  for (int64_t i = 0; i < 2 * count; ++i) points[i] = static_cast<float>(y.data()[i]);
  return points;
}

Tensor class_similarity(const Features& features, int64_t classes) {
  const Matrix x = to_matrix(features.values);
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
  Matrix x = to_matrix(rows);
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
