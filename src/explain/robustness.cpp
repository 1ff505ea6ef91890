// Fooling a whole data set: accuracy against epsilon, and one change for all pictures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "explain/attacks.h"
#include "fovea/error.h"
#include "fovea/fool.h"
#include "fovea/metrics.h"
#include "fovea/random.h"

namespace fovea {

namespace {

void check_dataset(const PictureClassifier& network, const Dataset& dataset) {
  if (dataset.size() == 0) throw Error(ErrorKind::usage, fmt::format("{}: no pictures", dataset.describe()));
  const auto classes = std::ssize(dataset.class_names());
  if (classes == network.classes()) return;
  throw Error(ErrorKind::usage, fmt::format("the data set has {} classes, the network {}", classes, network.classes()));
}

void check_epsilons(const std::vector<double>& epsilons) {
  double last = 0;
  for (const double epsilon : epsilons) {
    if (!(epsilon > last && epsilon <= 1)) {
      throw Error(ErrorKind::usage,
                  fmt::format("epsilons must ascend from above 0 to at most 1, got {} after {}", epsilon, last));
    }
    levels_within(epsilon);
    last = epsilon;
  }
}

}  // namespace

std::vector<Robustness> measure_robustness(Model& model, const Dataset& dataset, FoolOptions options,
                                           const std::vector<double>& epsilons) {
  if (options.attack != Attack::fgsm && options.attack != Attack::iterative && options.attack != Attack::pgd) {
    throw Error(ErrorKind::usage, fmt::format("epsilon does not limit the attack '{}': measure with fgsm, iterative or "
                                              "pgd",
                                              name_of(options.attack)));
  }
  check_epsilons(epsilons);
  check_dataset(PictureClassifier(model), dataset);
  Fooler fooler(model);
  std::vector<int64_t> standing(epsilons.size() + 1);
  Image image;
  for (int64_t item = 0; item < dataset.size(); ++item) {
    dataset.read(item, image);
    for (size_t i = 0; i < epsilons.size(); ++i) {
      options.epsilon = epsilons[i];
      const Fooling result = fooler(image, options, dataset.label(item));
      if (result.guess_before != result.label) break;
      standing[0] += static_cast<int64_t>(i == 0);
      if (result.success) break;
      ++standing[i + 1];
    }
  }
  std::vector<Robustness> curve;
  for (size_t i = 0; i < standing.size(); ++i) {
    curve.push_back(
        {i == 0 ? 0 : epsilons[i - 1], static_cast<double>(standing[i]) / static_cast<double>(dataset.size())});
  }
  return curve;
}

Universal universal_perturbation(Model& model, const Dataset& dataset, const UniversalOptions& options) {
  if (!(options.epsilon > 0 && options.epsilon <= 1) || options.epochs < 1 || !(options.step >= 0)) {
    throw Error(ErrorKind::usage, "a universal change needs 0 < epsilon <= 1, epochs >= 1, step >= 0");
  }
  const int limit = levels_within(options.epsilon);
  const auto epsilon = static_cast<float>(options.epsilon);
  const float step = options.step > 0 ? static_cast<float>(options.step) : epsilon / 10;
  PictureClassifier network(model);
  if (dataset.size() == 0) throw Error(ErrorKind::usage, fmt::format("{}: no pictures", dataset.describe()));
  Tensor change(network.space().shape());
  std::vector<float> x(static_cast<size_t>(change.size()));
  std::vector<float> gradient(x.size());
  Image image;
  for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    std::vector<int64_t> order;
    for (int64_t item = 0; item < dataset.size(); ++item) order.push_back(item);
    shuffle(order, Random(options.seed, static_cast<uint64_t>(epoch)));
    for (const int64_t item : order) {
      dataset.read(item, image);
      x = network.space().pixels(image);
      const int64_t own = predicted_class(network.logits(x));
      for (size_t i = 0; i < x.size(); ++i) x[i] = std::clamp(x[i] + change.data()[i], 0.0F, 1.0F);
      // Pictures that are fooled already have no say.
      if (predicted_class(network.logits(x)) != own) continue;
      network.loss(x, own, gradient);
      for (size_t i = 0; i < x.size(); ++i) {
        const auto direction = static_cast<float>((gradient[i] > 0) - (gradient[i] < 0));
        change.data()[i] = std::clamp(change.data()[i] + step * direction, -epsilon, epsilon);
      }
    }
  }
  for (float& value : change.values()) {
    value = std::clamp(std::round(value * 255), static_cast<float>(-limit), static_cast<float>(limit)) / 255;
  }
  int64_t fooled = 0;
  for (int64_t item = 0; item < dataset.size(); ++item) {
    dataset.read(item, image);
    fooled += static_cast<int64_t>(network.guess(image) != network.guess(perturbed(model, image, change)));
  }
  return {std::move(change), static_cast<double>(fooled) / static_cast<double>(dataset.size())};
}

Image perturbed(const Model& model, const Image& image, const Tensor& change) {
  const PictureSpace space(model.preprocessing);
  if (change.shape() != space.shape()) {
    throw Error(ErrorKind::usage, fmt::format("a change of {} does not fit the network's pictures of {}",
                                              to_string(change.shape()), to_string(space.shape())));
  }
  std::vector<float> x = space.pixels(image);
  for (size_t i = 0; i < x.size(); ++i) x[i] += change.data()[i];
  return space.image(x);
}

}  // namespace fovea
