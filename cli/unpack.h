#pragma once

#include <filesystem>

namespace fovea::cli {

// Unpacks a tar (compressed or not) or zip file into a folder that exists. Only files and folders below that folder are
// made; links and special files are left out. Throws Error(data) when the archive is damaged, names a place outside, or
// holds more than 64 GiB.
void unpack(const std::filesystem::path& archive, const std::filesystem::path& folder);

}  // namespace fovea::cli
