#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Options of optimisers and schedules by name: one list of fields serves their text form and config.json.
namespace fovea {

struct OptionField {
  std::string_view name;  // as in C++ and JSON: "weight_decay"; in text "weight-decay"
  std::variant<double*, bool*, std::vector<double>*> value;
};
using OptionFields = std::vector<OptionField>;

// A name and options, "adam lr 3e-4 amsgrad": numbers follow their names, flags stand alone (or, to turn them off,
// after "no-"), lists are 30,60,80.
struct OptionText {
  std::string name;
  std::vector<std::string> words;  // after the name
};
OptionText split_option_text(const std::string& text);

// Sets the fields that the words name. Throws Error(usage), "schedule 'cosine': ...", for an unknown option, suggesting
// the nearest, or a value that is missing or no number. `kind` is "schedule" or "optimizer".
void read_option_words(const OptionText& text, const OptionFields& fields, std::string_view kind);
// The words of the fields that differ from the same ones in `defaults`.
std::string option_text(std::string_view name, const OptionFields& fields, const OptionFields& defaults);

// Adds the fields to a JSON object, or reads those that it has. Throws Error(format) for a value of another type.
void write_option_fields(nlohmann::json& object, const OptionFields& fields);
void read_option_fields(const nlohmann::json& object, const OptionFields& fields);

}  // namespace fovea
