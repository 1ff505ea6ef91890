#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/assessment.h"
#include "fovea/data.h"
#include "fovea/train.h"

// What came of a training run, for people.
namespace fovea {

struct Report {
  std::string title{};
  std::vector<std::pair<std::string, std::string>> facts{};     // shown first: name and value
  History history{};                                            // its curves
  std::optional<Assessment> assessment{};                       // tables, charts and mistakes
  std::shared_ptr<const Dataset> dataset{};                     // what was assessed: the pictures of the mistakes
  std::string network{};                                        // a table as plain text
  std::vector<std::pair<std::string, std::string>> settings{};  // name and value
  std::vector<std::string> warnings{};                          // about the data, such as pictures left out
  int64_t mistakes = 24;                                        // at most so many are shown, the worst first
};

// One page of HTML that needs nothing but itself: no scripts, fonts or pictures from elsewhere. Made to be read on a
// screen, at a phone's width and on paper. Throws Error(data) when a picture cannot be read.
std::string to_html(const Report& report);

// The worst mistakes as SVG: pictures, and what they are and were taken for. Throws as to_html does.
std::string mistakes_svg(const Assessment& assessment, const Dataset& dataset, int64_t most = 24);

// Curves over the epochs: loss, and accuracy in percent, of training and validation. Throws Error(usage) without
// epochs.
std::string loss_svg(const History& history);
std::string accuracy_svg(const History& history);
// The diagram of reliability: accuracy against confidence.
std::string reliability_svg(const Calibration& calibration);

// Judges the best weights of the run in `folder` (the last ones, where no epoch ended) by `dataset` and writes there:
// report.html, and what it shows as SVG files: loss, accuracy, confusion, reliability, mistakes. `warnings`, those of
// all data sets of the run, are counted and shown.
// Throws as read_run_config, read_history, load_model and evaluate do; Error(data) when a file cannot be written.
void write_report(const std::filesystem::path& folder, std::shared_ptr<const Dataset> dataset,
                  std::vector<std::string> warnings = {});

}  // namespace fovea
