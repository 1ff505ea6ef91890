#include "train/optimizer_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>

#include "core/suggest.h"
#include "fovea/error.h"
#include "train/optimizers/parameter_optimizer.h"

namespace fovea {

namespace {

// In the order of OptimizerOptions.
constexpr std::array<const char*, std::variant_size_v<OptimizerOptions>> names = {
    "sgd", "rmsprop", "adagrad", "adam", "adamw", "lion", "lamb", "muon"};

template <size_t... I>
std::array<OptimizerOptions, sizeof...(I)> all_defaults(std::index_sequence<I...> /*indices*/) {
  return {OptimizerOptions(std::in_place_index<I>)...};
}

OptionFields fields(Sgd& o) {
  return {{"lr", &o.lr},
          {"momentum", &o.momentum},
          {"weight_decay", &o.weight_decay},
          {"nesterov", &o.nesterov},
          {"max_norm", &o.max_norm}};
}
OptionFields fields(RmsProp& o) {
  return {{"lr", &o.lr},
          {"alpha", &o.alpha},
          {"epsilon", &o.epsilon},
          {"momentum", &o.momentum},
          {"weight_decay", &o.weight_decay},
          {"centered", &o.centered}};
}
OptionFields fields(Adagrad& o) {
  return {{"lr", &o.lr}, {"lr_decay", &o.lr_decay}, {"epsilon", &o.epsilon}, {"weight_decay", &o.weight_decay}};
}
template <class AdamOrAdamW>
OptionFields adam_fields(AdamOrAdamW& o) {
  return {{"lr", &o.lr},           {"beta1", &o.beta1},     {"beta2", &o.beta2},
          {"epsilon", &o.epsilon}, {"amsgrad", &o.amsgrad}, {"weight_decay", &o.weight_decay}};
}
OptionFields fields(Adam& o) { return adam_fields(o); }
OptionFields fields(AdamW& o) { return adam_fields(o); }
OptionFields fields(Lion& o) {
  return {{"lr", &o.lr}, {"beta1", &o.beta1}, {"beta2", &o.beta2}, {"weight_decay", &o.weight_decay}};
}
OptionFields fields(Lamb& o) {
  return {{"lr", &o.lr},
          {"beta1", &o.beta1},
          {"beta2", &o.beta2},
          {"epsilon", &o.epsilon},
          {"weight_decay", &o.weight_decay}};
}
OptionFields fields(Muon& o) {
  return {
      {"lr", &o.lr},           {"momentum", &o.momentum}, {"nesterov", &o.nesterov}, {"weight_decay", &o.weight_decay},
      {"adam_lr", &o.adam_lr}, {"beta1", &o.beta1},       {"beta2", &o.beta2},       {"epsilon", &o.epsilon}};
}

}  // namespace

OptionFields fields_of(OptimizerOptions& options) {
  return std::visit([](auto& o) { return fields(o); }, options);
}

OptimizerOptions default_optimizer(const std::string& name) {
  for (OptimizerOptions& options : all_defaults(std::make_index_sequence<std::variant_size_v<OptimizerOptions>>())) {
    if (names[options.index()] == name) return options;
  }
  throw Error(ErrorKind::usage, fmt::format("unknown optimizer '{}'{}; there are {}", name,
                                            did_you_mean(name, optimizer_names()), fmt::join(names, ", ")));
}

std::vector<std::string> optimizer_names() { return {names.begin(), names.end()}; }

std::string optimizer_name(const OptimizerOptions& options) { return names[options.index()]; }

double& learning_rate(OptimizerOptions& options) {
  return std::visit([](auto& o) -> double& { return o.lr; }, options);
}
double learning_rate(const OptimizerOptions& options) {
  return std::visit([](const auto& o) { return o.lr; }, options);
}

OptimizerOptions parse_optimizer(const std::string& text) {
  const OptionText words = split_option_text(text);
  OptimizerOptions options = default_optimizer(words.name);
  read_option_words(words, fields_of(options), "optimizer");
  return options;
}

std::string to_text(const OptimizerOptions& options) {
  OptimizerOptions copy = options;
  OptimizerOptions defaults = default_optimizer(optimizer_name(options));
  return option_text(optimizer_name(options), fields_of(copy), fields_of(defaults));
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, Model& model,
                                          std::span<const ParameterScale> scales, const Lookahead& lookahead) {
  struct Maker {
    Model& model;
    std::span<const ParameterScale> scales;
    auto operator()(const Sgd& o) const { return make_sgd(o, model, scales); }
    auto operator()(const RmsProp& o) const { return make_rmsprop(o, model, scales); }
    auto operator()(const Adagrad& o) const { return make_adagrad(o, model, scales); }
    auto operator()(const Adam& o) const { return make_adam(o, model, scales); }
    auto operator()(const AdamW& o) const { return make_adamw(o, model, scales); }
    auto operator()(const Lion& o) const { return make_lion(o, model, scales); }
    auto operator()(const Lamb& o) const { return make_lamb(o, model, scales); }
    auto operator()(const Muon& o) const { return make_muon(o, model, scales); }
  };
  std::unique_ptr<Optimizer> optimizer = std::visit(Maker{model, scales}, options);
  if (lookahead.every == 0) return optimizer;
  return make_lookahead(std::move(optimizer), lookahead, model, scales);
}

}  // namespace fovea
