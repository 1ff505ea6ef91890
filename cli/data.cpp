#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/file.h"
#include "core/text.h"
#include "data/csv.h"
#include "fetch.h"
#include "fovea/augment.h"
#include "fovea/class_balance.h"
#include "fovea/contact_sheet.h"
#include "fovea/data_report.h"
#include "fovea/data_sources.h"
#include "fovea/error.h"
#include "options.h"
#include "table.h"

namespace fovea::cli {

namespace {

namespace fs = std::filesystem;

struct DataCommand {
  CommonOptions common;
  DataOptions data;
  std::string action;
  std::string out;
  std::string augment;
  int64_t count = 8;
  int side = 0;
  double fraction = 0.2;
  uint64_t seed = 0;
  FetchOptions fetch;
  Format format = Format::text;
};

// ---- info ----------------------------------------------------------------------------------------------------------

// A report lists bad pictures; it does not stop at them.
DataSplits open_with_warnings_kept(const DataCommand& options) {
  require_option(options.data.data, "name a data set or folder: fovea data info flowers");
  return open_dataset(options.data.data, {.data_dir = options.data.data_dir, .on_bad_picture = BadPictures::skip});
}

std::string extents_text(const int values[3]) {
  return values[0] == values[2] ? fmt::format("{}", values[0])
                                : fmt::format("{} to {}, half of them above {}", values[0], values[2], values[1]);
}

std::string numbers(const std::vector<float>& values) {
  std::string text;
  for (const float value : values) text += fmt::format("{}{:.4f}", text.empty() ? "" : " ", value);
  return text;
}

void print_text(const DataReport& report) {
  for (const PartReport& part : report.parts) {
    fmt::print("{:<9} {} pictures in {} classes, {} grey\n", part.name, part.items, report.class_names.size(),
               part.grey);
    fmt::print("  height  {}\n  width   {}\n", extents_text(part.heights), extents_text(part.widths));
    fmt::print("  mean    {}\n  std     {}\n", numbers(part.statistics.mean), numbers(part.statistics.std));
  }
  fmt::print("\n");
  for (const PartReport& part : report.parts) fmt::print("{:>8}  ", part.name);
  fmt::print("class\n");
  for (size_t i = 0; i < report.class_names.size(); ++i) {
    for (const PartReport& part : report.parts) fmt::print("{:>8}  ", part.class_counts[i]);
    fmt::print("{}\n", report.class_names[i]);
  }
  if (!report.duplicates.empty()) fmt::print("\n{} groups of equal pictures\n", report.duplicates.size());
  constexpr size_t shown = 20;
  for (size_t i = 0; i < std::min(report.duplicates.size(), shown); ++i) {
    const Duplicates& same = report.duplicates[i];
    fmt::print("  {} equal pictures{}{}: {} and {}\n", same.items.size(),
               same.across_classes ? ", in different classes" : "", same.across_parts ? ", in training and test" : "",
               same.items[0], same.items[1]);
  }
  if (report.duplicates.size() > shown) fmt::print("  and {} more\n", report.duplicates.size() - shown);
  if (!report.warnings.empty()) fmt::print("\n{} warnings\n", report.warnings.size());
  for (const std::string& warning : report.warnings) fmt::print("  {}\n", warning);
}

void print_json(const DataReport& report) {
  nlohmann::ordered_json json = {{"classes", report.class_names}};
  for (const PartReport& part : report.parts) {
    json["parts"].push_back({{"name", part.name},
                             {"items", part.items},
                             {"grey", part.grey},
                             {"class_counts", part.class_counts},
                             {"heights", part.heights},
                             {"widths", part.widths},
                             {"mean", part.statistics.mean},
                             {"std", part.statistics.std}});
  }
  json["duplicates"] = nlohmann::ordered_json::array();
  for (const Duplicates& same : report.duplicates) {
    json["duplicates"].push_back(
        {{"items", same.items}, {"across_classes", same.across_classes}, {"across_parts", same.across_parts}});
  }
  json["warnings"] = report.warnings;
  fmt::print("{}\n", json.dump());
}

void print_csv(const DataReport& report) {
  fmt::print("part,class,pictures\n");
  for (const PartReport& part : report.parts) {
    for (size_t i = 0; i < report.class_names.size(); ++i) {
      fmt::print("{},{},{}\n", part.name, csv_field(report.class_names[i]), part.class_counts[i]);
    }
  }
}

void run_info(const DataCommand& options) {
  const DataReport report = report_data(open_with_warnings_kept(options));
  switch (options.format) {
    case Format::text:
      return print_text(report);
    case Format::json:
      return print_json(report);
    case Format::csv:
      return print_csv(report);
  }
}

// ---- preview -------------------------------------------------------------------------------------------------------

// `count` items, from all classes in turn.
std::vector<int64_t> choose_items(const Dataset& dataset, int64_t count, uint64_t seed) {
  std::vector<std::vector<int64_t>> classes(dataset.class_names().size());
  for (int64_t i = 0; i < dataset.size(); ++i) classes[static_cast<size_t>(dataset.label(i))].push_back(i);
  for (size_t c = 0; c < classes.size(); ++c) shuffle(classes[c], Random(seed).substream(c));
  std::vector<int64_t> chosen;
  for (size_t round = 0; std::ssize(chosen) < std::min(count, dataset.size()); ++round) {
    for (const std::vector<int64_t>& items : classes) {
      if (round < items.size() && std::ssize(chosen) < count) chosen.push_back(items[round]);
    }
  }
  return chosen;
}

void run_preview(const DataCommand& options) {
  constexpr int columns = 8;
  const Augmentation augmentation(options.augment);
  const DataSplits splits = options.data.open();
  if (options.count < 1)
    throw Error(ErrorKind::usage, fmt::format("--count must be at least 1, got {}", options.count));
  const std::string out = options.out.empty() ? "preview.png" : options.out;
  std::vector<Image> pictures;
  for (const int64_t item : choose_items(*splits.train, options.count, options.seed)) {
    Image image;
    splits.train->read(item, image);
    pictures.push_back(image);
    for (int epoch = 0; augmentation.changes_pictures() && epoch + 1 < columns; ++epoch) {
      augmented(splits.train, augmentation, options.seed, static_cast<uint64_t>(epoch))->read(item, image);
      pictures.push_back(image);
    }
    fmt::print("{}  {}\n", splits.train->class_names()[static_cast<size_t>(splits.train->label(item))],
               splits.train->item_name(item));
  }
  write_image(out, contact_sheet(pictures, columns, options.side == 0 ? 96 : options.side));
  fmt::print("written   {}\n", out);
}

// ---- split and pack ------------------------------------------------------------------------------------------------

void write_list(const fs::path& path, const Dataset& dataset, const std::vector<int64_t>& items) {
  std::string text = "path,label\n";
  for (const int64_t item : items) {
    const fs::path picture = fs::absolute(dataset.item_name(item));
    if (std::error_code error; !fs::is_regular_file(picture, error)) {
      throw Error(ErrorKind::data,
                  fmt::format("{} is no file with a name in UTF-8, so it cannot be listed", dataset.item_name(item)));
    }
    const std::string& name = dataset.class_names()[static_cast<size_t>(dataset.label(item))];
    text += fmt::format("{},{}\n", csv_quoted(picture.string()), csv_quoted(name));
  }
  write_file_atomically(path, std::as_bytes(std::span(text)));
}

void run_split(const DataCommand& options) {
  require_option(options.out, "name the folder for train.csv and val.csv with --out");
  const DataSplits splits = options.data.open();
  const auto [training, validation] = stratified_split(*splits.train, options.fraction, options.seed);
  const fs::path folder = options.out;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorKind::data, fmt::format("cannot create {}: {}", printable(folder), error.message()));
  std::string names;
  for (const std::string& name : splits.train->class_names()) names += name + '\n';
  write_file_atomically(folder / "classes.txt", std::as_bytes(std::span(names)));
  write_list(folder / "val.csv", *splits.train, validation);
  write_list(folder / "train.csv", *splits.train, training);
  fmt::print("written   {}: {} pictures to train on, {} to validate; use it with --data {}\n", options.out,
             training.size(), validation.size(), options.out);
}

void run_pack(const DataCommand& options) {
  require_option(options.out, "name the file to write with --out FILE.safetensors");
  if (!options.out.ends_with(".safetensors")) {
    throw Error(ErrorKind::usage, fmt::format("--out must end in .safetensors, got {}", options.out));
  }
  const DataSplits splits = options.data.open();
  write_packed(options.out, splits, options.side);
  fmt::print("written   {}; use it with --data {}\n", options.out, options.out);
}

void run_data(const DataCommand& options) {
  options.common.apply();
  if (options.action == "info") return run_info(options);
  if (options.action == "preview") return run_preview(options);
  if (options.action == "split") return run_split(options);
  if (options.action == "pack") return run_pack(options);
  if (options.action == "fetch") return run_fetch(options.data.data, options.data.data_dir, options.fetch);
  throw Error(ErrorKind::usage, "choose what to do: fovea data info|preview|split|pack|fetch DATA");
}

}  // namespace

Run add_data(CLI::App& program) {
  auto options = std::make_shared<DataCommand>();
  CLI::App& command = add_command(program, "data", "Look at, split, pack or fetch labelled pictures");
  add_choice(
      command, "action", options->action, {"info", "preview", "split", "pack", "fetch"},
      "info: counts, sizes, means, broken and equal pictures; preview: a contact sheet; split: lists for training "
      "and validation; pack: one file that opens at once; fetch: from the Internet");
  add_option(command, "what", options->data.data, "a data set by name, a folder, a list, a CSV file or a packed file")
      .type_name("DATA");
  options->data.add(command);
  add_option(command, "--out", options->out, "what preview, split and pack write").type_name("PATH");
  add_option(command, "--augment", options->augment, "preview: a row per picture, the first one unchanged")
      .type_name("STEPS");
  add_number(command, "--count", options->count, "preview: how many pictures");
  add_number(command, "--side", options->side, "preview, pack: size of each picture in pixels; pack cuts squares");
  add_number(command, "--fraction", options->fraction, "split: share of each class for validation");
  add_number(command, "--seed", options->seed, "of the choice of pictures, and of augmentation");
  options->fetch.add(command);
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_data(*options); };
}

}  // namespace fovea::cli
