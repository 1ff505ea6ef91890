#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/file.h"
#include "fovea/error.h"
#include "fovea/features.h"
#include "fovea/picture_sheet.h"
#include "model_options.h"
#include "options.h"
#include "table.h"

namespace fovea::cli {

namespace {

struct SearchImagesOptions {
  CommonOptions common;
  ModelOptions model;
  std::string input;
  std::string picture, folder;
  FeatureOptions extract;
  int64_t top = 10;
  std::string sheet;
  Format format = Format::text;
};

void write_sheet(const SearchImagesOptions& options, const Dataset& pictures, const std::vector<Neighbour>& found) {
  std::vector<SheetPicture> sheet = {{read_image(options.picture), {"looked for"}}};
  for (const Neighbour& neighbour : found) {
    Image image;
    pictures.read(neighbour.item, image);
    sheet.push_back(
        {std::move(image), {fmt::format("{:.3f}", neighbour.similarity)}, pictures.item_name(neighbour.item)});
  }
  const std::string svg = picture_sheet(sheet);
  write_file_atomically(options.sheet, std::as_bytes(std::span(svg)));
}

void print_found(const SearchImagesOptions& options, const Dataset& pictures, const std::vector<Neighbour>& found) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  std::vector<Line> lines;
  for (const Neighbour& neighbour : found) {
    const std::string name = pictures.item_name(neighbour.item);
    rows.push_back({{"picture", name}, {"similarity", neighbour.similarity}});
    lines.push_back({fmt::format("{:.4f}", neighbour.similarity), name});
  }
  switch (options.format) {
    case Format::text:
      return print_table(lines, "rl");
    case Format::json:
      return fmt::print("{}\n", rows.dump());
    case Format::csv:
      return print_csv(rows);
  }
}

void run_search_images(const SearchImagesOptions& options) {
  options.common.apply();
  require_option(options.picture, "name a model, the picture to look for, and the folder to look in");
  require_option(options.folder, "name the folder to look in after the picture");
  Model model = options.model.open(input_shape(options.input));
  const auto pictures = open_pictures(options.folder);
  for (const std::string& warning : pictures->warnings()) fmt::print(stderr, "fovea: warning: {}\n", warning);
  const auto query = make_dataset({read_image(options.picture)}, {0}, {"picture"});
  const Tensor items = extract_features(model, pictures, options.extract);
  const auto found = nearest_neighbours(items, extract_features(model, query, options.extract), options.top).front();
  print_found(options, *pictures, found);
  if (!options.sheet.empty()) write_sheet(options, *pictures, found);
}

}  // namespace

Run add_search_images(CLI::App& program) {
  auto options = std::make_shared<SearchImagesOptions>();
  CLI::App& command = add_command(program, "search-images", "The pictures in a folder that are most like one");
  options->model.add(command);
  options->model.add_pictures(command);
  add_input_option(command, options->input);
  add_option(command, "picture", options->picture, "picture to look for").type_name("FILE");
  add_option(command, "folder", options->folder, "folder to look in, and in those below it").type_name("FOLDER");
  add_option(command, "--layer", options->extract.layer,
             "node whose activations are compared; default: what the last dense layer or convolution reads")
      .type_name("NODE");
  add_number(command, "--top", options->top, "pictures to find");
  add_number(command, "--workers", options->extract.workers, "background threads that read pictures");
  add_option(command, "--sheet", options->sheet, "show the pictures found side by side").type_name("FILE.svg");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_search_images(*options); };
}

}  // namespace fovea::cli
