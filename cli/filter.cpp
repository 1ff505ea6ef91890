#include "fovea/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/suggest.h"
#include "fovea/error.h"
#include "options.h"

namespace fovea::cli {

namespace {

struct FilterCommand {
  CommonOptions common;
  std::string picture;
  std::string kernel;
  int64_t size = 0;
  double sigma = 0;
  std::string stride = "1";
  std::string padding = "same";
  std::string dilation = "1";
  bool grey = false;
  std::string output;
};

// "3" or "3x5".
Extents parse_extents(const std::string& option, const std::string& text, int64_t smallest) {
  const auto number = [&](std::string_view word) {
    int64_t value = -1;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || rest != word.data() + word.size() || value < smallest || value > 65535) {
      throw Error(ErrorKind::usage,
                  fmt::format("{} must be a number of {} or more, or two as 2x1 for height and width, got '{}'", option,
                              smallest, text));
    }
    return value;
  };
  const size_t x = text.find('x');
  if (x == std::string::npos) return number(text);
  return {number(std::string_view(text).substr(0, x)), number(std::string_view(text).substr(x + 1))};
}

Padding parse_padding(const std::string& text) {
  if (text == "same") return Padding::same();
  if (text == "valid") return Padding::valid();
  const Extents extents = parse_extents("--padding", text, 0);
  return {extents[0], extents[1]};
}

void check_options(const FilterCommand& command) {
  const bool gaussian = command.kernel == "gaussian";
  if (command.sigma != 0 && !gaussian) throw Error(ErrorKind::usage, "--sigma is for --kernel gaussian");
  if (command.size != 0 && !gaussian && command.kernel != "box") {
    throw Error(ErrorKind::usage, "--size is for --kernel box and gaussian");
  }
}

FilterKernel find_kernel(const FilterCommand& command) {
  const std::string& name = command.kernel;
  if (name == "box") return box_kernel(command.size == 0 ? 3 : command.size);
  if (name == "gaussian") return gaussian_kernel(command.sigma == 0 ? 1 : command.sigma, command.size);
  std::vector<std::string> names = filter_names();
  if (std::ranges::find(names, name) != names.end()) return named_kernel(name);
  if (std::filesystem::exists(name)) return read_kernel(name);
  names.insert(names.end(), {"sobel", "box", "gaussian"});
  throw Error(ErrorKind::usage,
              fmt::format("--kernel: there is no filter and no file '{}'{}", name, did_you_mean(name, names)));
}

// Weights that sum to zero answer to change alone, in either direction: its size is shown.
bool finds_changes(const FilterKernel& kernel) {
  double sum = 0;
  double size = 0;
  for (const float weight : kernel.weights) {
    sum += weight;
    size += std::abs(weight);
  }
  return std::abs(sum) < 1e-5 * size;
}

void write(const std::filesystem::path& path, const Tensor& values) {
  write_image(path, to_image(values));
  fmt::print("{} {}\n", path.string(), to_string(values.shape()));
}

// 128 stands for zero; weights of 1, 2, 1 against each other reach 4 * 255.
Tensor around_grey(Tensor values) {
  for (float& value : values.values()) value = 128 + value / 8;
  return values;
}

void run_sobel(const Image& image, const FilterOptions& options, const std::filesystem::path& output) {
  const Tensor x = filter_image(image, named_kernel("sobel-x"), options);
  const Tensor y = filter_image(image, named_kernel("sobel-y"), options);
  Tensor magnitude(x.shape());
  for (int64_t i = 0; i < magnitude.size(); ++i) magnitude[i] = std::hypot(x[i], y[i]);
  const auto sibling = [&](const char* suffix) {
    std::filesystem::path path = output;
    path.replace_filename(output.stem().string() + suffix + output.extension().string());
    return path;
  };
  write(output, magnitude);
  write(sibling("-x"), around_grey(x));
  write(sibling("-y"), around_grey(y));
}

void run_filter(const FilterCommand& command) {
  command.common.apply();
  require_option(command.picture, "name a picture, and a filter with --kernel");
  require_option(command.kernel,
                 "name a filter with --kernel: sobel, laplacian, sharpen, emboss, box, gaussian or a file");
  check_options(command);
  const FilterOptions options = {.stride = parse_extents("--stride", command.stride, 1),
                                 .padding = parse_padding(command.padding),
                                 .dilation = parse_extents("--dilation", command.dilation, 1)};
  Image image = read_image(command.picture);
  if (command.grey) image = to_channels(image, 1);
  std::filesystem::path output = command.output;
  if (output.empty()) {
    output = std::filesystem::path(command.picture).stem().string() + "-" +
             std::filesystem::path(command.kernel).stem().string() + ".png";
  }
  if (command.kernel == "sobel") return run_sobel(image, options, output);
  const FilterKernel kernel = find_kernel(command);
  Tensor values = filter_image(image, kernel, options);
  if (finds_changes(kernel))
    std::ranges::transform(values.values(), values.data(), [](float v) { return std::abs(v); });
  write(output, values);
}

}  // namespace

Run add_filter(CLI::App& program) {
  auto options = std::make_shared<FilterCommand>();
  CLI::App& command = add_command(program, "filter", "A convolution with fixed weights over a picture");
  add_option(command, "picture", options->picture, "JPEG or PNG file").type_name("FILE");
  add_option(command, "--kernel", options->kernel,
             "sobel (also writes NAME-x and NAME-y), sobel-x, sobel-y, laplacian, sharpen, emboss, box, gaussian, "
             "or a text file with a row of weights on each line")
      .type_name("NAME");
  add_option(command, "--size", options->size, "of box and gaussian; default: 3, or what sigma needs")
      .check(check_number<int64_t>)
      .type_name("INT");
  add_option(command, "--sigma", options->sigma, "of gaussian, in pixels; default: 1")
      .check(check_number<double>)
      .type_name("FLOAT");
  add_option(command, "--stride", options->stride, "one number, or HxW").show_default().type_name("N");
  add_option(command, "--padding", options->padding, "zeros around: same, valid, one number, or HxW")
      .show_default()
      .type_name("N");
  add_option(command, "--dilation", options->dilation, "one number, or HxW").show_default().type_name("N");
  add_flag(command, "--grey", options->grey, "make the picture grey first");
  add_option(command, "--output", options->output, "PNG or JPEG file; default: PICTURE-KERNEL.png here")
      .type_name("FILE");
  options->common.add(command);
  return [options] { run_filter(*options); };
}

}  // namespace fovea::cli
