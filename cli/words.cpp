#include "words.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/suggest.h"
#include "fovea/error.h"

namespace fovea::cli {

namespace {

bool read_number(std::string_view text, double& number) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && rest == text.data() + text.size() && std::isfinite(number);
}

}  // namespace

std::vector<std::string> comma_separated(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    const std::string_view word = text.substr(0, end);
    const size_t first = word.find_first_not_of(' ');
    if (first != std::string_view::npos) words.emplace_back(word.substr(first, word.find_last_not_of(' ') - first + 1));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

double fraction(const char* flag, const std::string& text) {
  const size_t slash = text.find('/');
  double above = 0;
  double below = 1;
  const bool whole = read_number(std::string_view(text).substr(0, slash), above);
  const bool divided = slash == std::string::npos || read_number(std::string_view(text).substr(slash + 1), below);
  if (whole && divided && below != 0) return above / below;
  throw Error(ErrorKind::usage, fmt::format("{} must be a number such as 0.0157 or 4/255, got '{}'", flag, text));
}

int64_t class_from_text(const char* flag, const Model& model, const std::string& text) {
  const Graph& graph = model.graph();
  const int64_t classes = graph.node(graph.output_node()).shape.back();
  int64_t index = -1;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error == std::errc() && rest == text.data() + text.size()) {
    if (index >= 0 && index < classes) return index;
    throw Error(ErrorKind::usage, fmt::format("{}: the network has classes 0 to {}, got {}", flag, classes - 1, text));
  }
  const auto named = std::ranges::find(model.class_names, text);
  if (named != model.class_names.end()) return named - model.class_names.begin();
  throw Error(ErrorKind::usage, fmt::format("{}: no class of the network is named '{}'{}", flag, text,
                                            did_you_mean(text, model.class_names)));
}

std::string class_name(const Model& model, int64_t index) {
  const auto at = static_cast<size_t>(index);
  return at < model.class_names.size() ? model.class_names[at] : std::to_string(index);
}

std::filesystem::path output_path(const std::string& folder, const std::filesystem::path& picture,
                                  std::string_view suffix, std::string_view extension) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorKind::data, fmt::format("cannot make the folder {}: {}", folder, error.message()));
  return std::filesystem::path(folder) / fmt::format("{}-{}.{}", picture.stem().string(), suffix, extension);
}

}  // namespace fovea::cli
