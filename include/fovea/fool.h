#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fovea/data.h"
#include "fovea/image.h"
#include "fovea/model.h"
#include "fovea/tensor.h"

// Pictures that fool a classifier: adversarial examples, which a person takes for the picture they were made from, and
// fooling images, in which a person sees nothing at all.
// Everything happens in the pixels of the network's input, {H, W, C} samples in [0, 1]: the size the preprocessing
// resizes to, without its padding. Results are 8-bit pictures of that size, and all that is told of them (guesses,
// distances) is true of the 8-bit picture, shown to the network as any picture.
// The network must have one input, which model.preprocessing fills, and an output {1, classes}: Error(format).
namespace fovea {

// x: the picture, y: its class, L: the cross-entropy, g: its gradient by x; everything is cut to [0, 1]. With a target
// class t, L(y) is replaced by -L(t).
enum class Attack {
  // x + e sign(g), e the fewest 8-bit levels up to epsilon that do it (Goodfellow et al. 2015, eq. in section 4).
  fgsm,
  // Steps of the same kind from x, each cut to within epsilon of x (Kurakin et al. 2017, section 2.2).
  iterative,
  // The same from a random point within epsilon (Madry et al. 2018, section 2.1); after half of the steps without
  // success another point.
  pgd,
  // The r of least |r|^2 + w L(x + r, t), 0 <= x + r <= 1, by L-BFGS, for the smallest w that does it (Szegedy et al.
  // 2014, section 4.1). epsilon does not limit it. Without a target, t is the class with the next best score.
  lbfgs,
  // x + d along the gradient of score t minus score y, for the shortest d that does it. The gradient of a linear
  // classifier is the difference of two rows of its weights, its templates (Karpathy 2015, "Breaking linear classifiers
  // on ImageNet"). epsilon does not limit it; t as for lbfgs.
  linear,
  // As few pixels as `pixels` of any colour, by differential evolution (Su et al. 2019). epsilon does not limit it.
  pixels,
};

struct FoolOptions {
  Attack attack = Attack::pgd;
  double epsilon = 4.0 / 255;       // limit of the change of a sample, at least one 8-bit level
  std::optional<int64_t> target{};  // the class to be seen; none: any but the true one
  int64_t steps = 20;               // iterative, pgd: at most; lbfgs: iterations for each w; pixels: generations
  double step = 0;                  // iterative, pgd: length; 0: epsilon / 4
  int64_t pixels = 1;
  int64_t population = 64;  // pixels: candidates in a generation
  uint64_t seed = 0;        // pgd, pixels
};

struct Fooling {
  Image original;  // at the network's size
  Image picture;   // the attack's best; where it did not succeed, its last
  int64_t label = 0, guess = 0, guess_before = 0;
  double confidence = 0, confidence_before = 0;  // of the two guesses
  bool success = false;                          // guess is the target; without one, guess is not label
  // Of picture - original, samples in [0, 1]: greatest and root of the sum of squares; samples changed.
  double largest = 0, length = 0;
  int64_t changed = 0;
  int64_t evaluations = 0;  // runs of the network, forward or forward and backward
};

// "fgsm", "iterative", "pgd", "lbfgs", "linear", "pixels". Throws Error(usage) suggesting the nearest name.
Attack attack_from_name(std::string_view name);
std::string_view name_of(Attack attack);
std::vector<std::string> attack_names();

class Fooler {
 public:
  // The model must outlive this and keep its parameters where they are.
  explicit Fooler(Model& model);
  ~Fooler();
  Fooler(Fooler&&) noexcept;
  Fooler& operator=(Fooler&&) noexcept;

  // Attacks one picture of class `label`; none: what the network takes it for. A picture that is wrong already is a
  // success without a change. Same picture, options and seed: same bits.
  // Throws Error(usage) for options that make no sense or a class that is not there, Error(failure) when the network
  // gives a NaN or an infinity.
  Fooling operator()(const Image& image, const FoolOptions& options, std::optional<int64_t> label = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct Robustness {
  double epsilon = 0;
  double accuracy = 0;  // fraction of the pictures that are recognised whatever the attack does within epsilon
};

// Accuracy against epsilon, first of all at 0. A picture fooled within an epsilon is fooled within all larger ones.
// attack: fgsm, iterative or pgd. Throws as Fooler does; Error(usage) unless epsilons ascend and the data set has the
// network's number of classes.
std::vector<Robustness> measure_robustness(Model& model, const Dataset& dataset, FoolOptions options,
                                           const std::vector<double>& epsilons);

struct UniversalOptions {
  double epsilon = 10.0 / 255;
  int64_t epochs = 5;
  double step = 0;  // 0: epsilon / 10
  uint64_t seed = 0;
};

struct Universal {
  Tensor change;      // {H, W, C}, whole 8-bit levels in units of [0, 1]
  double fooled = 0;  // fraction of the pictures that are taken for something else with it
};

// One change within epsilon that makes as many pictures as possible be taken for something else (Moosavi-Dezfooli et
// al. 2017), by steps against one picture after the other as Shafahi et al. 2020 do. Throws as Fooler does.
Universal universal_perturbation(Model& model, const Dataset& dataset, const UniversalOptions& options = {});
// The 8-bit picture at the network's size with a change added and cut to 0..255.
Image perturbed(const Model& model, const Image& image, const Tensor& change);

// Fooling images (Nguyen et al. 2015): from noise to a picture that the network takes for the target.
struct EvolutionOptions {
  int64_t target = 0;
  int64_t generations = 500;
  int64_t offspring = 32;
  double mutation_rate = 0.1;  // part of the samples that a child changes; halves a third and two thirds of the way
  double confidence = 0.99;    // ends when it is reached
  uint64_t seed = 0;
};

struct Evolved {
  Image picture;
  double confidence = 0;  // of the target
  int64_t generations = 0;
};

// Direct encoding: each child of a generation has some samples of its parent moved at random (normal, deviation 1/4);
// the best of children and parent is the next parent. Throws as Fooler does.
Evolved evolve_fooling_image(Model& model, const EvolutionOptions& options);

}  // namespace fovea
