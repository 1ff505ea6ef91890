#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "fovea/model.h"

// The networks that have a name. Each ends in logits {N, classes}: losses and predictions apply the softmax.
// Names of networks and of their parameters, the parameters' shapes and the outputs for given weights equal those of
// torchvision 0.14 where it has the network: its state dicts load as they are.
namespace fovea {

struct ZooOptions {
  Shape input{};            // {H, W, C}; empty: the network's own
  int64_t classes = 0;      // 0: the network's own
  double width = 1;         // factor of the filters, for networks whose paper has one (the MobileNets)
  bool aux_logits = false;  // with the auxiliary heads that help training: outputs of the graph beside the logits
};

// x {N, H, W, C} -> logits {N, options.classes}
using ZooBuilder = std::function<Value(const Scope& scope, Value x, const ZooOptions& options)>;

// Of one crop of each of ImageNet's 50,000 validation pictures, in percent.
struct PublishedAccuracy {
  double top1 = 0;  // 0: none is published
  double top5 = 0;
  std::string_view source{};  // "torchvision IMAGENET1K_V1", or the paper's table
};

struct ZooEntry {
  std::string_view name;
  ZooBuilder build;
  Shape input;
  int64_t classes;
  Initializer initializer;       // Xavier for tanh, He for ReLU
  double learning_rate;          // that suits SGD with momentum 0.9 and batches of 64
  std::string_view source;       // paper or origin, one line
  bool has_width = false;        // takes ZooOptions::width
  bool has_aux_logits = false;   // takes ZooOptions::aux_logits
  PublishedAccuracy accuracy{};  // from the table in src/zoo/published.cpp
  // Fills those parameters that start elsewhere than the initializer says; null: none does.
  void (*start)(Model& model) = nullptr;
};

namespace zoo {

// All of them.
const std::vector<ZooEntry>& list();
// Throws Error(usage) suggesting the nearest name and listing all.
const ZooEntry& find(std::string_view name);

// The network alone, without memory for its parameters; its input is named "input".
// Throws Error(usage) for an unknown name or senseless options, Error(format) naming the node and the shapes when the
// network does not fit the input.
Graph build(std::string_view name, const ZooOptions& options = {});
// The network with fresh parameters, as ZooEntry says, or by another initializer. The same seed gives the same bits.
Model create(std::string_view name, const ZooOptions& options = {}, uint64_t seed = 0,
             std::optional<Initializer> initializer = {});

}  // namespace zoo
}  // namespace fovea
