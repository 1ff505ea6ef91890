#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/data.h"
#include "fovea/model.h"
#include "fovea/tensor.h"

// Pictures as vectors: what a layer of a trained network says of them, and what can be done with that alone.
namespace fovea {

struct FeatureOptions {
  std::string layer{};  // a node; empty: what the last dense layer or convolution reads
  int64_t batch = 64;
  int workers = 1;  // background threads that read pictures
};

// The node that `layer` = "" means. Throws Error(format) for a network with neither dense layer nor convolution.
std::string feature_layer(const Graph& network);

// {N, F}: the activations of the layer, in inference mode, for every item; maps {H, W, C} are averaged over their
// positions, others flattened. Layers behind are not computed.
// Throws Error(usage) for an unknown layer, Error(format) when the network does not take pictures.
Tensor extract_features(Model& model, std::shared_ptr<const Dataset> dataset, const FeatureOptions& options = {});

struct Neighbour {
  int64_t item = 0;
  float similarity = 0;  // cosine of the angle between the vectors, -1 to 1
};

// The k items {N, F} (all, if there are fewer) nearest to each of the queries {Q, F}, nearest first, of equals the
// smaller index. A vector of zeros has similarity 0 to all. Throws Error(usage) when F differs or k < 1.
std::vector<std::vector<Neighbour>> nearest_neighbours(const Tensor& items, const Tensor& queries, int64_t k);

// The class that most of the neighbours have; of equals that of the nearest (Cover & Hart 1967).
int64_t vote(std::span<const Neighbour> neighbours, std::span<const int64_t> labels);

struct LinearOptions {
  int64_t epochs = 100;
  int64_t batch = 256;
  double weight_decay = 1e-4;
  uint64_t seed = 0;  // of the order of items
};

// A network of one dense layer from {F} to {classes}, trained by cross-entropy on features {N, F}: logistic regression.
// Features are brought to mean 0 and standard deviation 1 / sqrt(F) for training; the layer returned takes them as they
// were. SGD with momentum 0.9, rate 1 falling to 0 as a cosine.
// Throws Error(usage) when counts differ or a label is out of range.
Model fit_linear(const Tensor& features, std::span<const int64_t> labels, int64_t classes,
                 const LinearOptions& options = {});

// Probabilities {N, classes} that such a network gives to features {N, F}.
Tensor classify(Model& linear, const Tensor& features);

// All pictures in a folder and the folders below it, by their paths in byte order, in one class. Links to folders are
// not followed, names that start with a dot are passed over; pictures that cannot be read are named in warnings().
// Throws Error(data) when the folder cannot be read or has no picture that can be.
std::shared_ptr<const Dataset> open_pictures(const std::filesystem::path& folder);

}  // namespace fovea
