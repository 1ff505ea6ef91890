#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fovea/data.h"

namespace fovea {

// What there is to know about the pictures of one part of a data set.
struct PartReport {
  std::string name;  // "train" or "test"
  std::vector<int64_t> class_counts{};
  int64_t items = 0;
  int64_t grey = 0;  // pictures of one channel
  // Extents in pixels, each on its own: of the smallest, the middle and the largest.
  int heights[3] = {0, 0, 0};
  int widths[3] = {0, 0, 0};
  Statistics statistics{};  // of at most 10,000 pictures
};

// Pictures with the same pixels.
struct Duplicates {
  std::vector<std::string> items;  // names
  bool across_classes = false;
  bool across_parts = false;  // in training and in test: what is tested was learned
};

struct DataReport {
  std::vector<std::string> class_names;
  std::vector<PartReport> parts;
  std::vector<Duplicates> duplicates;
  std::vector<std::string> warnings;  // bad pictures, classes with a single picture or without any
};

// Reads every picture once, in parallel. Equal pictures are told by their extents and two hashes of their samples, 128
// bits. Throws Error(data) when a picture has become unreadable.
DataReport report_data(const DataSplits& splits);

}  // namespace fovea
