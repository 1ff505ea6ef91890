#include "train/optimizers/parameter_optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"
#include "fovea/parallel.h"

namespace fovea {

namespace {

constexpr int64_t piece_size = 1 << 14;  // elements: 64 KB each of parameter, gradient and state stay in L2

}  // namespace

std::vector<ParameterScale> complete_scales(const Model& model, std::span<const ParameterScale> scales) {
  const std::vector<ParameterSpec>& specs = model.graph().parameters();
  std::vector<ParameterScale> all(scales.begin(), scales.end());
  all.resize(specs.size());
  for (size_t i = 0; i < specs.size(); ++i) all[i].trained = all[i].trained && specs[i].trainable;
  return all;
}

ParameterOptimizer::ParameterOptimizer(Model& model, std::span<const ParameterScale> scales,
                                       std::vector<std::string_view> state_names, double weight_decay)
    : model_(model),
      scales_(complete_scales(model, scales)),
      state_names_(std::move(state_names)),
      weight_decay_(weight_decay),
      states_(scales_.size()) {
  for (size_t i = 0; i < scales_.size(); ++i) {
    if (!scales_[i].trained) continue;
    trained_.push_back(i);
    const Shape& shape = model.graph().parameters()[i].shape;
    for (size_t k = 0; k < state_names_.size(); ++k) states_[i].emplace_back(shape);
    for (int64_t begin = 0; begin < shape.elements(); begin += piece_size) {
      places_.push_back({i, begin, std::min(piece_size, shape.elements() - begin)});
    }
  }
}

std::vector<OptimizerTensor> ParameterOptimizer::state() {
  std::vector<OptimizerTensor> tensors;
  for (const size_t i : trained_) {
    for (size_t k = 0; k < state_names_.size(); ++k) {
      tensors.push_back({fmt::format("{}.{}", state_names_[k], model_.graph().parameters()[i].name), &states_[i][k]});
    }
  }
  return tensors;
}

void ParameterOptimizer::for_each_piece(std::span<const std::span<const float>> gradients, double learning_rate,
                                        const std::function<void(const ParameterPiece&)>& body) {
  parallel_for(static_cast<int64_t>(places_.size()), 1, [&](int64_t first, int64_t last) {
    for (int64_t k = first; k < last; ++k) {
      const auto& [i, begin, count] = places_[static_cast<size_t>(k)];
      ParameterPiece piece{.parameter = i,
                           .count = count,
                           .x = model_.parameters()[i].data() + begin,
                           .gradient = gradients[i].data() + begin,
                           .state = {},
                           .rate = learning_rate * scales_[i].rate,
                           .decay = decay(i)};
      for (size_t s = 0; s < states_[i].size(); ++s) piece.state[s] = states_[i][s].data() + begin;
      body(piece);
    }
  });
}

void require_option(bool holds, std::string_view optimizer, const char* what, double value) {
  if (holds && std::isfinite(value)) return;
  throw Error(ErrorKind::usage, fmt::format("{}: {}, got {}", optimizer, what, value));
}

void require_rate(std::string_view optimizer, double lr) {
  require_option(lr > 0, optimizer, "the learning rate must be positive", lr);
}

void require_decay(std::string_view optimizer, double weight_decay) {
  require_option(weight_decay >= 0, optimizer, "weight decay must not be negative", weight_decay);
}

void require_epsilon(std::string_view optimizer, double epsilon) {
  require_option(epsilon > 0, optimizer, "epsilon must be positive", epsilon);
}

void require_average(std::string_view optimizer, const char* name, double factor) {
  require_option(factor >= 0 && factor < 1, optimizer, fmt::format("{} must be in [0, 1)", name).c_str(), factor);
}

}  // namespace fovea
