#pragma once

#include <functional>
#include <vector>

#include "explain/picture_network.h"
#include "fovea/fool.h"

// The attacks behind Fooler, one function each. All return the 8-bit picture they end with.
namespace fovea {

// One attack at work: the network, the picture and what counts as success.
struct Struggle {
  PictureClassifier& network;
  const FoolOptions& options;
  Image original;               // at the network's size
  std::vector<float> pixels{};  // of it
  int64_t label = 0;
  int64_t rival = 0;  // the class to be seen: the target, or the likeliest but the label
  int64_t evaluations = 0;

  bool is_success(std::span<const float> logits) const;
  // Shows the network an 8-bit picture.
  bool fools(const Image& picture);
  // What gradient steps go down: -loss of the label or loss of the target. Fills the gradient.
  double attacker_loss(std::span<const float> at, std::span<float> gradient, bool& success);
  // As 8 bits no sample further from the original than `limit` levels.
  Image rounded(std::span<const float> at, int limit = 255) const;
};

Image attack_fgsm(Struggle& struggle);
Image attack_in_steps(Struggle& struggle, bool random_start);
Image attack_lbfgs(Struggle& struggle);
Image attack_linear(Struggle& struggle);
Image attack_pixels(Struggle& struggle, Model& model);

// Whole 8-bit levels within epsilon. Throws Error(usage) when there are none.
int levels_within(double epsilon);

// Probabilities of one class for many pictures at a time, forward only.
class BatchJudge {
 public:
  BatchJudge(Model& model, int64_t batch);

  const PictureSpace& space() const { return space_; }
  // Where picture i of the batch goes.
  void set(int64_t i, std::span<const float> pixels);
  // {batch, classes}
  std::span<const float> logits();
  std::vector<double> probabilities(int64_t label);

 private:
  PictureSpace space_;
  std::string input_, logits_;
  int64_t batch_;
  Session session_;
};

}  // namespace fovea
