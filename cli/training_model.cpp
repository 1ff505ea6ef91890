#include "training_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "command_line.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/starting_weights.h"
#include "fovea/text_form.h"
#include "fovea/transfer.h"
#include "fovea/zoo.h"
#include "options.h"

namespace fovea::cli {

namespace {

// The input of a new network for these pictures: as asked for, else the network's own extents with the pictures'
// colours (of a network that is already trained: its own), else (text form) the pictures' extents.
Shape choose_input(const NetworkFlags& flags, const Dataset& train) {
  if (const Shape asked = input_shape(flags.input); asked.rank() != 0) {
    if (asked.rank() != 3) {
      throw Error(ErrorKind::usage, fmt::format("--input of pictures is HEIGHTxWIDTHxCHANNELS, got {}", flags.input));
    }
    if (asked[2] == 1 || asked[2] == 3) return asked;
    throw Error(ErrorKind::usage, fmt::format("--input: pictures have 1 or 3 channels, got {}", flags.input));
  }
  const PictureShape pictures = train.picture_shape();
  if (!is_text_form(flags.model)) {
    const Shape& own = zoo::find(flags.model).input;
    return flags.weights.empty() ? Shape{own[0], own[1], pictures.channels} : own;
  }
  if (pictures.height == 0) {
    throw Error(ErrorKind::usage,
                "the pictures differ in size: choose the network's with --input HEIGHTxWIDTHxCHANNELS");
  }
  return {pictures.height, pictures.width, pictures.channels};
}

// Pictures a little smaller than the input are framed in black (28x28 digits in LeNet-5's 32x32), others resized.
int choose_padding(const Shape& input, const PictureShape& pictures) {
  constexpr int64_t widest_frame = 4;
  const int64_t rows = input[0] - pictures.height;
  const int64_t columns = input[1] - pictures.width;
  return rows == columns && rows > 0 && rows % 2 == 0 && rows / 2 <= widest_frame ? static_cast<int>(rows / 2) : 0;
}

// None: the network's own.
std::optional<Initializer> choose_initializer(const NetworkFlags& flags) {
  if (flags.init == "he") return Initializer::he_normal;
  if (flags.init == "xavier") return Initializer::xavier_uniform;
  return std::nullopt;
}

Model fresh_model(const NetworkFlags& flags, const Dataset& train, uint64_t seed) {
  const Shape input = choose_input(flags, train);
  const std::optional<Initializer> initializer = choose_initializer(flags);
  ZooOptions options = flags.variant;
  options.input = input;
  const auto create = [&] {
    if (is_text_form(flags.model)) {  // says its classes itself
      return Model(describe_network(flags.model, options), seed, initializer.value_or(Initializer::he_normal));
    }
    options.classes = std::ssize(train.class_names());
    return zoo::create(flags.model, options, seed, initializer);
  };
  Model model = create();
  const auto channels = static_cast<int>(input[2]);
  const Statistics statistics = measure_statistics(train, channels);
  model.preprocessing = {.height = static_cast<int>(input[0]),
                         .width = static_cast<int>(input[1]),
                         .channels = channels,
                         .padding = choose_padding(input, train.picture_shape()),
                         .mean = statistics.mean,
                         .std = statistics.std};
  model.class_names = train.class_names();
  if (flags.init == "identity") pass_channels_on(model);
  if (!flags.whiten.empty()) whiten(model, flags.whiten, train);
  return model;
}

// Takes the file's weights, and normalises pictures as for these: by what the file says, else, in colour, by ImageNet's
// statistics.
StartingModel transferred(const NetworkFlags& flags, Model fresh) {
  StartingModel start{std::move(fresh), {}};
  const Transfer transfer = transfer_weights(start.model, flags.weights);
  Preprocessing& preprocessing = start.model.preprocessing;
  if (transfer.preprocessing.height != 0 && transfer.preprocessing.channels == preprocessing.channels) {
    preprocessing.mean = transfer.preprocessing.mean;
    preprocessing.std = transfer.preprocessing.std;
  } else if (preprocessing.channels == 3) {
    preprocessing.mean = {0.485F, 0.456F, 0.406F};
    preprocessing.std = {0.229F, 0.224F, 0.225F};
  }
  start.head = transfer.head.empty() ? head_parameters(start.model.graph()) : transfer.head;
  const std::string names = fmt::format("{}", fmt::join(transfer.head, ", "));
  start.note = transfer.head.empty()
                   ? fmt::format("weights from {}", flags.weights)
                   : fmt::format("weights from {}; new head for {} classes instead of {}: {}", flags.weights,
                                 start.model.class_names.size(), transfer.classes, names);
  return start;
}

}  // namespace

void NetworkFlags::add(CLI::App& command) {
  const std::string group = "Network";
  add_option(command, "--model", model,
             "a name (lenet5), a model file to start from, or a text form (\"conv 32 3x3 pad 1, relu, ...\")")
      .type_name("NETWORK")
      .group(group);
  add_option(command, "--weights", weights,
             "weights to start from: a model, ONNX or PyTorch file of the same network; one of other classes gets "
             "a new classifier")
      .type_name("FILE")
      .group(group);
  add_input_option(command, input).group(group);
  add_variant_options(command, variant);
  add_choice(command, "--init", init, {"he", "xavier", "identity"},
             "initial weights; default: the network's own; identity: these, but convolutions pass channels on")
      .group(group);
  add_option(command, "--whiten", whiten,
             "a convolution on the pictures that begins by whitening the training pictures' patches")
      .type_name("LAYER")
      .group(group);
}

StartingModel make_starting_model(const NetworkFlags& flags, const Dataset& train, uint64_t seed) {
  require_option(flags.model, "choose a network with --model NAME, FILE or \"text form\"");
  if (is_model_file(flags.model)) {
    if (!flags.input.empty() || !flags.init.empty() || !flags.whiten.empty() || !flags.weights.empty()) {
      throw Error(
          ErrorKind::usage,
          fmt::format("--input, --init, --whiten and --weights are for new networks; {} has its own", flags.model));
    }
    refuse_variant(flags.variant, flags.model);
    Model model = load_model(flags.model);
    std::vector<std::string> head = head_parameters(model.graph());
    return {std::move(model), std::move(head)};
  }
  Model model = fresh_model(flags, train, seed);
  if (!flags.weights.empty()) return transferred(flags, std::move(model));
  std::vector<std::string> head = head_parameters(model.graph());
  return {std::move(model), std::move(head)};
}

}  // namespace fovea::cli
