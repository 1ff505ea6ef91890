// Attacks without gradients: differential evolution of a few pixels, evolution of whole pictures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "explain/attacks.h"
#include "explain/picture_input.h"
#include "fovea/error.h"
#include "fovea/explain.h"
#include "fovea/metrics.h"
#include "fovea/random.h"

namespace fovea {

BatchJudge::BatchJudge(Model& model, int64_t batch)
    : space_(model.preprocessing),
      input_(picture_input(model)),
      logits_(logits_name(model)),
      batch_(batch),
      session_(model, {.batch = batch, .keep = {logits_}}) {}

void BatchJudge::set(int64_t i, std::span<const float> pixels) {
  const std::span<float> input = session_.input(input_);
  const size_t size = input.size() / static_cast<size_t>(batch_);
  space_.to_input(pixels, input.subspan(static_cast<size_t>(i) * size, size));
}

std::span<const float> BatchJudge::logits() {
  session_.forward();
  return session_.activation(logits_);
}

std::vector<double> BatchJudge::probabilities(int64_t label) {
  const std::span<const float> all = logits();
  const size_t classes = all.size() / static_cast<size_t>(batch_);
  std::vector<double> result;
  for (size_t i = 0; i < all.size(); i += classes) {
    result.push_back(explain::softmax(all.subspan(i, classes))[static_cast<size_t>(label)]);
  }
  return result;
}

namespace {

// Some pixels with their colours: numbers in [0, 1), {row, column, samples...} of each.
using Genes = std::vector<float>;

class PixelSwarm {
 public:
  PixelSwarm(Struggle& struggle, Model& model)
      : struggle_(struggle),
        size_(struggle.options.population),
        genes_(static_cast<size_t>(struggle.options.pixels * (2 + struggle.original.channels))),
        judge_(model, size_) {}

  Image run() {
    const Random random(struggle_.options.seed, 1);
    for (int64_t i = 0; i < size_; ++i) {
      Genes genes(genes_);
      for (size_t g = 0; g < genes_; ++g) genes[g] = random.uniform(static_cast<uint64_t>(i) * genes_ + g);
      swarm_.push_back(std::move(genes));
    }
    scores_ = judge(swarm_);
    for (int64_t generation = 0; generation < struggle_.options.steps; ++generation) {
      Image best = picture_of(swarm_[leader()]);
      if (struggle_.fools(best)) return best;
      next_generation(random.substream(static_cast<uint64_t>(generation)));
    }
    return picture_of(swarm_[leader()]);
  }

 private:
  size_t leader() const { return static_cast<size_t>(std::ranges::max_element(scores_) - scores_.begin()); }

  // Each child is a + (b - c) / 2 of three random members, and takes its parent's place when it is better.
  void next_generation(const Random& random) {
    std::vector<Genes> children;
    for (uint64_t i = 0; i < static_cast<uint64_t>(size_); ++i) {
      const auto member = [&](uint64_t which) -> const Genes& {
        return swarm_[random.below(3 * i + which, static_cast<uint64_t>(size_))];
      };
      Genes child = member(0);
      for (size_t g = 0; g < genes_; ++g) {
        child[g] = std::clamp(child[g] + 0.5F * (member(1)[g] - member(2)[g]), 0.0F, 0.999999F);
      }
      children.push_back(std::move(child));
    }
    const std::vector<double> scores = judge(children);
    for (size_t i = 0; i < swarm_.size(); ++i) {
      if (scores[i] <= scores_[i]) continue;
      swarm_[i] = std::move(children[i]);
      scores_[i] = scores[i];
    }
  }

  std::vector<double> judge(const std::vector<Genes>& swarm) {
    for (size_t i = 0; i < swarm.size(); ++i) {
      judge_.set(static_cast<int64_t>(i), judge_.space().pixels(picture_of(swarm[i])));
    }
    struggle_.evaluations += size_;
    const bool targeted = struggle_.options.target.has_value();
    std::vector<double> scores = judge_.probabilities(targeted ? *struggle_.options.target : struggle_.label);
    if (!targeted) std::ranges::for_each(scores, [](double& score) { score = -score; });
    return scores;
  }

  Image picture_of(const Genes& genes) const {
    Image image = struggle_.original;
    const auto channels = static_cast<size_t>(image.channels);
    for (size_t g = 0; g < genes.size(); g += 2 + channels) {
      const auto row = static_cast<size_t>(genes[g] * static_cast<float>(image.height));
      const auto column = static_cast<size_t>(genes[g + 1] * static_cast<float>(image.width));
      const size_t at = (row * static_cast<size_t>(image.width) + column) * channels;
      for (size_t c = 0; c < channels; ++c) {
        image.pixels[at + c] = static_cast<uint8_t>(std::lround(255.0F * genes[g + 2 + c]));
      }
    }
    return image;
  }

  Struggle& struggle_;
  int64_t size_;
  size_t genes_;
  BatchJudge judge_;
  std::vector<Genes> swarm_;
  std::vector<double> scores_;
};

}  // namespace

Image attack_pixels(Struggle& struggle, Model& model) { return PixelSwarm(struggle, model).run(); }

Evolved evolve_fooling_image(Model& model, const EvolutionOptions& options) {
  if (options.generations < 1 || options.offspring < 1 || options.offspring > 4096) {
    throw Error(ErrorKind::usage,
                fmt::format("evolution: at least 1 generation, and 1 to 4096 offspring, got {} and {}",
                            options.generations, options.offspring));
  }
  if (!(options.mutation_rate > 0 && options.mutation_rate <= 1)) {
    throw Error(ErrorKind::usage,
                fmt::format("evolution: the mutation rate must be above 0, at most 1, got {}", options.mutation_rate));
  }
  PictureClassifier(model).check_class(options.target);
  BatchJudge judge(model, options.offspring);
  const PictureSpace& space = judge.space();
  const Random random(options.seed);
  std::vector<float> parent(static_cast<size_t>(space.shape().elements()));
  for (size_t i = 0; i < parent.size(); ++i) parent[i] = random.uniform(i);
  Evolved result{.picture = space.image(parent)};

  for (; result.generations < options.generations && result.confidence < options.confidence; ++result.generations) {
    const Random draw = random.substream(static_cast<uint64_t>(result.generations) + 1);
    const int64_t halvings = 3 * result.generations / options.generations;
    const auto rate = static_cast<float>(std::ldexp(options.mutation_rate, -static_cast<int>(halvings)));
    std::vector<Image> children;
    for (int64_t child = 0; child < options.offspring; ++child) {
      std::vector<float> x = space.pixels(result.picture);
      const Random own = draw.substream(static_cast<uint64_t>(child));
      const Random size = own.substream(1);
      for (size_t i = 0; i < x.size(); ++i) {
        if (own.uniform(i) < rate) x[i] += 0.25F * size.normal(i);
      }
      children.push_back(space.image(x));
      judge.set(child, space.pixels(children.back()));
    }
    const std::vector<double> confidences = judge.probabilities(options.target);
    const auto best = std::ranges::max_element(confidences);
    if (*best < result.confidence) continue;
    result.confidence = *best;
    result.picture = std::move(children[static_cast<size_t>(best - confidences.begin())]);
  }
  return result;
}

}  // namespace fovea
