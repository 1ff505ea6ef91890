#include "data_options.h"

#include <fmt/format.h>

#include <utility>

#include "command_line.h"
#include "fovea/data.h"
#include "fovea/known_classes.h"

namespace fovea::cli {

void ResizeOptions::add(CLI::App& app) {
  command = &app;
  const std::string group = "Pictures";
  add_number(app, "--shorter-side", shorter_side,
             "resize the shorter side to this many pixels, then cut out the centre; 0: resize both sides")
      .group(group);
  using enum ResizeFilter;
  add_choice<ResizeFilter>(app, "--filter", filter,
                           {{"nearest", nearest}, {"box", box}, {"bilinear", bilinear}, {"bicubic", bicubic}},
                           "how pictures are resized")
      .group(group);
}

void ResizeOptions::apply(Preprocessing& preprocessing) const {
  if (command == nullptr || preprocessing.height == 0) return;
  if (is_given(*command, "--shorter-side")) preprocessing.shorter_side = shorter_side;
  if (is_given(*command, "--filter")) preprocessing.filter = filter;
  const Preprocessor checks_the_settings(preprocessing);
}

void add_views_option(CLI::App& command, std::string& views) {
  add_option(command, "--tta", views,
             R"(show each picture in several ways and average: "flip", "ten", "scales 256 288, dense 3")")
      .type_name("VIEWS")
      .group("Pictures");
}

void AugmentOptions::add(CLI::App& command) {
  add_option(command, "--augment", augment,
             R"(random changes of training pictures: "pad 4, crop 32, flip"; docs/data.md lists the steps)")
      .type_name("STEPS")
      .group("Data");
  using enum ClassBalance;
  add_choice<ClassBalance>(command, "--class-balance", balance,
                           {{"none", none}, {"weights", weights}, {"sampling", sampling}},
                           "how to make up for rare classes")
      .group("Data");
}

void AugmentOptions::apply(FitOptions& fit) const {
  fit.augmentation = Augmentation(augment);
  fit.balance = balance;
}

std::shared_ptr<const Dataset> in_terms_of(const Model& model, std::shared_ptr<const Dataset> dataset) {
  const auto outputs = static_cast<size_t>(model.graph().node(model.graph().output_node()).shape.back());
  if (dataset->class_names().size() >= outputs) return dataset;
  std::vector<std::string> known = model.class_names;
  for (size_t i = known.size(); i < outputs; ++i) known.push_back(fmt::format("{}", i));
  return with_known_classes(std::move(dataset), std::move(known));
}

}  // namespace fovea::cli
