#include "ops/spatial.h"

#include <algorithm>

#include "ops/checks.h"

namespace fovea {

namespace {

constexpr int64_t largest = int64_t{1} << 24;

void require_range(const char* option, int64_t value, int64_t lowest) {
  require(value >= lowest && value <= largest, "{} must be between {} and {}, got {}", option, lowest, largest, value);
}

}  // namespace

void write_padding(Attributes& attributes, const Padding& padding) {
  attributes["padding"] = std::vector<int64_t>{padding.top, padding.bottom, padding.left, padding.right};
  attributes["same"] = padding.is_same;
}

Padding read_padding(AttributeReader& attributes) {
  const std::vector<int64_t> sides = attributes.integers("padding", 4);
  Padding padding(sides[0], sides[1], sides[2], sides[3]);
  padding.is_same = attributes.boolean("same");
  return padding;
}

Pair read_pair(AttributeReader& attributes, const std::string& name) {
  const std::vector<int64_t> values = attributes.integers(name, 2);
  return {values[0], values[1]};
}

void require_extents(const char* option, const Pair& pair, int64_t lowest) {
  require_range(option, pair.height, lowest);
  require_range(option, pair.width, lowest);
}

void require_padding(const Padding& padding) {
  for (const int64_t side : {padding.top, padding.bottom, padding.left, padding.right}) {
    require_range("padding", side, 0);
    require(side == 0 || !padding.is_same, "padding is 'same', so none may be given, got {}", side);
  }
}

SlidingAxis slide(int64_t input, int64_t extent, int64_t stride, int64_t before, int64_t after, bool same,
                  bool ceil_mode) {
  if (same) {
    const int64_t output = (input - 1) / stride + 1;
    const int64_t total = std::max<int64_t>((output - 1) * stride + extent - input, 0);
    return {total / 2, total - total / 2, output};
  }
  const int64_t room = input + before + after - extent + (ceil_mode ? stride - 1 : 0);
  if (room < 0) return {before, after, 0};
  int64_t output = room / stride + 1;
  if (ceil_mode && (output - 1) * stride >= input + before) --output;  // it would see padding only
  return {before, after, output};
}

}  // namespace fovea
