#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "explain/picture_space.h"
#include "fovea/model.h"
#include "fovea/session.h"

namespace fovea {

// A network in inference mode as a differentiable function of its picture: values of some nodes, and what the picture
// should do to change them. Any outside function of those values can be differentiated through it: forward(), then
// backward() with the function's gradients by the values.
class PictureNetwork {
 public:
  // Throws Error(usage) for an unknown node, Error(format) unless the network has one input, which its preprocessing
  // fills. The model must outlive this and keep its parameters where they are.
  PictureNetwork(Model& model, const std::vector<std::string>& nodes);
  // The same for pictures of another extent; only what leads to the nodes needs to take it.
  PictureNetwork(Model& model, const std::vector<std::string>& nodes, int height, int width);

  const PictureSpace& space() const { return space_; }
  const Shape& shape(size_t node) const;  // with the batch of 1

  void forward(std::span<const float> pixels);
  std::span<const float> value(size_t node) const;
  // Gradients by each node's value, of the last forward(), are to be written here; they start at zero.
  std::span<float> seed(size_t node);
  // Sum over nodes and elements of seed * d value / d pixel, of the last forward().
  void backward(std::span<float> gradient);

 private:
  PictureNetwork(Model& model, const std::vector<std::string>& nodes, const Graph& graph, const PictureSpace& space);

  PictureSpace space_;
  std::string input_;
  std::vector<std::string> nodes_, seeds_;
  Session session_;
};

// The node with the logits: the output, or what a final softmax reads.
std::string logits_name(const Model& model);

// A classifier as a differentiable function of its picture. Throws as PictureNetwork does, and Error(format) when its
// output is not {1, classes}.
class PictureClassifier {
 public:
  explicit PictureClassifier(Model& model);

  const PictureSpace& space() const { return network_.space(); }
  int64_t classes() const { return network_.shape(0)[1]; }
  // Throws Error(usage) unless it is one.
  void check_class(int64_t label) const;

  std::span<const float> logits(std::span<const float> pixels);
  std::vector<double> probabilities(std::span<const float> pixels);
  int64_t guess(const Image& image);
  // Cross-entropy against a class, and its gradient by the pixels.
  double loss(std::span<const float> pixels, int64_t label, std::span<float> gradient);
  // Gradient of the logits' sum with these weights, of the last logits().
  void gradient(std::span<const float> weights, std::span<float> gradient);

 private:
  PictureNetwork network_;
};

}  // namespace fovea
