#include "fovea/test_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <optional>

#include "core/text.h"
#include "data/convert.h"
#include "fovea/error.h"
#include "fovea/image_ops.h"

namespace fovea {

namespace {

constexpr int64_t most_views = 10'000;

[[noreturn]] void refuse(const std::string& problem) {
  throw Error(ErrorKind::usage,
              fmt::format("test views: {}; they are written as flip, five, ten, dense N, scales S1 S2 ...", problem));
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  constexpr std::string_view spaces = " ,\t\n";
  for (size_t at = text.find_first_not_of(spaces); at != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(spaces, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(spaces, end);
  }
  return words;
}

std::optional<int> whole_number(std::string_view word) {
  int value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool good = error == std::errc() && end == word.data() + word.size() && value >= 1 && value <= max_picture_side;
  return good ? std::optional(value) : std::nullopt;
}

// The place of the part number `at` of `count` evenly spaced ones along a side.
int spaced(int whole, int part, int64_t at, int64_t count) {
  if (count == 1) return center_region(whole, whole, part, part).top;
  return static_cast<int>(
      std::lround(static_cast<double>(whole - part) * static_cast<double>(at) / static_cast<double>(count - 1)));
}

}  // namespace

TestViews::TestViews(std::string_view text) {
  const std::vector<std::string_view> words = split_words(text);
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "flip") {
      flips_ = true;
    } else if (words[i] == "five" || words[i] == "ten") {
      corners_ = true;
      flips_ = flips_ || words[i] == "ten";
    } else if (words[i] == "dense") {
      const std::optional<int> places = i + 1 < words.size() ? whole_number(words[i + 1]) : std::nullopt;
      if (!places || *places > 100) refuse("dense needs a number of places from 1 to 100");
      dense_ = *places;
      ++i;
    } else if (words[i] == "scales") {
      for (; i + 1 < words.size() && whole_number(words[i + 1]); ++i) scales_.push_back(*whole_number(words[i + 1]));
      if (scales_.empty()) refuse("scales needs sizes in pixels");
    } else {
      refuse(fmt::format("unknown word '{}'", printable(words[i])));
    }
  }
  if (corners_ && dense_ > 0) refuse("dense goes without five and ten");
  if (count() > most_views) refuse(fmt::format("{} views are more than {}", count(), most_views));
}

int64_t TestViews::count() const {
  const int64_t places = dense_ > 0 ? dense_ * dense_ : corners_ ? 5 : 1;
  return std::max<int64_t>(std::ssize(scales_), 1) * places * (flips_ ? 2 : 1);
}

void TestViews::write(const Image& image, const Preprocessing& preprocessing, int64_t view, Image& out) const {
  const int height = preprocessing.height - 2 * preprocessing.padding;
  const int width = preprocessing.width - 2 * preprocessing.padding;
  const int larger = std::max(height, width);
  const bool flipped = flips_ && view % 2 == 1;
  if (flips_) view /= 2;
  const int64_t places = dense_ > 0 ? dense_ * dense_ : corners_ ? 5 : 1;
  const int64_t place = view % places;
  int side = scales_.empty() ? preprocessing.shorter_side : scales_[static_cast<size_t>(view / places)];
  if (side == 0 && places > 1) side = (larger * 8 + 6) / 7;
  if (side != 0 && side < larger) refuse(fmt::format("a scale of {} is below the network's {}", side, larger));

  const auto [tall, wide] =
      side == 0 ? std::array{height, width} : shorter_side_extents(image.height, image.width, side);
  Region part = center_region(tall, wide, height, width);
  if (dense_ > 0) {
    part.top = spaced(tall, height, place / dense_, dense_);
    part.left = spaced(wide, width, place % dense_, dense_);
  } else if (place < 4 && corners_) {
    part.top = place < 2 ? 0 : tall - height;
    part.left = place % 2 == 0 ? 0 : wide - width;
  }
  thread_local Resizer resizer;
  resizer.run(image, tall, wide, preprocessing.filter, part, out);
  if (flipped) flip_horizontal(out);
}

namespace {

class ViewsDataset final : public Dataset {
 public:
  ViewsDataset(std::shared_ptr<const Dataset> whole, TestViews views, const Preprocessing& preprocessing)
      : whole_(std::move(whole)), views_(std::move(views)), preprocessing_(preprocessing), id_(next_id++) {}

  int64_t size() const override { return whole_->size() * views_.count(); }
  const std::vector<std::string>& class_names() const override { return whole_->class_names(); }
  int64_t label(int64_t item) const override { return whole_->label(item / views_.count()); }

  void read(int64_t item, Image& out) const override {
    // Views of one picture are read one after the other: it is decoded for the first.
    thread_local struct {
      uint64_t id = 0;
      int64_t item = -1;
      Image image;
    } last;
    const int64_t picture = item / views_.count();
    if (last.id != id_ || last.item != picture) {
      last.item = -1;
      whole_->read(picture, last.image);
      last.id = id_;
      last.item = picture;
    }
    views_.write(last.image, preprocessing_, item % views_.count(), out);
  }

  PictureShape picture_shape() const override { return {0, 0, whole_->picture_shape().channels}; }
  std::string item_name(int64_t item) const override { return whole_->item_name(item / views_.count()); }
  std::string describe() const override { return fmt::format("{} views of {}", views_.count(), whole_->describe()); }
  std::vector<std::string> warnings() const override { return whole_->warnings(); }

 private:
  static inline std::atomic<uint64_t> next_id{1};

  std::shared_ptr<const Dataset> whole_;
  TestViews views_;
  Preprocessing preprocessing_;
  uint64_t id_;
};

}  // namespace

std::shared_ptr<const Dataset> views_of(std::shared_ptr<const Dataset> dataset, TestViews views,
                                        const Preprocessing& preprocessing) {
  const Preprocessor checks_the_settings(preprocessing);
  return std::make_shared<ViewsDataset>(std::move(dataset), std::move(views), preprocessing);
}

}  // namespace fovea
