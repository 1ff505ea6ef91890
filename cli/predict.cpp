#include "fovea/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "data_options.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/test_views.h"
#include "model_options.h"
#include "options.h"

namespace fovea::cli {

namespace {

struct PredictOptions {
  CommonOptions common;
  ModelOptions model;
  std::string input;
  std::string views;
  std::vector<std::string> ensemble;
  std::vector<std::string> pictures;
  int64_t top = 3;
  Format format = Format::text;
};

void print_text(const std::string& picture, const std::vector<Guess>& guesses) {
  fmt::print("{}\n", picture);
  for (const Guess& guess : guesses) fmt::print("  {:6.2f} %  {}\n", 100 * guess.probability, guess.class_name);
}

void print_json(const std::string& picture, const std::vector<Guess>& guesses) {
  nlohmann::ordered_json row = {{"picture", picture}};
  for (const Guess& guess : guesses) {
    row["guesses"].push_back(
        {{"class", guess.class_index}, {"name", guess.class_name}, {"probability", guess.probability}});
  }
  fmt::print("{}\n", row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_csv(const std::string& picture, const std::vector<Guess>& guesses) {
  for (size_t i = 0; i < guesses.size(); ++i) {
    fmt::print("{},{},{},{:.6f}\n", csv_field(picture), i + 1, csv_field(guesses[i].class_name),
               guesses[i].probability);
  }
}

// The likeliest classes by the mean of the networks' probabilities, each network's over the views.
std::vector<Guess> guess(std::vector<Predictor>& predictors, const Image& image, const TestViews& views,
                         const PredictOptions& options) {
  const auto ask = [&](Predictor& predictor, int64_t top) {
    return options.views.empty() ? predictor(image, top) : predict_views(predictor, image, views, top);
  };
  if (predictors.size() == 1) return ask(predictors[0], options.top);
  constexpr auto all = std::numeric_limits<int64_t>::max();
  std::vector<Guess> mean = ask(predictors[0], all);
  std::ranges::sort(mean, {}, &Guess::class_index);
  for (Predictor& predictor : std::span(predictors).subspan(1)) {
    for (const Guess& more : ask(predictor, all)) {
      mean[static_cast<size_t>(more.class_index)].probability += more.probability;
    }
  }
  for (Guess& one : mean) one.probability /= static_cast<double>(predictors.size());
  std::ranges::stable_sort(mean, std::ranges::greater(), &Guess::probability);
  mean.resize(std::min(mean.size(), static_cast<size_t>(options.top)));
  return mean;
}

std::vector<Predictor> open_predictors(const PredictOptions& options) {
  std::vector<Predictor> predictors;
  predictors.emplace_back(options.model.open(input_shape(options.input)));
  const auto classes = [](const Predictor& predictor) {
    const Graph& graph = predictor.model().graph();
    return graph.node(graph.output_node()).shape.back();
  };
  for (const std::string& file : options.ensemble) {
    predictors.emplace_back(load_model(file));
    if (classes(predictors.back()) == classes(predictors.front())) continue;
    throw Error(ErrorKind::format,
                fmt::format("{} tells {} classes apart, {} tells {}", file, classes(predictors.back()),
                            options.model.model, classes(predictors.front())));
  }
  return predictors;
}

void run_predict(const PredictOptions& options) {
  options.common.apply();
  require_option(options.model.model, "name a model file, such as runs/lenet5/best.safetensors, then pictures");
  if (options.pictures.empty()) throw Error(ErrorKind::usage, "name pictures after the model file");
  if (options.top < 1) throw Error(ErrorKind::usage, fmt::format("--top must be at least 1, got {}", options.top));
  const TestViews views(options.views);
  std::vector<Predictor> predictors = open_predictors(options);
  if (options.format == Format::csv) fmt::print("picture,rank,class,probability\n");
  // A picture that cannot be read is named, and the others still get their answer.
  std::string failures;
  for (const std::string& picture : options.pictures) {
    try {
      const std::vector<Guess> guesses = guess(predictors, read_image(picture), views, options);
      switch (options.format) {
        case Format::text:
          print_text(picture, guesses);
          break;
        case Format::json:
          print_json(picture, guesses);
          break;
        case Format::csv:
          print_csv(picture, guesses);
          break;
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      failures += fmt::format("{}{}", failures.empty() ? "" : "; ", error.what());
    }
  }
  if (!failures.empty()) throw Error(ErrorKind::data, failures);
}

}  // namespace

Run add_predict(CLI::App& program) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App& command = add_command(program, "predict", "What a trained network sees in pictures");
  options->model.add(command);
  options->model.add_pictures(command);
  add_views_option(command, options->views);
  add_input_option(command, options->input);
  add_option(command, "--ensemble", options->ensemble,
             "one more model file, whose probabilities are averaged with MODEL's")
      .type_name("FILE")
      .one_value()
      .take_all();
  add_picture_files(command, options->pictures, "picture files");
  add_number(command, "--top", options->top, "guesses per picture");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_predict(*options); };
}

}  // namespace fovea::cli
