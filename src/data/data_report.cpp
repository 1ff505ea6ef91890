#include "fovea/data_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "fovea/class_balance.h"
#include "fovea/parallel.h"

namespace fovea {

namespace {

// Extents and content of a picture, short enough to keep for all of them.
struct Fingerprint {
  int height = 0, width = 0, channels = 0;
  std::array<uint64_t, 2> hash{};

  bool operator<(const Fingerprint& other) const {
    return std::tie(height, width, channels, hash) < std::tie(other.height, other.width, other.channels, other.hash);
  }
};

// FNV-1a over words of eight bytes, from two starting points.
std::array<uint64_t, 2> hash_of(const std::vector<uint8_t>& bytes) {
  std::array<uint64_t, 2> hash = {0xCBF29CE484222325, 0x9E3779B97F4A7C15};
  for (size_t i = 0; i < bytes.size(); i += 8) {
    uint64_t word = 0;
    for (size_t k = i; k < std::min(i + 8, bytes.size()); ++k) word = word << 8 | bytes[k];
    for (uint64_t& h : hash) {
      h = (h ^ word) * 0x100000001B3;
      h ^= h >> 29;
    }
  }
  return hash;
}

std::vector<Fingerprint> fingerprints(const Dataset& dataset) {
  std::vector<Fingerprint> prints(static_cast<size_t>(dataset.size()));
  parallel_for(dataset.size(), 16, [&](int64_t begin, int64_t end) {
    Image image;
    for (int64_t i = begin; i < end; ++i) {
      dataset.read(i, image);
      prints[static_cast<size_t>(i)] = {image.height, image.width, image.channels, hash_of(image.pixels)};
    }
  });
  return prints;
}

void write_extents(std::vector<int> values, int out[3]) {
  std::sort(values.begin(), values.end());
  out[0] = values.front();
  out[1] = values[values.size() / 2];
  out[2] = values.back();
}

PartReport describe_part(const std::string& name, const Dataset& dataset, const std::vector<Fingerprint>& prints) {
  PartReport part{.name = name, .class_counts = class_counts(dataset), .items = dataset.size()};
  std::vector<int> heights;
  std::vector<int> widths;
  for (const Fingerprint& print : prints) {
    heights.push_back(print.height);
    widths.push_back(print.width);
    part.grey += static_cast<int64_t>(print.channels == 1);
  }
  write_extents(std::move(heights), part.heights);
  write_extents(std::move(widths), part.widths);
  part.statistics = measure_statistics(dataset, part.grey == part.items ? 1 : 3);
  return part;
}

struct Place {
  size_t part;
  int64_t item;
};

Duplicates describe_duplicates(const std::vector<Place>& places,
                               const std::vector<std::shared_ptr<const Dataset>>& parts) {
  Duplicates duplicates;
  for (const Place& place : places) {
    const Place& first = places.front();
    duplicates.items.push_back(parts[place.part]->item_name(place.item));
    duplicates.across_parts = duplicates.across_parts || place.part != first.part;
    duplicates.across_classes =
        duplicates.across_classes || parts[place.part]->label(place.item) != parts[first.part]->label(first.item);
  }
  return duplicates;
}

}  // namespace

DataReport report_data(const DataSplits& splits) {
  DataReport report;
  report.class_names = splits.train->class_names();
  std::vector<std::shared_ptr<const Dataset>> parts = {splits.train};
  if (splits.test) parts.push_back(splits.test);
  std::map<Fingerprint, std::vector<Place>> places;
  for (size_t p = 0; p < parts.size(); ++p) {
    const std::vector<Fingerprint> prints = fingerprints(*parts[p]);
    report.parts.push_back(describe_part(p == 0 ? "train" : "test", *parts[p], prints));
    for (size_t i = 0; i < prints.size(); ++i) places[prints[i]].push_back({p, static_cast<int64_t>(i)});
    const std::vector<std::string> warnings = parts[p]->warnings();
    report.warnings.insert(report.warnings.end(), warnings.begin(), warnings.end());
    const std::vector<std::string> lines = class_warnings(*parts[p], report.parts.back().name);
    report.warnings.insert(report.warnings.end(), lines.begin(), lines.end());
  }
  for (const auto& [print, same] : places) {
    if (same.size() > 1) report.duplicates.push_back(describe_duplicates(same, parts));
  }
  return report;
}

}  // namespace fovea
