#include "fovea/segment.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "fovea/colour_map.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/train.h"
#include "fovea/zoo.h"
#include "interrupt.h"
#include "model_options.h"
#include "options.h"
#include "table.h"
#include "words.h"

namespace fovea::cli {

namespace {

struct SegmentCommand {
  CommonOptions common;
  ModelOptions model;
  std::string input;
  std::vector<std::string> pictures;
  std::string masks;
  std::string train;
  FitMasksOptions fit;
  int64_t per_class = 500;
  std::string method = "patches";
  int64_t stride = 8;
  std::string save;
  std::string output;
  Format format = Format::text;
};

bool is_classifier(const Model& model) {
  const Graph& graph = model.graph();
  return graph.node(graph.output_node()).shape.rank() == 2;
}

int64_t classes_of(const Model& model) {
  const Graph& graph = model.graph();
  return graph.node(graph.output_node()).shape.back();
}

std::vector<std::string> names_of(const Model& model) {
  std::vector<std::string> names;
  for (int64_t k = 0; k < classes_of(model); ++k) names.push_back(class_name(model, k));
  return names;
}

// A network by name with fresh weights.
Model fresh_model(const SegmentCommand& command) {
  ZooOptions variant = command.model.variant;
  variant.input = input_shape(command.input);
  Model model = zoo::create(command.model.model, variant, command.fit.seed);
  const Shape& input = model.graph().node(model.graph().inputs()[0]).shape;
  model.preprocessing = {.height = static_cast<int>(input[1]),
                         .width = static_cast<int>(input[2]),
                         .channels = 3,
                         .mean = {0.485F, 0.456F, 0.406F},
                         .std = {0.229F, 0.224F, 0.225F}};
  return model;
}

Model train(const SegmentCommand& command) {
  require_option(command.masks, "name the folder with the masks of the pictures: --masks FOLDER");
  const std::vector<MaskedPicture> items = read_masked_pictures(command.train, command.masks);
  const bool fresh = command.model.weights.empty() && !is_model_file(command.model.model);
  Model model = fresh ? fresh_model(command) : command.model.open(input_shape(command.input));
  const std::atomic<bool>& stop = catch_interrupts();
  if (is_classifier(model)) {
    const PatchSetOptions patches = {.height = model.preprocessing.height,
                                     .width = model.preprocessing.width,
                                     .per_class = command.per_class,
                                     .ignore = command.fit.ignore,
                                     .seed = command.fit.seed};
    model.class_names = names_of(model);
    FitOptions options{.epochs = command.fit.epochs, .optimizer = command.fit.optimizer, .seed = command.fit.seed};
    options.schedule = command.fit.schedule;
    options.stop = &stop;
    options.on_epoch = [](const EpochRecord& record) {
      fmt::print("epoch {:4}  loss {:.4f}  top-1 {:.2f} %\n", record.epoch, record.train_loss, 100 * record.train_top1);
      std::fflush(stdout);
    };
    fit(model, patch_dataset(items, model.class_names, patches), nullptr, options);
  } else {
    FitMasksOptions options = command.fit;
    options.stop = &stop;
    options.on_epoch = [](int64_t epoch, double loss) {
      fmt::print("epoch {:4}  loss {:.4f}\n", epoch, loss);
      std::fflush(stdout);
    };
    fit_masks(model, items, options);
  }
  if (!command.save.empty()) save_model(model, command.save);
  return model;
}

// Masks by whatever the network is: fully convolutional, or a classifier of patches.
class AnySegmenter {
 public:
  AnySegmenter(const SegmentCommand& command, Model& model) : command_(command), model_(model) {
    if (!is_classifier(model)) segmenter_.emplace(model);
  }

  Image operator()(const Image& picture) {
    if (segmenter_) return (*segmenter_)(picture);
    const bool one_pass = command_.method == "convolutional";
    const ScoreMap map =
        one_pass ? convolutional_scores(model_, picture) : patch_scores(model_, picture, command_.stride);
    return to_mask(map, picture.height, picture.width);
  }

 private:
  const SegmentCommand& command_;
  Model& model_;
  std::optional<Segmenter> segmenter_;
};

void print_scores(const SegmentCommand& command, const Model& model, const std::vector<Image>& truths,
                  const std::vector<Image>& predictions) {
  const SegmentationScores scores = score_masks(truths, predictions, classes_of(model), command.fit.ignore);
  if (command.format == Format::json) {
    nlohmann::ordered_json report = {
        {"pictures", truths.size()}, {"mean_iou", scores.mean_iou}, {"pixel_accuracy", scores.pixel_accuracy}};
    for (const double iou : scores.iou) report["iou"].push_back(iou);
    return fmt::print("{}\n", report.dump());
  }
  std::vector<Line> lines = {{"class", "IoU %"}};
  for (size_t k = 0; k < scores.iou.size(); ++k) {
    lines.push_back({class_name(model, static_cast<int64_t>(k)),
                     std::isnan(scores.iou[k]) ? "-" : fmt::format("{:.2f}", 100 * scores.iou[k])});
  }
  print_table(lines, "lr");
  fmt::print("mean IoU {:.2f} %  pixels right {:.2f} %  ({} pictures)\n", 100 * scores.mean_iou,
             100 * scores.pixel_accuracy, truths.size());
}

void run_segment(const SegmentCommand& command) {
  command.common.apply();
  require_option(command.model.model, "name a model file, or a network and --train FOLDER --masks FOLDER");
  const bool trains = !command.train.empty();
  Model model = trains ? train(command) : command.model.open(input_shape(command.input));
  if (interrupted()) return;
  AnySegmenter segment(command, model);
  std::vector<Image> truths, predictions;
  if (trains) {
    for (const MaskedPicture& item : read_masked_pictures(command.train, command.masks)) {
      truths.push_back(item.mask);
      predictions.push_back(segment(item.picture));
    }
  } else if (command.pictures.empty()) {
    throw Error(ErrorKind::usage, "name pictures after the model file");
  }
  for (const std::string& picture : command.pictures) {
    const Image image = read_image(picture);
    const Image mask = segment(image);
    if (!command.output.empty()) {
      write_png(output_path(command.output, picture, "mask"), mask);
      write_png(output_path(command.output, picture, "overlay"), overlay(image, colour_mask(mask, classes_of(model))));
    }
    if (trains || command.masks.empty()) continue;
    const std::filesystem::path file = std::filesystem::path(picture).stem().string() + ".png";
    truths.push_back(read_image(std::filesystem::path(command.masks) / file));
    predictions.push_back(mask);
  }
  if (!truths.empty()) print_scores(command, model, truths, predictions);
}

}  // namespace

Run add_segment(CLI::App& program) {
  auto options = std::make_shared<SegmentCommand>();
  CLI::App& command = add_command(program, "segment", "The class of every pixel; train networks that tell it");
  options->model.add(command);
  options->model.add_pictures(command);
  add_input_option(command, options->input);
  add_picture_files(command, options->pictures, "picture files");
  add_option(command, "--masks", options->masks, "folder with a mask for each picture: PNG, classes as grey")
      .type_name("FOLDER");
  add_number(command, "--ignore", options->fit.ignore, "sample of masks that does not count; -1: none");
  add_option(command, "--out", options->output, "folder for masks and overlays").type_name("FOLDER");
  add_choice(command, "--method", options->method, {"patches", "convolutional"},
             "how a classifier of patches runs: one after the other, or in one pass");
  add_number(command, "--stride", options->stride, "from one patch to the next");
  add_option(command, "--train", options->train, "folder with pictures to train on; --masks has theirs")
      .type_name("FOLDER")
      .group("Training");
  add_number(command, "--epochs", options->fit.epochs, "passes over the pictures").group("Training");
  add_number(command, "--batch", options->fit.batch, "pictures at a time").group("Training");
  add_number(command, "--lr", options->fit.optimizer.lr, "learning rate, of a cosine schedule").group("Training");
  add_number(command, "--balance", options->fit.balance, "how much more rare classes count").group("Training");
  add_flag(command, "--mirror", options->fit.mirror, "turn half of the pictures left to right").group("Training");
  add_number(command, "--per-class", options->per_class, "patches of each class, for classifiers").group("Training");
  add_number(command, "--seed", options->fit.seed, "of weights, order and patches").group("Training");
  add_option(command, "--save", options->save, "model file to write").type_name("FILE").group("Training");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_segment(*options); };
}

}  // namespace fovea::cli
