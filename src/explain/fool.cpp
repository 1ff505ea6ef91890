#include "fovea/fool.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/suggest.h"
#include "explain/attacks.h"
#include "fovea/error.h"
#include "fovea/explain.h"
#include "fovea/metrics.h"

namespace fovea {

namespace {

struct AttackName {
  Attack attack;
  std::string_view name;
};

constexpr std::array<AttackName, 6> names = {{{Attack::fgsm, "fgsm"},
                                              {Attack::iterative, "iterative"},
                                              {Attack::pgd, "pgd"},
                                              {Attack::lbfgs, "lbfgs"},
                                              {Attack::linear, "linear"},
                                              {Attack::pixels, "pixels"}}};

void check(const FoolOptions& options) {
  const auto refuse = [](const char* what, auto got) {
    throw Error(ErrorKind::usage, fmt::format("fooling: {}, got {}", what, got));
  };
  if (!(options.epsilon > 0 && options.epsilon <= 1)) refuse("epsilon must be above 0 and at most 1", options.epsilon);
  if (options.steps < 1) refuse("steps must be at least 1", options.steps);
  if (!(options.step >= 0 && options.step <= 1)) refuse("a step must be between 0 and 1", options.step);
  if (options.pixels < 1 || options.pixels > 1024) refuse("pixels must be 1 to 1024", options.pixels);
  if (options.population < 4 || options.population > 4096) refuse("a population must be 4 to 4096", options.population);
}

int64_t best_but(std::span<const float> logits, int64_t label) {
  int64_t best = -1;
  for (int64_t k = 0; k < std::ssize(logits); ++k) {
    if (k != label && (best < 0 || logits[static_cast<size_t>(k)] > logits[static_cast<size_t>(best)])) best = k;
  }
  return best;
}

void measure(Fooling& result) {
  double squares = 0;
  for (size_t i = 0; i < result.original.pixels.size(); ++i) {
    const double change = (static_cast<double>(result.picture.pixels[i]) - result.original.pixels[i]) / 255;
    result.largest = std::max(result.largest, std::abs(change));
    result.changed += static_cast<int64_t>(change != 0);
    squares += change * change;
  }
  result.length = std::sqrt(squares);
}

Image run(Struggle& struggle, Model& model) {
  switch (struggle.options.attack) {
    case Attack::fgsm:
      return attack_fgsm(struggle);
    case Attack::iterative:
      return attack_in_steps(struggle, false);
    case Attack::pgd:
      return attack_in_steps(struggle, true);
    case Attack::lbfgs:
      return attack_lbfgs(struggle);
    case Attack::linear:
      return attack_linear(struggle);
    case Attack::pixels:
      return attack_pixels(struggle, model);
  }
  return {};
}

}  // namespace

std::vector<std::string> attack_names() {
  std::vector<std::string> list;
  for (const AttackName& entry : names) list.emplace_back(entry.name);
  return list;
}

Attack attack_from_name(std::string_view name) {
  for (const AttackName& entry : names) {
    if (entry.name == name) return entry.attack;
  }
  throw Error(ErrorKind::usage, fmt::format("unknown attack '{}'{}; there are {}", name,
                                            did_you_mean(name, attack_names()), fmt::join(attack_names(), ", ")));
}

std::string_view name_of(Attack attack) { return std::ranges::find(names, attack, &AttackName::attack)->name; }

int levels_within(double epsilon) {
  const int levels = static_cast<int>(std::floor(epsilon * 255 + 1e-6));
  if (levels >= 1) return levels;
  throw Error(ErrorKind::usage,
              fmt::format("epsilon {} is less than one level of an 8-bit picture, 1/255: nothing can change", epsilon));
}

bool Struggle::is_success(std::span<const float> logits) const {
  const int64_t guess = predicted_class(logits);
  return options.target ? guess == *options.target : guess != label;
}

bool Struggle::fools(const Image& picture) {
  ++evaluations;
  return is_success(network.logits(network.space().pixels(picture)));
}

double Struggle::attacker_loss(std::span<const float> at, std::span<float> gradient, bool& success) {
  ++evaluations;
  const std::span<const float> logits = network.logits(at);
  success = is_success(logits);
  const int64_t wanted = options.target.value_or(label);
  const float sign = options.target ? 1.0F : -1.0F;
  const double loss = cross_entropy_of(logits, wanted);
  std::vector<float> weights;
  for (const double probability : explain::softmax(logits)) weights.push_back(sign * static_cast<float>(probability));
  weights[static_cast<size_t>(wanted)] -= sign;
  network.gradient(weights, gradient);
  return static_cast<double>(sign) * loss;
}

Image Struggle::rounded(std::span<const float> at, int limit) const {
  Image image = network.space().image(at);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    const int own = original.pixels[i];
    image.pixels[i] = static_cast<uint8_t>(std::clamp<int>(image.pixels[i], own - limit, own + limit));
  }
  return image;
}

struct Fooler::State {
  explicit State(Model& m) : model(m), network(m) {}
  Model& model;
  PictureClassifier network;
};

Fooler::Fooler(Model& model) : state_(std::make_unique<State>(model)) {}
Fooler::~Fooler() = default;
Fooler::Fooler(Fooler&&) noexcept = default;
Fooler& Fooler::operator=(Fooler&&) noexcept = default;

Fooling Fooler::operator()(const Image& image, const FoolOptions& options, std::optional<int64_t> label) {
  check(options);
  PictureClassifier& network = state_->network;
  if (options.target) network.check_class(*options.target);
  if (label) network.check_class(*label);
  if (network.classes() < 2) throw Error(ErrorKind::usage, "a network of one class cannot be fooled");

  Struggle struggle{.network = network, .options = options, .original = network.space().fit(image)};
  struggle.pixels = network.space().pixels(struggle.original);
  const std::span<const float> logits = network.logits(struggle.pixels);
  ++struggle.evaluations;
  Fooling result;
  result.original = struggle.original;
  result.guess_before = predicted_class(logits);
  result.confidence_before = explain::softmax(logits)[static_cast<size_t>(result.guess_before)];
  result.label = struggle.label = label.value_or(result.guess_before);
  struggle.rival = options.target.value_or(best_but(logits, struggle.label));
  result.picture = struggle.is_success(logits) ? struggle.original : run(struggle, state_->model);

  const std::span<const float> after = network.logits(network.space().pixels(result.picture));
  result.guess = predicted_class(after);
  result.confidence = explain::softmax(after)[static_cast<size_t>(result.guess)];
  result.success = struggle.is_success(after);
  result.evaluations = struggle.evaluations;
  measure(result);
  return result;
}

}  // namespace fovea
