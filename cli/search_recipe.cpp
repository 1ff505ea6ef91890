#include "search_recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "arguments.h"
#include "core/suggest.h"
#include "fovea/error.h"
#include "toml_file.h"

namespace fovea::cli {

namespace {

using Method = SearchRecipe::Method;
using Kind = SearchAxis::Kind;

constexpr std::array methods = {std::pair{"random", Method::random},       std::pair{"grid", Method::grid},
                                std::pair{"refine", Method::refine},       std::pair{"halving", Method::halving},
                                std::pair{"reinforce", Method::reinforce}, std::pair{"rows", Method::rows}};
constexpr std::array kinds = {std::pair{"uniform", Kind::uniform}, std::pair{"log", Kind::log_uniform},
                              std::pair{"integer", Kind::integer}, std::pair{"choice", Kind::choice}};

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)), root_(parse_toml(file_)) {}

  SearchRecipe read() {
    check_keys("", root_, {"search", "train", "space", "row"});
    const toml::table& search = table("search");
    check_keys("search", search, {"method", "trials", "epochs", "points", "keep", "folds", "seed"});
    read_method(search);
    read_number(search, "trials", recipe_.trials, 1);
    read_number(search, "points", recipe_.points, 2);
    read_number(search, "keep", recipe_.keep, 2);
    read_number(search, "folds", recipe_.folds, 1);
    read_number(search, "seed", recipe_.seed, 0);
    read_epochs(search);
    for (const auto& [key, value] : table("train")) add_flag(recipe_.flags, "[train]", key.str(), value);
    if ((recipe_.method == Method::rows) != root_.contains("row") ||
        (root_.contains("row") && root_.contains("space"))) {
      refuse("the method rows compares [[row]] tables, and the others search a [space]: one of the two");
    }
    if (root_.contains("row")) read_rows();
    if (root_.contains("space")) {
      for (const auto& [key, value] : table("space")) recipe_.space.push_back(read_axis(std::string(key.str()), value));
    }
    try {
      check_space(recipe_.space);
    } catch (const Error& error) {
      refuse(error.what());
    }
    check_validation();
    recipe_.text = text();
    return std::move(recipe_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::usage, fmt::format("{}: {}", file_, what));
  }

  const toml::table& table(const char* name) const {
    const toml::table* found = root_[name].as_table();
    if (found == nullptr) refuse(fmt::format("the table [{}] is missing", name));
    return *found;
  }

  void check_keys(const std::string& where, const toml::table& in, const std::vector<std::string>& known) const {
    for (const auto& [key, value] : in) {
      const std::string name(key.str());
      if (std::ranges::find(known, name) != known.end()) continue;
      refuse(fmt::format("unknown key '{}'{}{}", name, where.empty() ? "" : " in [" + where + "]",
                         did_you_mean(name, known)));
    }
  }

  template <class T>
  void read_number(const toml::table& in, const char* key, T& number, int64_t least) const {
    if (!in.contains(key)) return;
    const auto value = in[key].value_exact<int64_t>();
    if (!value || *value < least || *value > 1'000'000) {
      refuse(fmt::format("'{}' must be a whole number of at least {}", key, least));
    }
    number = static_cast<T>(*value);
  }

  void add_flag(SearchRecipe::Flags& flags, const char* where, std::string_view key, const toml::node& value) const {
    for (const char* own : {"out", "resume", "epochs", "fold"}) {
      if (key == own) refuse(fmt::format("'{}' in {}: the search sets it", own, where));
    }
    flags.emplace_back(key, as_argument(file_, std::string(key), value));
  }

  void read_rows() {
    const toml::array* rows = root_["row"].as_array();
    SearchAxis names{.name = "row", .kind = Kind::choice};
    for (size_t i = 0; rows != nullptr && i < rows->size(); ++i) {
      const toml::table* row = (*rows)[i].as_table();
      const auto name = row != nullptr ? (*row)["name"].value<std::string>() : std::nullopt;
      if (!name) refuse("each [[row]] must have a name and the flags that it changes");
      if (std::ranges::count(names.choices, *name) > 0) refuse(fmt::format("two rows are named '{}'", *name));
      names.choices.push_back(*name);
      SearchRecipe::Flags& flags = recipe_.rows.emplace_back();
      for (const auto& [key, value] : *row) {
        if (key.str() != "name") add_flag(flags, "[[row]]", key.str(), value);
      }
    }
    recipe_.space = {std::move(names)};
  }

  void read_method(const toml::table& search) {
    const auto name = search["method"].value<std::string>().value_or("random");
    std::vector<std::string> names;
    for (const auto& [known, method] : methods) {
      names.emplace_back(known);
      if (name == known) recipe_.method = method;
    }
    if (const std::string problem = check_choice(name, names); !problem.empty()) refuse("'method' " + problem);
  }

  void read_epochs(const toml::table& search) {
    if (const toml::array* list = search["epochs"].as_array()) {
      recipe_.epochs.clear();
      for (const toml::node& node : *list) recipe_.epochs.push_back(node.value_exact<int64_t>().value_or(0));
    } else if (search.contains("epochs")) {
      recipe_.epochs = {search["epochs"].value_exact<int64_t>().value_or(0)};
    }
    const bool ascend = std::ranges::is_sorted(recipe_.epochs, std::ranges::less_equal());
    if (recipe_.epochs.empty() || recipe_.epochs.front() < 1 || !ascend) {
      refuse("'epochs' must be a whole number of at least 1, or a list of such that does not fall");
    }
    const bool rounds = recipe_.method == Method::refine || recipe_.method == Method::halving;
    if (!rounds && recipe_.epochs.size() > 1) refuse("'epochs' is a list for the methods refine and halving only");
  }

  SearchAxis read_axis(const std::string& name, const toml::node& node) const {
    const toml::table* given = node.as_table();
    if (given == nullptr || given->size() != 1) {
      refuse(fmt::format("'{}' must be a range or a list, such as {{log = [1e-4, 1e-1]}}", name));
    }
    const std::string word(given->begin()->first.str());
    const toml::array* values = given->begin()->second.as_array();
    SearchAxis axis{.name = name};
    std::vector<std::string> words;
    for (const auto& [known, kind] : kinds) {
      words.emplace_back(known);
      if (word == known) axis.kind = kind;
    }
    if (const std::string problem = check_choice(word, words); !problem.empty()) {
      refuse(fmt::format("the kind of '{}' {}", name, problem));
    }
    if (values == nullptr) refuse(fmt::format("'{}' needs a list of values", name));
    if (axis.kind == Kind::choice) {
      for (const toml::node& value : *values) axis.choices.push_back(as_argument(file_, name, value));
      return axis;
    }
    const auto low = values->size() == 2 ? (*values)[0].value<double>() : std::nullopt;
    const auto high = values->size() == 2 ? (*values)[1].value<double>() : std::nullopt;
    if (!low || !high) refuse(fmt::format("'{}' must have two numbers, from and to", name));
    axis.low = *low;
    axis.high = *high;
    return axis;
  }

  // A search must not choose by the pictures that its result is judged by.
  void check_validation() const {
    const bool split = std::ranges::any_of(recipe_.flags, [](const auto& f) { return f.first == "validation-split"; });
    if (split == (recipe_.folds > 1)) {
      refuse(
          "trials are judged by pictures held out: give 'validation-split' in [train], or 'folds' in [search], and "
          "not both");
    }
  }

  // The order of keys and the number of trials do not matter.
  std::string text() const {
    toml::table copy = root_;
    copy["search"].as_table()->erase("trials");
    std::ostringstream out;
    out << copy;
    return out.str();
  }

  std::string file_;
  toml::table root_;
  SearchRecipe recipe_;
};

}  // namespace

namespace {

// Flags of [train] with those of the rows up to this one in their places.
SearchRecipe::Flags flags_of_row(const SearchRecipe& recipe, const std::string& name) {
  SearchRecipe::Flags flags = recipe.flags;
  for (size_t row = 0; row < recipe.rows.size(); ++row) {
    for (const auto& [key, value] : recipe.rows[row]) {
      const auto known = std::ranges::find(flags, key, &std::pair<std::string, std::string>::first);
      if (known == flags.end()) {
        flags.emplace_back(key, value);
      } else {
        known->second = value;
      }
    }
    if (recipe.space.front().choices[row] == name) break;
  }
  return flags;
}

}  // namespace

std::vector<std::string> SearchRecipe::arguments(const Setting& setting) const {
  if (method == Method::rows) {
    std::vector<std::string> result;
    for (const auto& [name, value] : flags_of_row(*this, setting.front()))
      result.push_back(fmt::format("--{}={}", name, value));
    return result;
  }
  std::vector<bool> placed(space.size());
  std::vector<std::string> result;
  for (const auto& [name, value] : flags) {
    std::string filled = value;
    for (size_t i = 0; i < space.size(); ++i) {
      const std::string mark = "{" + space[i].name + "}";
      for (size_t at = filled.find(mark); at != std::string::npos; at = filled.find(mark, at + setting[i].size())) {
        filled.replace(at, mark.size(), setting[i]);
        placed[i] = true;
      }
    }
    result.push_back(fmt::format("--{}={}", name, filled));
  }
  for (size_t i = 0; i < space.size(); ++i) {
    if (!placed[i]) result.push_back(fmt::format("--{}={}", space[i].name, setting[i]));
  }
  return result;
}

SearchRecipe read_search_recipe(const std::string& file) { return Reader(file).read(); }

}  // namespace fovea::cli
