#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fovea/image.h"
#include "fovea/model.h"

namespace fovea {

struct Guess {
  int64_t class_index = 0;
  std::string class_name;  // the index as text when the model has no class names
  double probability = 0;
};

// A trained classifier, ready for pictures of any size and colour: its preprocessing makes them fit.
class Predictor {
 public:
  // Throws Error(format) when the model has no preprocessing, not one input, or an output other than {1, classes}.
  explicit Predictor(Model model);
  ~Predictor();
  Predictor(Predictor&&) noexcept;
  Predictor& operator=(Predictor&&) noexcept;

  // The `top` likeliest classes (all, if there are fewer), likeliest first; of equals the smaller index.
  // Probabilities are the softmax of the logits, unless the network ends in a softmax of its own.
  // Throws Error(failure) when the network gives a NaN or an infinity.
  std::vector<Guess> operator()(const Image& image, int64_t top = 5);

  const Model& model() const;  // its weights are empty: packed ones took their place

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fovea
