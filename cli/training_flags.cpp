#include "training_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "command_line.h"
#include "fovea/error.h"
#include "words.h"

namespace fovea::cli {

namespace {

constexpr const char* group = "Optimisation";

// --flag NUMBER without a default: empty until it is given.
Option add_optional_number(CLI::App& command, const std::string& flag, std::string& value,
                           const std::string& description) {
  return add_option(command, flag, value, description).check(check_number<double>).type_name("FLOAT").group(group);
}

// "10x" or "10".
double read_factor(const std::string& flag, const std::string& text) {
  double factor = 0;
  const char* const end = text.data() + text.size() - (text.ends_with('x') ? 1 : 0);
  const auto [rest, error] = std::from_chars(text.data(), end, factor);
  if (error == std::errc() && rest == end) return factor;
  throw Error(ErrorKind::usage, fmt::format("{} must be a factor such as 10x or 0.1, got '{}'", flag, text));
}

// "features.* 0.1, classifier.* 10x"
std::vector<LayerRate> read_layer_rates(const std::string& text) {
  std::vector<LayerRate> rates;
  for (const std::string& item : comma_separated(text)) {
    const size_t space = item.find_last_of(' ');
    if (space == std::string::npos) {
      throw Error(ErrorKind::usage,
                  fmt::format("--layer-rates must be patterns and factors such as 'features.* 0.1', got '{}'", item));
    }
    rates.push_back({item.substr(0, item.find(' ')), read_factor("--layer-rates", item.substr(space + 1))});
  }
  return rates;
}

}  // namespace

void TrainingFlags::add(CLI::App& command) {
  add_number(command, "--epochs", fit_.epochs, "passes over the training pictures").group(group);
  add_number(command, "--batch", fit_.batch, "pictures per step").group(group);
  add_optimizer(command);
  add_choice<Loss::Kind>(command, "--loss", fit_.loss.kind,
                         {{"cross-entropy", Loss::Kind::cross_entropy}, {"hinge", Loss::Kind::hinge}},
                         "what is minimised")
      .group(group);
  add_number(command, "--label-smoothing", fit_.loss.label_smoothing,
             "share of the target that all classes have in common, 0 to 1")
      .group(group);
  add_schedule(command);
  add_rules(command);
  add_judging(command);
  add_number(command, "--seed", fit_.seed, "of weights, order and dropout").group(group);
}

void TrainingFlags::add_optimizer(CLI::App& command) {
  add_option(command, "--optimizer", optimizer_,
             fmt::format("{}; options follow the name: \"adamw beta2 0.95\"", fmt::join(optimizer_names(), ", ")))
      .type_name("TEXT")
      .show_default()
      .group(group);
  add_optional_number(command, "--lr", lr_,
                      "learning rate; default: the optimizer's, that of a named network with SGD (lenet5: 0.05)");
  add_optional_number(command, "--momentum", momentum_, "of the optimizer, at least 0 and below 1; SGD's default: 0.9");
  add_flag(command, "--nesterov", nesterov_, "Nesterov's momentum").group(group);
  add_optional_number(command, "--weight-decay", weight_decay_, "of the optimizer: L2 penalty, or decoupled");
  add_optional_number(command, "--max-norm", max_norm_, "of SGD: largest norm of a filter's weights");
  add_number(command, "--accumulate", fit_.accumulate, "batches whose gradients make one step").group(group);
  add_number(command, "--clip-norm", fit_.clip_norm, "largest norm of all gradients together; 0: no limit")
      .group(group);
  add_number(command, "--clip-value", fit_.clip_value, "largest size of each gradient; 0: no limit").group(group);
  add_number(command, "--lookahead", fit_.lookahead.every, "updates between two looks (5 is usual); 0: none")
      .group(group);
  add_number(command, "--ema", fit_.ema, "decay of moving averages of the weights (0.999 is usual); 0: none")
      .group(group);
}

void TrainingFlags::add_schedule(CLI::App& command) {
  add_option(command, "--schedule", schedule_,
             fmt::format("course of the learning rate: {}; options follow the name: \"one-cycle peak 0.2\", "
                         "\"multi-step at 30,60 gamma 0.1\", \"cosine warmup 5\"",
                         fmt::join(schedule_names(), ", ")))
      .type_name("TEXT")
      .show_default()
      .group(group);
  add_optional_number(command, "--step-every", step_every_, "epochs between two steps of --schedule step; default: 10");
  add_optional_number(command, "--gamma", gamma_, "factor of each step of --schedule step; default: 0.1");
  add_optional_number(command, "--warmup", warmup_, "epochs in which the rate rises from zero; default: 0");
}

void TrainingFlags::add_rules(CLI::App& command) {
  add_option(command, "--freeze", freeze_,
             "parameters that are not trained, by patterns: \"features.*, conv1.weight\"; frozen batch norms keep "
             "their running statistics")
      .type_name("PATTERNS")
      .group(group);
  add_option(command, "--layer-rates", layer_rates_,
             "factors of the learning rate for some parameters: \"features.* 0.1, classifier.* 10\"")
      .type_name("LIST")
      .group(group);
  add_option(command, "--head-lr", head_lr_, "factor of the learning rate of the classifier: 10x")
      .type_name("FACTOR")
      .group(group);
  add_choice<bool>(command, "--decay", fit_.rules.decay_weights_only, {{"all", false}, {"weights", true}},
                   "what weight decay is for: all parameters, or weights without biases and batch norms")
      .group(group);
}

void TrainingFlags::add_judging(CLI::App& command) {
  add_choice<Metric>(command, "--best-by", fit_.best_by,
                     {{"top1", Metric::top1}, {"top5", Metric::top5}, {"loss", Metric::loss}},
                     "what the best epoch is chosen by")
      .group("Run");
  add_number(command, "--patience", fit_.patience, "epochs without a better one after which to stop; 0: never")
      .group("Run");
  add_number(command, "--checkpoint-every", fit_.checkpoint_every,
             "epochs between checkpoints that are kept, epoch-0010.safetensors; 0: none")
      .group("Run");
  add_number(command, "--keep-checkpoints", fit_.keep_checkpoints, "as many of these, the latest; 0: all").group("Run");
  add_number(command, "--save-every", fit_.save_every, "seconds between checkpoints within an epoch").group("Run");
  add_number(command, "--workers", fit_.workers, "background threads that read pictures; 0: none").group("Data");
}

std::string TrainingFlags::optimizer_text() const {
  std::string text = optimizer_;
  const auto add = [&](const char* word, const std::string& value) {
    if (!value.empty()) text += fmt::format(" {} {}", word, value);
  };
  add("lr", lr_);
  add("momentum", momentum_);
  add("weight-decay", weight_decay_);
  add("max-norm", max_norm_);
  return nesterov_ ? text + " nesterov" : text;
}

bool TrainingFlags::has_learning_rate() const {
  return !lr_.empty() || (" " + optimizer_ + " ").find(" lr ") != std::string::npos || !optimizer_.starts_with("sgd");
}

double TrainingFlags::head_factor() const { return head_lr_.empty() ? 1 : read_factor("--head-lr", head_lr_); }

FitOptions TrainingFlags::options() const {
  FitOptions fit = fit_;
  fit.optimizer = parse_optimizer(optimizer_text());
  std::string schedule = schedule_;
  if (!step_every_.empty()) schedule += " every " + step_every_;
  if (!gamma_.empty()) schedule += " gamma " + gamma_;
  if (!warmup_.empty()) schedule += " warmup " + warmup_;
  fit.schedule = parse_schedule(schedule);
  fit.rules.frozen = comma_separated(freeze_);
  fit.rules.rates = read_layer_rates(layer_rates_);
  return fit;
}

}  // namespace fovea::cli
