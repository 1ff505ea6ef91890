#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fovea {

// Measures of a classifier from its scores: logits (or probabilities), one per class, the highest wins.

// How many classes beat the true one, 0..K-1: it is among the k best if the rank is below k. Of equal scores the
// smaller class index wins; a NaN beats nothing and is beaten by everything.
int64_t rank_of_label(std::span<const float> scores, int64_t label);
// The winning class.
int64_t predicted_class(std::span<const float> scores);
// -log softmax(scores)[label], in double.
double cross_entropy_of(std::span<const float> scores, int64_t label);
// softmax(scores), computed in double; `out` is as long.
void softmax_of(std::span<const float> scores, std::span<float> out);

// How often each class (row) was taken for each class (column).
class ConfusionMatrix {
 public:
  ConfusionMatrix() = default;
  explicit ConfusionMatrix(std::vector<std::string> class_names);

  // Throws Error(usage) for a class index out of range.
  void add(int64_t label, int64_t prediction);

  const std::vector<std::string>& class_names() const { return class_names_; }
  int64_t count(int64_t label, int64_t prediction) const { return counts_[index(label, prediction)]; }
  int64_t total() const;
  // Fractions of: all items on the diagonal; a class's items that were recognised; predictions of a class that were
  // right. NaN when there are none to take a fraction of.
  double accuracy() const;
  double recall(int64_t label) const;
  double precision(int64_t prediction) const;
  // 2 TP / (2 TP + FP + FN), the harmonic mean of the two; NaN for a class with neither items nor predictions.
  double f1(int64_t k) const;

  // A table for a terminal: a row per class with its recall at the right; precision below.
  std::string to_text() const;
  // First row: "label" and the class names; then a row per class: its name and counts. Quoted as RFC 4180 says.
  std::string to_csv() const;

 private:
  size_t index(int64_t label, int64_t prediction) const;
  int64_t row_sum(int64_t label) const;
  int64_t column_sum(int64_t prediction) const;

  std::vector<std::string> class_names_;
  std::vector<int64_t> counts_;  // {K, K}, rows are labels
};

// Area under the ROC curve: the chance that an item that is positive has a higher score than one that is not, ties
// counting half (the statistic of Mann and Whitney). NaN unless there are items of both kinds. Throws Error(usage) when
// the counts differ.
double roc_auc(std::span<const float> scores, const std::vector<bool>& positive);

struct CalibrationBin {
  int64_t count = 0;
  double confidence = 0;  // mean of its items; 0 without any
  double accuracy = 0;    // fraction of them that are right
};

// Whether confidence can be believed: of the items predicted with probability 0.8, 80 % should be right.
struct Calibration {
  std::vector<CalibrationBin> bins;  // of equal width over (0, 1], the diagram of reliability
  double expected_error = 0;         // ECE: mean over the items of |accuracy - confidence| of their bin
  double largest_error = 0;          // MCE: of the worst bin
};

// After Guo et al. 2017, On calibration of modern neural networks, section 2. confidence[i] is the probability of the
// class predicted for item i. Throws Error(usage) when the counts differ or bins < 1.
Calibration calibrate(std::span<const float> confidence, const std::vector<bool>& right, int bins = 15);

}  // namespace fovea
