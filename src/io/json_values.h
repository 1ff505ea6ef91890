#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fovea {

// Strict access to parsed JSON of untrusted files: nothing is converted or rounded on the way. All throw Error(format)
// saying what was expected; the caller adds where.
const nlohmann::json& json_member(const nlohmann::json& object, const char* key);
const nlohmann::json& json_array(const nlohmann::json& object, const char* key);
const std::string& json_text(const nlohmann::json& value);
int64_t json_integer(const nlohmann::json& value);
uint64_t json_unsigned(const nlohmann::json& value);
double json_number(const nlohmann::json& value);
std::vector<int64_t> json_integers(const nlohmann::json& list);

}  // namespace fovea
