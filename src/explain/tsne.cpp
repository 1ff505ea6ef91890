// t-distributed stochastic neighbour embedding (van der Maaten & Hinton 2008), exactly.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "explain/row_matrix.h"
#include "fovea/embedding.h"
#include "fovea/error.h"
#include "fovea/parallel.h"
#include "fovea/random.h"

namespace fovea {

namespace {

using Matrix = RowMatrix;
using Vector = Eigen::VectorXd;

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

// The probabilities that two points are neighbours, symmetric, of all together 1.
Matrix neighbour_probabilities(const Matrix& distance, double perplexity) {
  const int64_t count = distance.rows();
  const double wanted = std::min(perplexity, std::max(1.1, static_cast<double>(count - 1) / 3));
  Matrix p(count, count);
  parallel_for(count, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) fill_neighbours(distance, i, wanted, p);
  });
  return ((p + p.transpose()).eval() / (2.0 * static_cast<double>(count))).cwiseMax(1e-12);
}

// The first two principal components {N, 2}, of deviation 1e-4.
Matrix starting_points(const Tensor& rows, uint64_t seed) {
  const int64_t count = rows.shape()[0];
  const Tensor points = principal_components(rows, std::min<int64_t>(2, rows.shape()[1])).points;
  Matrix y = Matrix::Zero(count, 2);
  y.leftCols(points.shape()[1]) = row_matrix(points);
  const double deviation = std::sqrt(y.col(0).squaredNorm() / static_cast<double>(count));
  y *= 1e-4 / std::max(deviation, 1e-30);
  const Random random(seed);  // rows that are equal must part
  for (int64_t i = 0; i < 2 * count; ++i) {
    y.data()[i] += 1e-6 * static_cast<double>(random.normal(static_cast<uint64_t>(i)));
  }
  return y;
}

// Gradient descent of t-SNE: points {N, 2}, each drawn to its neighbours and pushed away by all.
class Descent {
 public:
  Descent(Matrix probabilities, Matrix points)
      : p_(std::move(probabilities)),
        y_(std::move(points)),
        rate_(std::max(50.0, static_cast<double>(y_.rows()) / 48)),
        velocity_(Matrix::Zero(y_.rows(), 2)),
        gain_(Matrix::Ones(y_.rows(), 2)),
        pull_(y_.rows(), 2),
        push_(y_.rows(), 2),
        sums_(y_.rows()) {}

  // `exaggeration` multiplies the neighbours' attraction.
  void step(double exaggeration, double momentum) {
    parallel_for(y_.rows(), 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) add_forces(i);
    });
    const Matrix gradient = 4 * (exaggeration * pull_ - push_ / sums_.sum());
    for (int64_t i = 0; i < gain_.size(); ++i) {
      double& gain = gain_.data()[i];
      const bool agrees = (gradient.data()[i] > 0) == (velocity_.data()[i] > 0);
      gain = std::max(0.01, agrees ? 0.8 * gain : gain + 0.2);
    }
    velocity_ = momentum * velocity_ - rate_ * gain_.cwiseProduct(gradient);
    y_ += velocity_;
    y_.rowwise() -= y_.colwise().mean().eval();
  }

  const Matrix& points() const { return y_; }

 private:
  // What point i gets from all others, whose closeness is q = 1 / (1 + distance^2).
  void add_forces(int64_t i) {
    double sum = 0, pull_x = 0, pull_y = 0, push_x = 0, push_y = 0;
    for (int64_t j = 0; j < y_.rows(); ++j) {
      if (j == i) continue;
      const double dx = y_(i, 0) - y_(j, 0), dy = y_(i, 1) - y_(j, 1);
      const double q = 1 / (1 + dx * dx + dy * dy);
      sum += q;
      pull_x += p_(i, j) * q * dx;
      pull_y += p_(i, j) * q * dy;
      push_x += q * q * dx;
      push_y += q * q * dy;
    }
    sums_(i) = sum;
    pull_.row(i) << pull_x, pull_y;
    push_.row(i) << push_x, push_y;
  }

  Matrix p_, y_;
  double rate_;
  Matrix velocity_, gain_, pull_, push_;
  Vector sums_;
};

}  // namespace

Tensor tsne(const Tensor& rows, const TsneOptions& options) {
  const auto refuse = [](const char* what) { throw Error(ErrorKind::usage, fmt::format("t-SNE: {}", what)); };
  if (rows.shape().rank() != 2 || rows.shape()[0] < 4 || rows.shape()[0] > 20'000) refuse("it takes 4 to 20,000 rows");
  if (!(options.perplexity > 1) || options.iterations < 1 || options.components < 0) {
    refuse("perplexity must be above 1, iterations at least 1, components at least 0");
  }
  const int64_t components = std::min({options.components, rows.shape()[0], rows.shape()[1]});
  const Matrix distance = distances(row_matrix(components == 0 ? rows : principal_components(rows, components).points));
  Descent descent(neighbour_probabilities(distance, options.perplexity), starting_points(rows, options.seed));
  const int64_t exaggerated = options.iterations / 4;
  for (int64_t step = 0; step < options.iterations; ++step) {
    if (step < exaggerated) {
      descent.step(12, 0.5);
    } else {
      descent.step(1, 0.8);
    }
  }
  Tensor points({rows.shape()[0], 2});
  for (int64_t i = 0; i < points.size(); ++i) points[i] = static_cast<float>(descent.points().data()[i]);
  return points;
}

}  // namespace fovea
