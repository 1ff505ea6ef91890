#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fovea/tensor.h"

// Data sets as a network sees them: the features of pictures (features.h), a row each, as maps.
namespace fovea {

struct PrincipalComponents {
  Tensor points;                    // {N, components}
  std::vector<double> explained{};  // part of the variance along each
};

// Coordinates of the rows of {N, D} along the directions of greatest variance (Pearson 1901), about their mean; each
// direction points so that its largest element is positive. Throws Error(usage) unless 1 <= components <= min(N, D).
PrincipalComponents principal_components(const Tensor& rows, int64_t components = 2);

struct TsneOptions {
  double perplexity = 30;     // number of neighbours that count; at most a third of the points is taken
  int64_t iterations = 1000;  // the first quarter with attraction 12 times as strong (early exaggeration)
  int64_t components = 50;    // principal components that stand for the rows; 0: the rows as they are
  uint64_t seed = 0;
};

// t-distributed stochastic neighbour embedding (van der Maaten & Hinton 2008) of the rows of {N, D}: {N, 2}, exactly
// (time and memory grow with N^2), from the first two principal components scaled to deviation 1e-4, by gradient
// descent with momentum .5, then .8, gains, and rate max(50, N / 48) (Belkina et al. 2019). The same seed gives the
// same bits. Throws Error(usage) for fewer than 4 or more than 20,000 rows, and options that make no sense.
Tensor tsne(const Tensor& rows, const TsneOptions& options = {});

// Cosines between the classes' mean rows, less the mean of all: {classes, classes}. 0 where a class has no row. Throws
// Error(usage) unless there is a label for each row, 0 to classes - 1.
Tensor class_similarity(const Tensor& rows, std::span<const int64_t> labels, int64_t classes);

// Points {N, 2} as self-contained SVG: a colour for each class (up to 20, then again), a legend for at most 20, and the
// text of each point where a pointer rests on it.
std::string embedding_svg(const Tensor& points, std::span<const int64_t> labels,
                          const std::vector<std::string>& class_names, std::span<const std::string> texts,
                          const std::string& title);

// A matrix of numbers -1 to 1 as self-contained SVG, blue below, red above zero; numbers where a pointer rests.
std::string similarity_svg(const Tensor& matrix, const std::vector<std::string>& class_names, const std::string& title);

}  // namespace fovea
