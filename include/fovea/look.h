#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fovea/colour_map.h"
#include "fovea/data.h"
#include "fovea/explain.h"
#include "fovea/image.h"
#include "fovea/model.h"
#include "fovea/tensor.h"
#include "fovea/tensor_file.h"

// Looking at what a network has learnt, and at what it does with pictures.
namespace fovea::explain {

struct FilterPictureOptions {
  int64_t filters = 64;   // at most so many, the first ones
  int64_t channels = 16;  // at most so many of each, where a filter has other than 1 or 3
  int magnify = 8;        // pixels along each side of a weight
};
// The weights of a convolution (empty: the first one) as pictures, grey where a weight is zero, brighter above and
// darker below, each filter over its own range. Filters on three channels are in colour (Krizhevsky et al. 2012, figure
// 3), those on one in grey; of others each row is a filter and each column one of its channels.
// Throws Error(usage) when there is no such layer, or it has no weights {filters, channels, height, width}.
Image filter_picture(const Model& model, const std::string& layer = "", const FilterPictureOptions& options = {});

// The channels of a layer's value {1, h, w, K} side by side, each from zero to its own maximum (where none is negative)
// or over its own range; of {1, K} each number is a square. At most `channels` of them, the first ones.
// Throws Error(usage) for values of other shapes.
Image activation_picture(const Tensor& value, ColourMap colours = ColourMap::viridis, int64_t channels = 256);

// A part of an input, in pixels; bottom and right are the first beyond it.
struct Box {
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  bool operator==(const Box&) const = default;
};
// What a position of a layer sees of the network's input, cut off at the input's edges. Branches that see the whole
// picture through one position (squeeze and excitation) do not count. Where windows are laid over padded (pad) or
// interpolated values the box may be off by the padding.
// Throws Error(usage) unless the layer and the input have rows and columns, and the position is one of the layer's.
Box receptive_box(const Graph& graph, const std::string& layer, int64_t row, int64_t column);

struct Excitation {
  int64_t item = 0;  // of the data set
  float value = 0;   // the unit's greatest in this picture
  int64_t row = 0, column = 0;
  Box box{};      // what it sees there
  Image patch{};  // that part of the picture, as the network sees it
};
struct TopPatchesOptions {
  int64_t count = 9;
  int64_t max_items = 0;  // pictures to look through, evenly spaced over the data set; 0: all
  int64_t batch = 16;
};
// For each of these channels of a layer, the pictures of a data set that excite it most and where in them, strongest
// first, one place per picture (Zeiler and Fergus 2014, figure 2). A dense layer's units see the whole picture.
// Throws Error(usage) for an unknown layer or channel and senseless options; as Loader does.
std::vector<std::vector<Excitation>> top_patches(Model& model, const std::shared_ptr<const Dataset>& dataset,
                                                 const std::string& layer, const std::vector<int64_t>& channels,
                                                 const TopPatchesOptions& options = {});

// What of the patch excites the channel: deconvnet from its one value there, cut out by the box, around grey (the same
// figure). x is the picture as the network sees it. Throws Error(usage) as deconvnet does, and when the layer has no
// such channel or position.
Image project(Probe& probe, const Tensor& x, const std::string& layer, int64_t channel, const Excitation& excitation);

// What a layer's channels did over a data set.
struct LayerActivity {
  std::string layer;
  std::string op;  // its type
  int64_t channels = 0;
  TensorStatistics weights{};  // of its first parameter; all zero when it has none
  double mean = 0, std = 0;    // over all values
  double least = 0, greatest = 0;
  double zeros = 0;             // fraction of the values
  std::vector<int64_t> dead{};  // channels with one and the same value everywhere: a ReLU's are zero
};
struct ActivityOptions {
  std::vector<std::string> layers{};  // empty: all convolutions, dense layers and ReLUs
  int64_t max_items = 1000;           // as TopPatchesOptions
  int64_t batch = 16;
};
// Throws Error(usage) for an unknown layer and senseless options; as Loader does.
std::vector<LayerActivity> measure_activity(Model& model, const std::shared_ptr<const Dataset>& dataset,
                                            const ActivityOptions& options = {});

}  // namespace fovea::explain
