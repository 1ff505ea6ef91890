#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <numeric>

#include "data/convert.h"
#include "fovea/data.h"
#include "fovea/error.h"
#include "fovea/parallel.h"
#include "fovea/random.h"

namespace fovea {

namespace {

constexpr size_t levels = 256;
using Histogram = std::array<int64_t, 3 * levels>;  // {channels, levels}

void count_samples(const Image& image, Histogram& histogram) {
  const auto channels = static_cast<size_t>(image.channels);
  for (size_t i = 0; i < image.pixels.size(); i += channels) {
    for (size_t c = 0; c < channels; ++c) ++histogram[c * levels + image.pixels[i + c]];
  }
}

}  // namespace

std::pair<std::vector<int64_t>, std::vector<int64_t>> split_indices(int64_t size, double fraction, uint64_t seed) {
  if (!(fraction >= 0 && fraction < 1)) {
    throw Error(ErrorKind::usage,
                fmt::format("the validation fraction must be at least 0 and below 1, got {}", fraction));
  }
  const int64_t held_out = std::llround(fraction * static_cast<double>(size));
  if (fraction > 0 && (held_out == 0 || held_out >= size)) {
    throw Error(ErrorKind::usage, fmt::format("a validation fraction of {} leaves {} of {} items for validation and {} "
                                              "for training",
                                              fraction, held_out, size, size - held_out));
  }
  std::vector<int64_t> all(static_cast<size_t>(size));
  std::iota(all.begin(), all.end(), int64_t{0});
  shuffle(all, Random(seed));
  std::vector<int64_t> validation(all.begin(), all.begin() + held_out);
  std::vector<int64_t> training(all.begin() + held_out, all.end());
  std::sort(training.begin(), training.end());
  std::sort(validation.begin(), validation.end());
  return {std::move(training), std::move(validation)};
}

Statistics measure_statistics(const Dataset& dataset, int channels, int64_t max_items) {
  if (dataset.size() < 1 || max_items < 1 || (channels != 1 && channels != 3)) {
    throw Error(ErrorKind::usage,
                fmt::format("statistics need pictures and 1 or 3 channels, got {} pictures, {} wanted, "
                            "{} channels",
                            dataset.size(), max_items, channels));
  }
  const int64_t items = std::min(dataset.size(), max_items);
  Histogram total{};
  std::mutex mutex;
  parallel_for(items, 64, [&](int64_t begin, int64_t end) {
    Histogram part{};
    Image image, converted;
    for (int64_t i = begin; i < end; ++i) {
      dataset.read(i * dataset.size() / items, image);
      if (image.channels != channels) convert_channels(image, channels, converted);
      count_samples(image.channels == channels ? image : converted, part);
    }
    const std::lock_guard lock(mutex);
    for (size_t i = 0; i < total.size(); ++i) total[i] += part[i];
  });

  Statistics statistics;
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    double count = 0, sum = 0, squares = 0;
    for (size_t level = 0; level < levels; ++level) {
      const auto n = static_cast<double>(total[c * levels + level]);
      const double value = static_cast<double>(level) / 255.0;
      count += n;
      sum += n * value;
      squares += n * value * value;
    }
    const double mean = sum / count;
    const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
    statistics.mean.push_back(static_cast<float>(mean));
    statistics.std.push_back(static_cast<float>(std::max(deviation, 1.0 / 255.0)));
  }
  return statistics;
}

}  // namespace fovea
