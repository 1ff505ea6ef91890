// Masks: read, scored, shown.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "core/text.h"
#include "explain/palette.h"
#include "fovea/error.h"
#include "fovea/segment.h"

namespace fovea {

namespace {

bool is_picture(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return !path.filename().string().starts_with('.') &&
         (extension == ".png" || extension == ".jpg" || extension == ".jpeg");
}

}  // namespace

std::vector<MaskedPicture> read_masked_pictures(const std::filesystem::path& pictures,
                                                const std::filesystem::path& masks) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(pictures, error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_picture(entry->path())) files.push_back(entry->path());
  }
  if (error) {
    throw Error(ErrorKind::data, fmt::format("{}: cannot list the folder: {}", printable(pictures), error.message()));
  }
  if (files.empty()) throw Error(ErrorKind::data, fmt::format("{}: no pictures", printable(pictures)));
  std::ranges::sort(files);
  std::vector<MaskedPicture> items;
  for (const std::filesystem::path& file : files) {
    const std::filesystem::path mask = masks / (file.stem().string() + ".png");
    MaskedPicture item{read_image(file), read_image(mask)};
    if (item.mask.channels != 1) {
      throw Error(ErrorKind::data,
                  fmt::format("{}: a mask has class numbers as grey, this has colours", printable(mask)));
    }
    if (item.mask.height != item.picture.height || item.mask.width != item.picture.width) {
      throw Error(ErrorKind::data, fmt::format("{}: {}x{}, its picture is {}x{}", printable(mask), item.mask.height,
                                               item.mask.width, item.picture.height, item.picture.width));
    }
    items.push_back(std::move(item));
  }
  return items;
}

SegmentationScores score_masks(std::span<const Image> truths, std::span<const Image> predictions, int64_t classes,
                               int64_t ignore) {
  if (truths.size() != predictions.size() || classes < 1 || classes > 256) {
    throw Error(ErrorKind::usage, fmt::format("{} masks cannot be compared with {} of 1 to 256 classes, got {}",
                                              predictions.size(), truths.size(), classes));
  }
  const auto count = static_cast<size_t>(classes);
  std::vector<int64_t> is(count), said(count), right(count);
  for (size_t n = 0; n < truths.size(); ++n) {
    const Image& truth = truths[n];
    const Image& prediction = predictions[n];
    if (truth.channels != 1 || prediction.channels != 1 || truth.height != prediction.height ||
        truth.width != prediction.width) {
      throw Error(ErrorKind::usage, fmt::format("mask {}: {}x{} cannot be compared with {}x{}", n, prediction.height,
                                                prediction.width, truth.height, truth.width));
    }
    for (size_t i = 0; i < truth.pixels.size(); ++i) {
      const size_t own = truth.pixels[i], other = prediction.pixels[i];
      if (static_cast<int64_t>(own) == ignore) continue;
      if (own >= count || other >= count) {
        throw Error(ErrorKind::usage,
                    fmt::format("mask {}: sample {} is none of the {} classes", n, std::max(own, other), classes));
      }
      ++is[own];
      ++said[other];
      right[own] += static_cast<int64_t>(own == other);
    }
  }
  SegmentationScores scores;
  int64_t pixels = 0, hits = 0, present = 0;
  for (size_t k = 0; k < count; ++k) {
    const int64_t either = is[k] + said[k] - right[k];
    scores.iou.push_back(either == 0 ? std::numeric_limits<double>::quiet_NaN()
                                     : static_cast<double>(right[k]) / static_cast<double>(either));
    pixels += is[k];
    hits += right[k];
    if (is[k] == 0) continue;
    ++present;
    scores.mean_iou += scores.iou.back();
  }
  scores.mean_iou /= static_cast<double>(present);
  scores.pixel_accuracy = static_cast<double>(hits) / static_cast<double>(pixels);
  return scores;
}

Image colour_mask(const Image& mask, int64_t classes) {
  Image image{mask.height, mask.width, 3, {}};
  image.pixels.reserve(3 * mask.pixels.size());
  for (const uint8_t sample : mask.pixels) {
    const std::array<uint8_t, 3> colour =
        sample < classes ? class_colours[sample % class_colours.size()] : std::array<uint8_t, 3>{0, 0, 0};
    image.pixels.insert(image.pixels.end(), colour.begin(), colour.end());
  }
  return image;
}

}  // namespace fovea
