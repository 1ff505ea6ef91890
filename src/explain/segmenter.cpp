// Masks from scores.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "explain/picture_input.h"
#include "fovea/error.h"
#include "fovea/parallel.h"
#include "fovea/segment.h"
#include "fovea/session.h"

namespace fovea {

namespace {

// The two scores between which a pixel lies along an axis, and how far it is from the first to the second.
struct Between {
  int64_t first, second;
  float part;
};

Between between(double place, int64_t count) {
  const double inside = std::clamp(place, 0.0, static_cast<double>(count - 1));
  const auto first = static_cast<int64_t>(inside);
  return {first, std::min(first + 1, count - 1), static_cast<float>(inside - static_cast<double>(first))};
}

// Pixel i of an axis lies at offset + scale * i among the scores.
struct Axis {
  double offset, scale;
};

Image best_classes(std::span<const float> scores, const Shape& shape, int height, int width, Axis rows, Axis columns) {
  const int64_t classes = shape[2];
  if (classes > 256) {
    throw Error(ErrorKind::usage, fmt::format("a mask holds at most 256 classes, the network has {}", classes));
  }
  Image mask{height, width, 1, std::vector<uint8_t>(static_cast<size_t>(height) * static_cast<size_t>(width))};
  std::vector<Between> places;
  for (int x = 0; x < width; ++x) places.push_back(between(columns.offset + columns.scale * x, shape[1]));
  parallel_for(height, 8, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      const Between row = between(rows.offset + rows.scale * static_cast<double>(y), shape[0]);
      const float* const upper = scores.data() + row.first * shape[1] * classes;
      const float* const lower = scores.data() + row.second * shape[1] * classes;
      for (int64_t x = 0; x < width; ++x) {
        const Between column = places[static_cast<size_t>(x)];
        const int64_t left = column.first * classes, right = column.second * classes;
        float best = -std::numeric_limits<float>::infinity();
        uint8_t winner = 0;
        for (int64_t k = 0; k < classes; ++k) {
          const float above = upper[left + k] + column.part * (upper[right + k] - upper[left + k]);
          const float below = lower[left + k] + column.part * (lower[right + k] - lower[left + k]);
          const float score = above + row.part * (below - above);
          if (score <= best) continue;
          best = score;
          winner = static_cast<uint8_t>(k);
        }
        mask.pixels[static_cast<size_t>(y * width + x)] = winner;
      }
    }
  });
  return mask;
}

// Pixels and scores cover the same picture: their outer edges agree.
Axis stretched(int64_t scores, int pixels) {
  const double scale = static_cast<double>(scores) / pixels;
  return {0.5 * scale - 0.5, scale};
}

// Nothing is cut off: masks are the picture's.
Preprocessing whole_picture(Preprocessing preprocessing) {
  preprocessing.shorter_side = 0;
  return preprocessing;
}

}  // namespace

struct Segmenter::State {
  explicit State(Model& model)
      : input(picture_input(model)), preprocessor(whole_picture(model.preprocessing)), session(model, {}) {}
  std::string input;
  Preprocessor preprocessor;
  Session session;
  Shape shape;  // of the scores: {h, w, classes}
};

Segmenter::Segmenter(Model& model) {
  const Graph& graph = model.graph();
  const Node& output = graph.node(graph.output_node());
  if (output.shape.rank() != 4) {
    throw Error(ErrorKind::format,
                fmt::format("node '{}' gives {}: a network that segments gives height x width x classes", output.name,
                            to_string(output.shape.without_batch())));
  }
  state_ = std::make_unique<State>(model);
  state_->shape = output.shape.without_batch();
}
Segmenter::~Segmenter() = default;
Segmenter::Segmenter(Segmenter&&) noexcept = default;
Segmenter& Segmenter::operator=(Segmenter&&) noexcept = default;

Image Segmenter::operator()(const Image& picture) {
  State& s = *state_;
  s.preprocessor.run(picture, s.session.input(s.input).data());
  s.session.forward();
  return best_classes(s.session.output(), s.shape, picture.height, picture.width, stretched(s.shape[0], picture.height),
                      stretched(s.shape[1], picture.width));
}

Image to_mask(const ScoreMap& map, int height, int width) {
  if (map.scores.shape().rank() != 3 || map.scores.empty() || map.stride < 1 || height < 1 || width < 1) {
    throw Error(ErrorKind::usage, "a mask is made from rows x columns x classes scores");
  }
  const auto axis = [&](int64_t patch) {
    const auto stride = static_cast<double>(map.stride);
    return Axis{-static_cast<double>(patch - 1) / 2 / stride, 1 / stride};
  };
  return best_classes(map.scores.values(), map.scores.shape(), height, width, axis(map.height), axis(map.width));
}

}  // namespace fovea
