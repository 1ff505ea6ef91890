#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fovea/graph.h"

// Networks written as text, layer after layer:
//   conv 32 3x3 pad 1, relu, bn, maxpool 2, flatten, fc 10
// docs/text-form.md describes the grammar.
namespace fovea {

// What a text may ask for, so that a hostile one costs neither time nor memory.
struct TextFormLimits {
  static constexpr size_t bytes = size_t{1} << 16;
  static constexpr int layers = 1000;  // after repetition
  static constexpr int depth = 32;     // of parentheses
  static constexpr int64_t number = int64_t{1} << 20;
};

// The graph that `text` describes, for inputs of `input` (such as {H, W, C}); the input is named "input", the layers
// with parameters "conv1", "conv2", "bn1", "fc1", pools "pool1", the others as their builders do ("relu", "relu_2").
// The last layer is the output.
// Throws Error(usage) saying where (column; line too when there are several), which word, what was expected and the
// nearest known word; Error(format) naming the layer and the shapes when a layer does not fit its input.
Graph graph_from_text(std::string_view text, const Shape& input);

// Whether a model's description is a text form rather than a name or a path of one word: it has a space, a comma, a
// parenthesis or a line break.
bool is_text_form(std::string_view model);

}  // namespace fovea
