#include "train/activation_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "fovea/error.h"
#include "fovea/parallel.h"
#include "fovea/session.h"
#include "train/classifier.h"

namespace fovea {

namespace {

constexpr size_t bins = 2048;

// Runs the network over all pictures and calls read(node, its value for the pictures of a batch) for the nodes of every
// group; groups in parallel.
class Observer {
 public:
  using Read = std::function<void(size_t group, const std::string& node, std::span<const float> value)>;

  Observer(Model& model, const std::shared_ptr<const Dataset>& pictures,
           const std::vector<std::vector<std::string>>& groups, int64_t batch)
      : model_(model),
        pictures_(pictures),
        groups_(groups),
        batch_(batch),
        input_(find_picture_input(model)),
        session_(model, {.batch = batch, .keep = all(groups)}) {}

  void walk(const Read& read) {
    std::vector<int64_t> items(static_cast<size_t>(pictures_->size()));
    std::iota(items.begin(), items.end(), int64_t{0});
    Loader loader(pictures_, model_.preprocessing, std::move(items), {.batch_size = batch_});
    while (const Batch* batch = loader.next()) {
      std::ranges::copy(batch->images.values(), session_.input(input_).begin());
      session_.forward();
      parallel_for(std::ssize(groups_), 1, [&](int64_t begin, int64_t end) {
        for (auto group = static_cast<size_t>(begin); group < static_cast<size_t>(end); ++group) {
          for (const std::string& node : groups_[group]) {
            const std::span<const float> value = session_.activation(node);
            const size_t of_one = value.size() / static_cast<size_t>(batch_);
            read(group, node, value.first(of_one * static_cast<size_t>(batch->count)));
          }
        }
      });
    }
  }

 private:
  static std::vector<std::string> all(const std::vector<std::vector<std::string>>& groups) {
    std::vector<std::string> nodes;
    for (const auto& group : groups) nodes.insert(nodes.end(), group.begin(), group.end());
    return nodes;
  }

  Model& model_;
  const std::shared_ptr<const Dataset>& pictures_;
  const std::vector<std::vector<std::string>>& groups_;
  int64_t batch_;
  std::string input_;
  Session session_;
};

// The mean squared error of bytes with this step in [low, high], times the number of elements.
double error_of(const ValueHistogram& h, double low, double high) {
  const double step = (high - low) / 255;
  const double width = (static_cast<double>(h.high) - h.low) / static_cast<double>(h.counts.size());
  double error = 0;
  for (size_t i = 0; i < h.counts.size(); ++i) {
    if (h.counts[i] == 0) continue;
    const double x = h.low + width * (static_cast<double>(i) + 0.5);
    const double beyond = std::max({0.0, x - high, low - x});
    error += static_cast<double>(h.counts[i]) * (beyond > 0 ? beyond * beyond : step * step / 12);
  }
  return error;
}

Quantization affine(double low, double high) {
  const double scale = (high - low) / 255;
  return {.scale = static_cast<float>(scale),
          .zero_point = static_cast<int32_t>(std::clamp(std::nearbyint(-low / scale), 0.0, 255.0))};
}

}  // namespace

std::vector<ValueHistogram> measure_ranges(Model& model, const std::shared_ptr<const Dataset>& pictures,
                                           const std::vector<std::vector<std::string>>& groups,
                                           const QuantizeOptions& options) {
  if (pictures->size() == 0) throw Error(ErrorKind::usage, fmt::format("{}: no pictures", pictures->describe()));
  if (options.batch < 1) throw Error(ErrorKind::usage, fmt::format("batch must be at least 1, got {}", options.batch));
  Observer observer(model, pictures, groups, std::min(options.batch, pictures->size()));
  std::vector<ValueHistogram> histograms(
      groups.size(), {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()});
  observer.walk([&](size_t group, const std::string& node, std::span<const float> value) {
    ValueHistogram& h = histograms[group];
    for (const float x : value) {
      if (!std::isfinite(x)) {
        throw Error(ErrorKind::failure, fmt::format("node '{}' gives a NaN or an infinity: it has no range", node));
      }
      h.low = std::min(h.low, x);
      h.high = std::max(h.high, x);
    }
  });
  for (ValueHistogram& h : histograms) h.counts.resize(bins);
  observer.walk([&](size_t group, const std::string& /*node*/, std::span<const float> value) {
    ValueHistogram& h = histograms[group];
    const float per_bin = h.high > h.low ? static_cast<float>(bins) / (h.high - h.low) : 0.0F;
    for (const float x : value) ++h.counts[std::min(bins - 1, static_cast<size_t>((x - h.low) * per_bin))];
  });
  return histograms;
}

Quantization choose_quantization(const ValueHistogram& h) {
  const double low = std::min(0.0, static_cast<double>(h.low));
  const double high = std::max(0.0, static_cast<double>(h.high));
  // Values too small to have a scale are as good as zero.
  if (high - low < 1e-30) return {};
  constexpr int candidates = 100;
  double best = 1;
  double least = error_of(h, low, high);
  for (int i = 1; i < candidates; ++i) {
    const double a = static_cast<double>(i) / candidates;
    if (const double error = error_of(h, a * low, a * high); error < least) {
      least = error;
      best = a;
    }
  }
  return affine(best * low, best * high);
}

}  // namespace fovea
