#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "explain/dataset_walk.h"
#include "fovea/error.h"
#include "fovea/explanation.h"
#include "fovea/look.h"

namespace fovea::explain {

namespace {

Image crop(const Image& image, const Box& box) {
  Image part{static_cast<int>(box.bottom - box.top), static_cast<int>(box.right - box.left), image.channels, {}};
  for (int64_t y = box.top; y < box.bottom; ++y) {
    const auto first = image.pixels.begin() + (y * image.width + box.left) * image.channels;
    part.pixels.insert(part.pixels.end(), first, first + static_cast<ptrdiff_t>(part.width) * part.channels);
  }
  return part;
}

Tensor crop(const Tensor& pixels, const Box& box) {
  const int64_t width = pixels.shape()[1];
  const int64_t channels = pixels.shape()[2];
  Tensor part(Shape{box.bottom - box.top, box.right - box.left, channels});
  float* to = part.data();
  for (int64_t y = box.top; y < box.bottom; ++y) {
    to = std::copy_n(pixels.data() + (y * width + box.left) * channels, (box.right - box.left) * channels, to);
  }
  return part;
}

// A channel's greatest value in one picture, {positions, channels}.
Excitation strongest(std::span<const float> value, int64_t channels, int64_t channel, int64_t columns) {
  Excitation best{.value = value[static_cast<size_t>(channel)]};
  for (int64_t i = 0; i < std::ssize(value) / channels; ++i) {
    const float v = value[static_cast<size_t>(i * channels + channel)];
    if (v > best.value) best = {.value = v, .row = i / columns, .column = i % columns};
  }
  return best;
}

}  // namespace

std::vector<std::vector<Excitation>> top_patches(Model& model, const std::shared_ptr<const Dataset>& dataset,
                                                 const std::string& layer, const std::vector<int64_t>& channels,
                                                 const TopPatchesOptions& options) {
  const Graph& graph = model.graph();
  const Shape shape = graph.node(graph.find(layer)).shape;
  if (shape.rank() != 4 && shape.rank() != 2) {
    throw Error(ErrorKind::usage, fmt::format("'{}' gives {}: neither channels of a picture nor units", layer,
                                              to_string(shape.without_batch())));
  }
  if (options.count < 1) throw Error(ErrorKind::usage, fmt::format("cannot find the top {} patches", options.count));
  for (const int64_t channel : channels) {
    if (channel >= 0 && channel < shape.back()) continue;
    throw Error(ErrorKind::usage, fmt::format("'{}' has no channel {}: there are {}", layer, channel, shape.back()));
  }
  const Preprocessing& p = model.preprocessing;
  const Shape input{1, p.height, p.width, p.channels};
  const auto values = static_cast<size_t>(shape.elements());
  const auto pixels = static_cast<size_t>(input.elements());
  const std::string name = graph.node(graph.inputs().at(0)).name;
  std::vector<std::vector<Excitation>> top(channels.size());
  walk(model, dataset, spread_items(dataset->size(), options.max_items), {layer}, options.batch,
       [&](Session& session, int64_t item, int64_t row) {
         const auto value = session.activation(layer).subspan(static_cast<size_t>(row) * values, values);
         const auto picture = session.input(name).subspan(static_cast<size_t>(row) * pixels, pixels);
         for (size_t k = 0; k < channels.size(); ++k) {
           const int64_t columns = shape.rank() == 4 ? shape[2] : 1;
           Excitation found = strongest(value, shape.back(), channels[k], columns);
           std::vector<Excitation>& list = top[k];
           const bool full = std::ssize(list) == options.count;
           if (full && found.value <= list.back().value) continue;
           found.item = item;
           found.box =
               shape.rank() == 4 ? receptive_box(graph, layer, found.row, found.column) : Box{0, 0, input[1], input[2]};
           found.patch = crop(input_picture(Tensor(input, picture), p), found.box);
           if (full) list.pop_back();
           const auto place = std::ranges::upper_bound(list, found.value, std::ranges::greater(), &Excitation::value);
           list.insert(place, std::move(found));
         }
       });
  return top;
}

Image project(Probe& probe, const Tensor& x, const std::string& layer, int64_t channel, const Excitation& excitation) {
  const Shape& shape = probe.node_shape(layer);
  const int64_t columns = shape.rank() == 4 ? shape[2] : 1;
  const int64_t position = excitation.row * columns + excitation.column;
  if (channel < 0 || channel >= shape.back() || position < 0 || position * shape.back() >= shape.elements()) {
    throw Error(ErrorKind::usage,
                fmt::format("'{}' gives {}: there is no channel {} at {}, {}", layer, to_string(shape.without_batch()),
                            channel, excitation.row, excitation.column));
  }
  return relief(crop(deconvnet(probe, x, {position * shape.back() + channel, layer}), excitation.box));
}

}  // namespace fovea::explain
