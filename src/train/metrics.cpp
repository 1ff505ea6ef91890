#include "fovea/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "fovea/error.h"

namespace fovea {

int64_t rank_of_label(std::span<const float> scores, int64_t label) {
  const auto at = static_cast<size_t>(label);
  const float score = scores[at];
  if (std::isnan(score)) return static_cast<int64_t>(scores.size()) - 1;
  int64_t rank = 0;
  for (size_t k = 0; k < scores.size(); ++k) {
    if (scores[k] > score || (scores[k] == score && k < at)) ++rank;
  }
  return rank;
}

int64_t predicted_class(std::span<const float> scores) {
  size_t best = 0;
  for (size_t k = 1; k < scores.size(); ++k) {
    if (scores[k] > scores[best] || std::isnan(scores[best])) best = k;
  }
  return static_cast<int64_t>(best);
}

double cross_entropy_of(std::span<const float> scores, int64_t label) {
  const double highest = *std::ranges::max_element(scores);
  double sum = 0;
  for (const float score : scores) sum += std::exp(score - highest);
  return std::log(sum) + highest - scores[static_cast<size_t>(label)];
}

void softmax_of(std::span<const float> scores, std::span<float> out) {
  const double highest = *std::ranges::max_element(scores);
  double sum = 0;
  for (const float score : scores) sum += std::exp(score - highest);
  for (size_t k = 0; k < scores.size(); ++k) out[k] = static_cast<float>(std::exp(scores[k] - highest) / sum);
}

namespace {

double fraction(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : std::numeric_limits<double>::quiet_NaN();
}

std::string percent(double value) { return std::isnan(value) ? "-" : fmt::format("{:.1f}%", 100 * value); }

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(std::vector<std::string> class_names)
    : class_names_(std::move(class_names)), counts_(class_names_.size() * class_names_.size()) {}

size_t ConfusionMatrix::index(int64_t label, int64_t prediction) const {
  return static_cast<size_t>(label) * class_names_.size() + static_cast<size_t>(prediction);
}

void ConfusionMatrix::add(int64_t label, int64_t prediction) {
  const auto classes = static_cast<int64_t>(class_names_.size());
  for (const int64_t k : {label, prediction}) {
    if (k < 0 || k >= classes) {
      throw Error(ErrorKind::usage, fmt::format("confusion matrix of {} classes: there is no class {}", classes, k));
    }
  }
  ++counts_[index(label, prediction)];
}

int64_t ConfusionMatrix::row_sum(int64_t label) const {
  int64_t sum = 0;
  for (int64_t k = 0; k < std::ssize(class_names_); ++k) sum += count(label, k);
  return sum;
}

int64_t ConfusionMatrix::column_sum(int64_t prediction) const {
  int64_t sum = 0;
  for (int64_t k = 0; k < std::ssize(class_names_); ++k) sum += count(k, prediction);
  return sum;
}

int64_t ConfusionMatrix::total() const { return std::accumulate(counts_.begin(), counts_.end(), int64_t{0}); }

double ConfusionMatrix::accuracy() const {
  int64_t right = 0;
  for (int64_t k = 0; k < std::ssize(class_names_); ++k) right += count(k, k);
  return fraction(right, total());
}

double ConfusionMatrix::recall(int64_t label) const { return fraction(count(label, label), row_sum(label)); }

double ConfusionMatrix::precision(int64_t prediction) const {
  return fraction(count(prediction, prediction), column_sum(prediction));
}

double ConfusionMatrix::f1(int64_t k) const { return fraction(2 * count(k, k), row_sum(k) + column_sum(k)); }

std::string ConfusionMatrix::to_text() const {
  const auto classes = std::ssize(class_names_);
  // Columns are headed by the class index, so that long names widen only the first column.
  size_t name_width = std::string("precision").size();
  for (const std::string& name : class_names_) name_width = std::max(name_width, name.size() + 4);
  size_t width = std::string("100.0%").size();
  for (const int64_t count : counts_) width = std::max(width, fmt::formatted_size("{}", count));

  std::string text = fmt::format("{:<{}}", "", name_width);
  for (int64_t k = 0; k < classes; ++k) text += fmt::format("  {:>{}}", k, width);
  text += "  recall\n";
  for (int64_t label = 0; label < classes; ++label) {
    text += fmt::format("{:<{}}", fmt::format("{:>3} {}", label, class_names_[static_cast<size_t>(label)]), name_width);
    for (int64_t k = 0; k < classes; ++k) text += fmt::format("  {:>{}}", count(label, k), width);
    text += fmt::format("  {:>6}\n", percent(recall(label)));
  }
  text += fmt::format("{:<{}}", "precision", name_width);
  for (int64_t k = 0; k < classes; ++k) text += fmt::format("  {:>{}}", percent(precision(k)), width);
  return text + fmt::format("  {:>6}\n", percent(accuracy()));
}

std::string ConfusionMatrix::to_csv() const {
  std::string text = "label";
  for (const std::string& name : class_names_) text += ',' + csv_field(name);
  text += '\n';
  for (int64_t label = 0; label < std::ssize(class_names_); ++label) {
    text += csv_field(class_names_[static_cast<size_t>(label)]);
    for (int64_t k = 0; k < std::ssize(class_names_); ++k) text += fmt::format(",{}", count(label, k));
    text += '\n';
  }
  return text;
}

}  // namespace fovea
