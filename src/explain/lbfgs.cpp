#include "fovea/lbfgs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <numeric>
#include <vector>

#include "fovea/error.h"

namespace fovea {

namespace {

using Vector = std::vector<float>;

// Eight sums side by side: one alone would wait for each addition.
double dot(std::span<const float> a, std::span<const float> b) {
  constexpr size_t lanes = 8;
  std::array<double, lanes> sums{};
  const size_t whole = a.size() / lanes * lanes;
  for (size_t i = 0; i < whole; i += lanes) {
    for (size_t k = 0; k < lanes; ++k) sums[k] += static_cast<double>(a[i + k]) * static_cast<double>(b[i + k]);
  }
  for (size_t i = whole; i < a.size(); ++i) sums[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

// y += factor x
void add_scaled(double factor, std::span<const float> x, std::span<float> y) {
  const auto scale = static_cast<float>(factor);
  for (size_t i = 0; i < x.size(); ++i) y[i] += scale * x[i];
}

struct Pair {
  Vector step, change;  // of x and of the gradient
  double curvature;     // their product
};

void check(std::span<const float> x, const LbfgsOptions& options) {
  const auto refuse = [](const char* what) { throw Error(ErrorKind::usage, fmt::format("L-BFGS: {}", what)); };
  if (x.empty()) refuse("there is nothing to change");
  if (options.iterations < 1) refuse("iterations must be at least 1");
  if (options.history < 1) refuse("history must be at least 1");
  if (!(options.lower < options.upper)) refuse("the lower limit must be below the upper one");
}

class Search {
 public:
  Search(std::span<float> x, const Objective& objective, const LbfgsOptions& options)
      : x_(x), objective_(objective), options_(options), gradient_(x.size()), direction_(x.size()) {
    for (float& value : x_) value = std::clamp(value, options_.lower, options_.upper);
    result_.value = evaluate(x_, gradient_);
    if (!std::isfinite(result_.value)) throw Error(ErrorKind::failure, "L-BFGS: the value at the start is not finite");
  }

  LbfgsResult run() {
    while (result_.iterations < options_.iterations && largest_free_gradient() > options_.gradient_limit) {
      const double before = result_.value;
      choose_direction();
      if (!step()) {
        if (pairs_.empty()) break;
        pairs_.clear();  // start anew, downhill
        continue;
      }
      ++result_.iterations;
      if (options_.on_iteration && !options_.on_iteration(result_.iterations, result_.value)) break;
      if (before - result_.value <= options_.value_limit * std::abs(before)) break;
    }
    return result_;
  }

 private:
  double evaluate(std::span<const float> at, Vector& gradient) {
    ++result_.evaluations;
    return objective_(at, gradient);
  }

  bool is_held(size_t i) const {
    return (x_[i] <= options_.lower && gradient_[i] > 0) || (x_[i] >= options_.upper && gradient_[i] < 0);
  }

  double largest_free_gradient() const {
    float largest = 0;
    for (size_t i = 0; i < x_.size(); ++i) {
      if (!is_held(i)) largest = std::max(largest, std::abs(gradient_[i]));
    }
    return largest;
  }

  void release_held(Vector& values) const {
    for (size_t i = 0; i < values.size(); ++i) {
      if (is_held(i)) values[i] = 0;
    }
  }

  // -H gradient by the two loops of algorithm 7.4.
  void choose_direction() {
    direction_ = gradient_;
    release_held(direction_);
    std::vector<double> shares(pairs_.size());
    for (size_t k = pairs_.size(); k-- > 0;) {
      shares[k] = dot(pairs_[k].step, direction_) / pairs_[k].curvature;
      add_scaled(-shares[k], pairs_[k].change, direction_);
    }
    const double scale = pairs_.empty() ? 1 / std::max(1e-30, std::sqrt(dot(direction_, direction_)))
                                        : pairs_.back().curvature / dot(pairs_.back().change, pairs_.back().change);
    for (float& value : direction_) value *= static_cast<float>(-scale);
    for (size_t k = 0; k < pairs_.size(); ++k) {
      const double share = dot(pairs_[k].change, direction_) / pairs_[k].curvature;
      add_scaled(-shares[k] - share, pairs_[k].step, direction_);
    }
    release_held(direction_);
    if (dot(direction_, gradient_) < 0) return;
    pairs_.clear();  // the limits spoilt it
    direction_ = gradient_;
    release_held(direction_);
    const double length = std::max(1e-30, std::sqrt(dot(direction_, direction_)));
    for (float& value : direction_) value = static_cast<float>(-value / length);
  }

  // Moves x along the direction; false when no step there lowers the value.
  bool step() {
    constexpr double enough = 1e-4, flat = 0.9;  // of the slope: Armijo's condition, and the curvature condition
    constexpr int trials = 20;
    const double slope = dot(direction_, gradient_);
    double shortest = 0, longest = std::numeric_limits<double>::infinity(), length = 1;
    Vector best, best_gradient, trial(x_.size()), trial_gradient(x_.size());
    double best_value = result_.value;
    for (int i = 0; i < trials; ++i) {
      for (size_t k = 0; k < trial.size(); ++k) {
        trial[k] = std::clamp(x_[k] + static_cast<float>(length) * direction_[k], options_.lower, options_.upper);
      }
      const double value = evaluate(trial, trial_gradient);
      const bool low = std::isfinite(value) && value <= result_.value + enough * length * slope;
      if (low && value < best_value) {
        best = trial;
        best_gradient = trial_gradient;
        best_value = value;
      }
      if (!low) {
        longest = length;
      } else if (dot(trial_gradient, direction_) < flat * slope) {
        shortest = length;
      } else {
        break;
      }
      if (!best.empty() && i >= 4) break;  // good enough: more trials cost more than they bring
      length = std::isfinite(longest) ? (shortest + longest) / 2 : 2 * length;
    }
    if (best.empty()) return false;
    accept(best, best_gradient, best_value);
    return true;
  }

  void accept(const Vector& point, const Vector& gradient, double value) {
    Pair pair{point, gradient, 0};
    add_scaled(-1, x_, pair.step);
    add_scaled(-1, gradient_, pair.change);
    pair.curvature = dot(pair.step, pair.change);
    if (pair.curvature > 1e-10 * dot(pair.change, pair.change)) {
      pairs_.push_back(std::move(pair));
      if (std::ssize(pairs_) > options_.history) pairs_.pop_front();
    }
    std::ranges::copy(point, x_.begin());
    gradient_ = gradient;
    result_.value = value;
  }

  std::span<float> x_;
  const Objective& objective_;
  const LbfgsOptions& options_;
  Vector gradient_, direction_;
  std::deque<Pair> pairs_;
  LbfgsResult result_;
};

}  // namespace

LbfgsResult minimize_lbfgs(std::span<float> x, const Objective& objective, const LbfgsOptions& options) {
  check(x, options);
  return Search(x, objective, options).run();
}

}  // namespace fovea
