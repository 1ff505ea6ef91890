#include "toy.h"

#include <algorithm>

#include "fovea/ops.h"
#include "fovea/random.h"

namespace fovea {

namespace {

constexpr int side = 8;

Image draw(int64_t label, const Random& random) {
  Image image{side, side, 1, {}};
  const auto shift = static_cast<int>(random.below(0, 4));
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const bool stripe_h = (y + shift) % 4 < 2;
      const bool stripe_v = (x + shift) % 4 < 2;
      const bool on = label == 0 ? stripe_h : label == 1 ? stripe_v : stripe_h != stripe_v;
      const auto noise = random.below(static_cast<uint64_t>(1 + y * side + x), 60);
      image.pixels.push_back(static_cast<uint8_t>((on ? 150 : 50) + noise));
    }
  }
  return image;
}

}  // namespace

std::shared_ptr<const Dataset> toy_dataset(int64_t size, uint64_t seed) {
  std::vector<Image> images;
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < size; ++i) {
    labels.push_back(i % 3);
    images.push_back(draw(labels.back(), Random(seed, static_cast<uint64_t>(i))));
  }
  return make_dataset(std::move(images), std::move(labels), {"horizontal", "vertical", "chequered"});
}

Model toy_model(uint64_t seed) {
  Graph graph;
  const Scope s(graph);
  Value x = graph.input("input", {side, side, 1});
  x = conv(s / "conv", x, {.filters = 6, .kernel = 3, .padding = 1, .bias = false});
  x = max_pool(relu(batch_norm(s / "bn", x)), {.kernel = 2});
  dense(s / "fc", dropout(flatten(x), 0.25), 3);
  Model model(std::move(graph), seed);
  model.preprocessing = {side, side, 1, 0, {0.5F}, {0.25F}};
  model.class_names = {"horizontal", "vertical", "chequered"};
  return model;
}

FitOptions toy_options() {
  return {.epochs = 4, .batch = 16, .optimizer = Sgd{.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-4}, .seed = 11};
}

}  // namespace fovea
