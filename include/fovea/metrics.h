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

}  // namespace fovea
