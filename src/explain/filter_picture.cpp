// Weights and values of layers as pictures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"
#include "fovea/filter.h"
#include "fovea/look.h"

namespace fovea::explain {

namespace {

// {filters, channels, height, width}
const Tensor* kernel_of(const Model& model, int node) {
  const std::vector<int>& parameters = model.graph().node(node).parameters;
  if (parameters.empty()) return nullptr;
  const Tensor& weight = model.parameters()[static_cast<size_t>(parameters[0])];
  return weight.shape().rank() == 4 ? &weight : nullptr;
}

const Tensor& find_kernel(const Model& model, const std::string& layer) {
  const Graph& graph = model.graph();
  if (!layer.empty()) {
    if (const Tensor* kernel = kernel_of(model, graph.find(layer))) return *kernel;
    throw Error(ErrorKind::usage,
                fmt::format("'{}' has no filters: weights filters x channels x height x width", layer));
  }
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
    if (const Tensor* kernel = kernel_of(model, i)) return *kernel;
  }
  throw Error(ErrorKind::usage, "the network has no convolution, whose filters could be shown");
}

// Channels first, first + 1 ... of a filter as the samples of a picture; `most` becomes white.
Image filter_tile(const Tensor& kernel, int64_t filter, int64_t first, int64_t channels, float most) {
  const Shape& shape = kernel.shape();
  const int64_t area = shape[2] * shape[3];
  Tensor samples(Shape{shape[2], shape[3], channels});
  for (int64_t i = 0; i < samples.size(); ++i) {
    const float weight = kernel[(filter * shape[1] + first + i % channels) * area + i / channels];
    samples[i] = most > 0 ? 127.5F + 127.5F * weight / most : 127.5F;
  }
  return to_image(samples);
}

}  // namespace

Image filter_picture(const Model& model, const std::string& layer, const FilterPictureOptions& options) {
  if (options.filters < 1 || options.channels < 1 || options.magnify < 1) {
    throw Error(ErrorKind::usage, "a picture of filters needs at least one filter, channel and pixel");
  }
  const Tensor& kernel = find_kernel(model, layer);
  const Shape& shape = kernel.shape();
  const bool colour = shape[1] == 3;
  const int64_t tile_channels = colour ? 3 : 1;
  const int64_t tiles = colour ? 1 : std::min(shape[1], options.channels);
  std::vector<Image> pictures;
  for (int64_t f = 0; f < std::min(shape[0], options.filters); ++f) {
    const int64_t size = shape.elements() / shape[0];
    const auto weights = kernel.values().subspan(static_cast<size_t>(f * size), static_cast<size_t>(size));
    float most = 0;
    for (const float weight : weights) most = std::max(most, std::abs(weight));
    for (int64_t c = 0; c < tiles; ++c) {
      pictures.push_back(magnify(filter_tile(kernel, f, c, tile_channels, most), options.magnify));
    }
  }
  return mosaic(pictures, tiles > 1 ? static_cast<int>(tiles) : 0, std::max(1, options.magnify / 4));
}

Image activation_picture(const Tensor& value, ColourMap colours, int64_t channels) {
  const Shape& shape = value.shape();
  if ((shape.rank() != 4 && shape.rank() != 2) || value.empty() || shape[0] != 1 || channels < 1) {
    throw Error(ErrorKind::usage, fmt::format("activations of one picture are 1 x height x width x channels, or 1 x "
                                              "units, got {}",
                                              to_string(shape)));
  }
  const int64_t count = std::min(shape.back(), channels);
  const bool positions = shape.rank() == 4;
  const ValueRange all = value_range(value);
  std::vector<Image> pictures;
  for (int64_t k = 0; k < count; ++k) {
    Tensor channel(positions ? Shape{shape[1], shape[2]} : Shape{1, 1});
    for (int64_t i = 0; i < channel.size(); ++i) channel[i] = value[i * shape.back() + k];
    ValueRange range = positions ? value_range(channel) : all;
    range.low = std::min(range.low, 0.0F);
    pictures.push_back(colour(channel, colours, range));
  }
  return mosaic(pictures, 0, positions ? 1 : 0);
}

}  // namespace fovea::explain
