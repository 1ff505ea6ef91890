#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/model.h"

// What stands behind the flags of several commands.
namespace fovea::cli {

// "a, b" -> {"a", "b"}: without the spaces around, and without items of nothing else.
std::vector<std::string> comma_separated(std::string_view text);

// "4/255" or "0.0157". Throws Error(usage) naming the flag.
double fraction(const char* flag, const std::string& text);

// A class of the model by its number or by its name. Throws Error(usage) naming the flag and suggesting the nearest.
int64_t class_from_text(const char* flag, const Model& model, const std::string& text);
// Its name, or the number as text.
std::string class_name(const Model& model, int64_t index);

// FOLDER/NAME-SUFFIX.EXTENSION for a picture NAME; the folder is made if it is missing. Throws Error(data) when it
// cannot be made.
std::filesystem::path output_path(const std::string& folder, const std::filesystem::path& picture,
                                  std::string_view suffix, std::string_view extension = "png");

}  // namespace fovea::cli
