#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

// Numbers that belong to the spatial axes of a window: its kernel, stride, dilation and padding.
namespace fovea {

// One number for each spatial axis, outermost first: {L}, {H, W} or {D, H, W}. A single number stands for all axes.
class Extents {
 public:
  static constexpr int max_axes = 3;

  constexpr Extents(int64_t all) : numbers_{all}, count_(1) {}  // NOLINT(google-explicit-constructor)
  constexpr Extents(int64_t height, int64_t width) : numbers_{height, width}, count_(2) {}
  constexpr Extents(int64_t depth, int64_t height, int64_t width) : numbers_{depth, height, width}, count_(3) {}
  // Throws Error(format) unless there are one to three numbers.
  explicit Extents(std::span<const int64_t> numbers);

  constexpr int count() const { return count_; }
  constexpr bool serves(int axes) const { return count_ == 1 || count_ == axes; }
  constexpr int64_t operator[](int axis) const { return numbers_[static_cast<size_t>(count_ == 1 ? 0 : axis)]; }
  // One number for each of so many axes; as they are, if they do not serve these.
  std::vector<int64_t> list(int axes) const;
  bool operator==(const Extents&) const = default;

 private:
  std::array<int64_t, max_axes> numbers_{};
  int count_;
};

// Zeros around a picture, sequence or volume. `same` gives output extents ceil(n / stride), the odd zero at the end (as
// Keras and ONNX's SAME_UPPER do); `valid` is none.
struct Padding {
  Extents before = 0, after = 0;
  bool is_same = false;
  constexpr Padding(int64_t all) : before(all), after(all) {}  // NOLINT(google-explicit-constructor)
  constexpr Padding(int64_t height, int64_t width) : before(height, width), after(height, width) {}
  constexpr Padding(int64_t depth, int64_t height, int64_t width)
      : before(depth, height, width), after(depth, height, width) {}
  constexpr Padding(int64_t top, int64_t bottom, int64_t left, int64_t right)
      : before(top, left), after(bottom, right) {}
  // So many before and after the input on each axis.
  static constexpr Padding sides(const Extents& before, const Extents& after) {
    Padding padding(0);
    padding.before = before;
    padding.after = after;
    return padding;
  }
  static constexpr Padding same() {
    Padding padding(0);
    padding.is_same = true;
    return padding;
  }
  static constexpr Padding valid() { return {0}; }
};

}  // namespace fovea
