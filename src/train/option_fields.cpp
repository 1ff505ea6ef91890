#include "train/option_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/suggest.h"
#include "fovea/error.h"
#include "io/json_values.h"

namespace fovea {

using nlohmann::json;

namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

std::string word_of(std::string_view name) {
  std::string word(name);
  std::ranges::replace(word, '_', '-');
  return word;
}

// Reads option words from front to back.
class Words {
 public:
  Words(const OptionText& text, std::string_view kind) : text_(text), kind_(kind) {}

  bool done() const { return at_ == text_.words.size(); }
  const std::string& next() { return text_.words[at_++]; }

  double number(const std::string& option) {
    if (done()) fail(fmt::format("'{}' needs a number", option));
    return parse(option, next());
  }

  std::vector<double> numbers(const std::string& option) {
    if (done()) fail(fmt::format("'{}' needs numbers such as 30,60", option));
    std::vector<double> values;
    std::istringstream list(next());
    for (std::string item; std::getline(list, item, ',');) values.push_back(parse(option, item));
    return values;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::usage, fmt::format("{} '{}': {}", kind_, text_.name, what));
  }

 private:
  double parse(const std::string& option, const std::string& word) const {
    double value = 0;
    const char* const end = word.data() + word.size();
    const auto [rest, error] = std::from_chars(word.data(), end, value);
    if (error != std::errc() || rest != end) fail(fmt::format("'{}' needs a number, got '{}'", option, word));
    return value;
  }

  const OptionText& text_;
  std::string_view kind_;
  size_t at_ = 0;
};

std::vector<std::string> words_of(const OptionFields& fields) {
  std::vector<std::string> words;
  for (const OptionField& field : fields) words.push_back(word_of(field.name));
  return words;
}

constexpr std::string_view negation = "no-";  // of a flag

}  // namespace

OptionText split_option_text(const std::string& text) {
  std::istringstream stream(text);
  OptionText result;
  stream >> result.name;
  for (std::string word; stream >> word;) result.words.push_back(word);
  return result;
}

void read_option_words(const OptionText& text, const OptionFields& fields, std::string_view kind) {
  Words words(text, kind);
  const std::vector<std::string> known = words_of(fields);
  while (!words.done()) {
    const std::string word = words.next();
    const bool negated = word.starts_with(negation);
    const auto found = std::ranges::find(known, negated ? word.substr(negation.size()) : word);
    const size_t place = static_cast<size_t>(found - known.begin());
    if (found == known.end() || (negated && !std::holds_alternative<bool*>(fields[place].value))) {
      words.fail(fmt::format("unknown option '{}'{}; it takes {}", word, did_you_mean(word, known),
                             known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", "))));
    }
    std::visit(Overloaded{[&](double* value) { *value = words.number(word); }, [&](bool* value) { *value = !negated; },
                          [&](std::vector<double>* value) { *value = words.numbers(word); }},
               fields[place].value);
  }
}

std::string option_text(std::string_view name, const OptionFields& fields, const OptionFields& defaults) {
  std::string text(name);
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string word = word_of(fields[i].name);
    std::visit(Overloaded{[&](const double* value) {
                            if (*value != *std::get<double*>(defaults[i].value)) {
                              text += fmt::format(" {} {}", word, *value);
                            }
                          },
                          [&](const bool* value) {
                            if (*value != *std::get<bool*>(defaults[i].value)) {
                              text += fmt::format(" {}{}", *value ? "" : negation, word);
                            }
                          },
                          [&](const std::vector<double>* value) {
                            if (*value != *std::get<std::vector<double>*>(defaults[i].value)) {
                              text += fmt::format(" {} {}", word, fmt::join(*value, ","));
                            }
                          }},
               fields[i].value);
  }
  return text;
}

void write_option_fields(json& object, const OptionFields& fields) {
  for (const OptionField& field : fields) {
    std::visit([&](const auto* value) { object[std::string(field.name)] = *value; }, field.value);
  }
}

void read_option_fields(const json& object, const OptionFields& fields) {
  for (const OptionField& field : fields) {
    const std::string key(field.name);
    if (!object.contains(key)) continue;  // runs from before it
    const json& stored = object[key];
    std::visit(Overloaded{[&](double* value) { *value = json_number(stored); },
                          [&](bool* value) {
                            if (!stored.is_boolean()) {
                              throw Error(ErrorKind::format, fmt::format("'{}': true or false expected", key));
                            }
                            *value = stored.get<bool>();
                          },
                          [&](std::vector<double>* value) {
                            value->clear();
                            for (const json& item : json_array(object, key.c_str())) {
                              value->push_back(json_number(item));
                            }
                          }},
               field.value);
  }
}

}  // namespace fovea
