#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/text.h"
#include "fovea/data.h"
#include "fovea/error.h"
#include "fovea/explain_checks.h"
#include "fovea/explanation.h"
#include "fovea/tensor_file.h"
#include "model_options.h"
#include "options.h"
#include "words.h"

namespace fovea::cli {

namespace {

using namespace explain;  // NOLINT(google-build-using-namespace): the command is about nothing else

struct ExplainCommand {
  CommonOptions common;
  ModelOptions model;
  std::string input;
  std::vector<std::string> pictures;
  std::string methods = "all";
  std::vector<std::string> targets = {"top1"};
  std::string layer;
  int64_t patch = 0;
  int64_t stride = 0;
  std::filesystem::path out = "explained";
  bool check = false;
};

std::vector<const Method*> chosen_methods(const std::string& names) {
  std::vector<const Method*> chosen;
  if (names == "all") {
    for (const Method& method : methods()) chosen.push_back(&method);
    return chosen;
  }
  for (const std::string& name : comma_separated(names)) chosen.push_back(&find_method(name));
  if (chosen.empty()) find_method(names);  // tells what there is
  return chosen;
}

// "top1", a number, or the name of a class.
int64_t find_target(const std::string& target, const Model& model, const std::vector<Guess>& guesses) {
  return target == "top1" ? guesses.front().class_index : class_from_text("--target", model, target);
}

std::vector<Guess> best_guesses(Probe& probe, const Tensor& x) {
  const std::vector<double> probabilities = probe.probabilities(x);
  std::vector<Guess> guesses;
  for (int64_t k = 0; k < probe.classes(); ++k) {
    guesses.push_back({k, class_name(probe.model(), k), probabilities[static_cast<size_t>(k)]});
  }
  std::ranges::stable_sort(guesses, std::ranges::greater(), &Guess::probability);
  guesses.resize(std::min<size_t>(guesses.size(), 5));
  return guesses;
}

void write_array(const std::filesystem::path& path, const Tensor& values) {
  const StoredTensor tensor{"array", DType::f32, values.shape(), std::as_bytes(values.values())};
  write_tensor_file(path, std::span(&tensor, 1));
}

// Explains pictures one by one and gathers what the page shows.
class Explainer {
 public:
  Explainer(const ExplainCommand& command, Model& model)
      : command_(command), probe_(model), methods_(chosen_methods(command.methods)), all_(command.methods == "all") {
    const Shape& input = probe_.input_shape();
    const int64_t side = std::min(input[1], input[2]);
    const int64_t patch = command.patch != 0 ? command.patch : std::max<int64_t>(1, side / 7);
    if (!command.layer.empty()) model.graph().find(command.layer);  // a slip in the name is not left out
    options_.layer = command.layer;
    options_.occlusion = {.patch = patch,
                          .stride = command.stride != 0 ? command.stride : std::max<int64_t>(1, patch / 2)};
    std::filesystem::create_directories(command.out);
  }

  void explain(const std::string& path) {
    const Model& model = probe_.model();
    const Tensor x = preprocess(read_image(path), model.preprocessing);
    PagePicture shown{printable(path), {}, best_guesses(probe_, x), {}};
    const std::string stem = free_stem(std::filesystem::path(path).stem().string());
    shown.picture = input_picture(x, model.preprocessing);
    write_png(command_.out / (stem + ".png"), shown.picture);
    fmt::print("{}\n", path);
    for (const Guess& guess : shown.guesses) fmt::print("  {:6.2f} %  {}\n", 100 * guess.probability, guess.class_name);
    for (const std::string& target : command_.targets) {
      const int64_t index = find_target(target, probe_.model(), shown.guesses);
      PageTarget maps{class_name(model, index), {}};
      for (const Method* method : methods_) add_map(*method, x, index, stem, maps);
      shown.targets.push_back(std::move(maps));
    }
    pictures_.push_back(std::move(shown));
  }

  void finish() const {
    if (pictures_.empty()) return;
    const std::filesystem::path page = command_.out / "index.html";
    write_page(page, fmt::format("What {} looks at", std::filesystem::path(command_.model.model).filename().string()),
               pictures_);
    fmt::print("{}\n", page.string());
  }

 private:
  void add_map(const Method& method, const Tensor& x, int64_t index, const std::string& stem, PageTarget& maps) {
    Explanation explanation;
    try {
      explanation = method.explain(probe_, x, {index}, options_);
    } catch (const Error& error) {
      if (!all_ || error.kind() != ErrorKind::usage) throw;
      if (left_out_.insert(method.name).second) {
        fmt::print(stderr, "fovea: left out {}: {}\n", method.name, error.what());
      }
      return;
    }
    const std::string file = fmt::format("{}.{}.{}", stem, method.name, index);
    write_png(command_.out / (file + ".png"), explanation.picture);
    write_array(command_.out / (file + ".npy"), explanation.raw);
    std::string caption = fmt::format("{}{}{}", method.meaning, explanation.note.empty() ? "" : "; ", explanation.note);
    if (command_.check) caption += "; " + check(method, x, {index}, explanation.map);
    maps.maps.push_back({std::string(method.title), std::move(caption), std::move(explanation.picture)});
  }

  // What the checks say of a map, which is also printed.
  std::string check(const Method& method, const Tensor& x, const Score& score, const Tensor& map) {
    const Mapper mapper = [&](Probe& probe, const Tensor& input, const Score& asked) {
      return method.explain(probe, input, asked, options_).map;
    };
    std::string found = fmt::format("deletion {:.3f}, insertion {:.3f}, random weights {:.2f}",
                                    deletion(probe_, x, score, map).area, insertion(probe_, x, score, map).area,
                                    randomise_weights(probe_, x, score, mapper, 1).front().correlation);
    fmt::print("  {:20}  {}\n", method.name, found);
    return found;
  }

  // Pictures of the same name in different folders do not overwrite each other.
  std::string free_stem(const std::string& stem) {
    std::string name = stem;
    for (int i = 2; std::ranges::find(stems_, name) != stems_.end(); ++i) name = fmt::format("{}-{}", stem, i);
    return stems_.emplace_back(name);
  }

  const ExplainCommand& command_;
  Probe probe_;
  std::vector<const Method*> methods_;
  bool all_;
  MethodOptions options_;
  std::vector<std::string> stems_;
  std::set<std::string_view> left_out_;
  std::vector<PagePicture> pictures_;
};

void run_explain(const ExplainCommand& command) {
  command.common.apply();
  require_option(command.model.model, "name a model file, such as runs/lenet5/best.safetensors, then pictures");
  if (command.pictures.empty()) throw Error(ErrorKind::usage, "name pictures after the model file");
  if (command.patch < 0 || command.stride < 0) throw Error(ErrorKind::usage, "--patch and --stride must be at least 1");
  Model model = command.model.open(input_shape(command.input));
  if (model.preprocessing.height == 0) {
    throw Error(ErrorKind::usage, fmt::format("{} takes no pictures", command.model.model));
  }
  Explainer explainer(command, model);
  // A picture that cannot be read is named, and the others still get their maps.
  std::string failures;
  for (const std::string& picture : command.pictures) {
    try {
      explainer.explain(picture);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      failures += fmt::format("{}{}", failures.empty() ? "" : "; ", error.what());
    }
  }
  explainer.finish();
  if (!failures.empty()) throw Error(ErrorKind::data, failures);
}

}  // namespace

Run add_explain(CLI::App& program) {
  auto options = std::make_shared<ExplainCommand>();
  CLI::App& command = add_command(program, "explain", "Which parts of pictures make a network say what it says");
  options->model.add(command);
  options->model.add_pictures(command);
  add_input_option(command, options->input);
  add_picture_files(command, options->pictures, "picture files");
  std::string names;
  for (const Method& method : methods()) names += fmt::format("{}{}", names.empty() ? "" : ", ", method.name);
  add_option(command, "--method", options->methods, fmt::format("all, or some of these, with commas: {}", names))
      .show_default()
      .type_name("NAMES");
  add_option(command, "--target", options->targets,
             "what to explain: top1 (the likeliest class), a class's name or its number; may be given again")
      .show_default()
      .one_value()
      .take_all()
      .type_name("CLASS");
  add_option(command, "--layer", options->layer,
             "of class activation maps; default: the last with positions that weights still read")
      .type_name("NODE");
  add_option(command, "--patch", options->patch, "side of occluding patches; default: a seventh of the input's")
      .check(check_number<int64_t>)
      .type_name("PIXELS");
  add_option(command, "--stride", options->stride, "from patch to patch; default: half a patch")
      .check(check_number<int64_t>)
      .type_name("PIXELS");
  add_option(command, "--out", options->out, "folder for the maps (.png, .npy) and index.html")
      .show_default()
      .type_name("FOLDER");
  add_flag(command, "--check", options->check,
           "say how far each map can be believed: area under the probability's curve as the pixels it calls "
           "important go (deletion) or come (insertion), correlation with a map of random weights");
  options->common.add(command);
  return [options] { run_explain(*options); };
}

}  // namespace fovea::cli
