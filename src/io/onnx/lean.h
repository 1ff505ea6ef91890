#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fovea {

// A serialised ModelProto without the raw data of its initialisers, which protobuf would copy.
struct LeanModel {
  std::string bytes;
  std::vector<std::span<const std::byte>> raw;  // of initialiser i, where it lies; empty where it was left in
};

// Nothing for what is not laid out as a message: protobuf will say so.
std::optional<LeanModel> without_raw_data(std::span<const std::byte> bytes);

}  // namespace fovea
