// Attacks along gradients: fast gradient sign, its iterations, L-BFGS, the straight line.
#include <algorithm>
#include <cmath>
#include <vector>

#include "explain/attacks.h"
#include "fovea/lbfgs.h"
#include "fovea/random.h"

namespace fovea {

namespace {

float sign(float x) { return static_cast<float>((x > 0) - (x < 0)); }

std::vector<float> start_within(const Struggle& struggle, float epsilon, uint64_t stream) {
  const Random random(struggle.options.seed, stream);
  std::vector<float> x = struggle.pixels;
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = std::clamp(x[i] + epsilon * (2 * random.uniform(i) - 1), 0.0F, 1.0F);
  }
  return x;
}

}  // namespace

Image attack_fgsm(Struggle& struggle) {
  const int limit = levels_within(struggle.options.epsilon);
  std::vector<float> gradient(struggle.pixels.size());
  bool success = false;
  struggle.attacker_loss(struggle.pixels, gradient, success);
  Image picture;
  for (int levels = 1; levels <= limit; ++levels) {
    std::vector<float> x = struggle.pixels;
    for (size_t i = 0; i < x.size(); ++i) x[i] -= static_cast<float>(levels) / 255.0F * sign(gradient[i]);
    picture = struggle.rounded(x);
    if (struggle.fools(picture)) break;
  }
  return picture;
}

Image attack_in_steps(Struggle& struggle, bool random_start) {
  const FoolOptions& options = struggle.options;
  const int limit = levels_within(options.epsilon);
  const auto epsilon = static_cast<float>(options.epsilon);
  const float length = options.step > 0 ? static_cast<float>(options.step) : epsilon / 4;
  const int64_t restart = random_start ? (options.steps + 1) / 2 : options.steps;
  std::vector<float> x = struggle.pixels;
  std::vector<float> gradient(x.size());
  Image picture = struggle.original;
  for (int64_t step = 0; step <= options.steps; ++step) {
    if (random_start && step % restart == 0 && step < options.steps) {
      x = start_within(struggle, epsilon, static_cast<uint64_t>(step));
    }
    bool success = false;
    struggle.attacker_loss(x, gradient, success);
    if (success || step == options.steps) {
      picture = struggle.rounded(x, limit);
      if (success && struggle.fools(picture)) break;
    }
    for (size_t i = 0; i < x.size(); ++i) {
      const float own = struggle.pixels[i];
      x[i] = std::clamp(x[i] - length * sign(gradient[i]), own - epsilon, own + epsilon);
      x[i] = std::clamp(x[i], 0.0F, 1.0F);
    }
  }
  return picture;
}

Image attack_lbfgs(Struggle& struggle) {
  constexpr double first = 0.1, last = 1e6, growth = 10;  // weights w of the loss
  constexpr int bisections = 4;
  const std::vector<float>& original = struggle.pixels;
  PictureClassifier& network = struggle.network;
  const auto descend = [&](std::vector<float>& x, double weight) {
    const Objective objective = [&](std::span<const float> at, std::span<float> gradient) {
      ++struggle.evaluations;
      double value = weight * network.loss(at, struggle.rival, gradient);
      for (size_t i = 0; i < at.size(); ++i) {
        const float r = at[i] - original[i];
        gradient[i] = static_cast<float>(weight) * gradient[i] + 2 * r;
        value += static_cast<double>(r) * r;
      }
      return value;
    };
    minimize_lbfgs(x, objective, {.iterations = struggle.options.steps, .value_limit = 1e-4, .lower = 0, .upper = 1});
    return struggle.rounded(x);
  };
  // The smallest weight that does it lies between one that fails and ten times that, then in ever less.
  std::vector<float> x = original;
  Image picture;
  double weight = first;
  bool done = false;
  for (; weight <= last && !done; weight *= growth) done = struggle.fools(picture = descend(x, weight));
  if (!done) return picture;
  double succeeds = weight / growth, fails = succeeds / growth;
  for (int i = 0; i < bisections; ++i) {
    const double middle = std::sqrt(succeeds * fails);
    std::vector<float> trial = original;
    Image candidate = descend(trial, middle);
    if (struggle.fools(candidate)) {
      succeeds = middle;
      picture = std::move(candidate);
    } else {
      fails = middle;
    }
  }
  return picture;
}

Image attack_linear(Struggle& struggle) {
  PictureClassifier& network = struggle.network;
  std::vector<float> gradient(struggle.pixels.size());
  network.logits(struggle.pixels);
  ++struggle.evaluations;
  std::vector<float> weights(static_cast<size_t>(network.classes()));
  weights[static_cast<size_t>(struggle.rival)] = 1;
  weights[static_cast<size_t>(struggle.label)] -= 1;
  network.gradient(weights, gradient);
  double squares = 0;
  for (const float g : gradient) squares += static_cast<double>(g) * g;
  if (squares == 0) return struggle.original;

  const auto at = [&](double distance) {
    std::vector<float> x = struggle.pixels;
    const auto scale = static_cast<float>(distance / std::sqrt(squares));
    for (size_t i = 0; i < x.size(); ++i) x[i] += scale * gradient[i];
    return struggle.rounded(x);
  };
  // Doubles the distance until it does it, then halves the gap to the last that did not.
  double fails = 0, distance = 1.0 / 64;
  const double longest = 2 * std::sqrt(static_cast<double>(gradient.size()));
  while (distance < longest && !struggle.fools(at(distance))) {
    fails = distance;
    distance *= 2;
  }
  if (distance >= longest) return at(longest);
  for (int i = 0; i < 6; ++i) {
    const double middle = (fails + distance) / 2;
    (struggle.fools(at(middle)) ? distance : fails) = middle;
  }
  return at(distance);
}

}  // namespace fovea
