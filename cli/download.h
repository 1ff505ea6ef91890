#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace fovea::cli {

struct Download {
  std::vector<std::string> urls;  // mirrors, tried in order
  std::filesystem::path file;     // where it goes
  std::string checksum;           // "md5:..." or "sha256:..." in hexadecimal
};

// Called with the bytes there are and the bytes expected (0: not known).
using OnDownload = std::function<void(uint64_t done, uint64_t total)>;

// Fetches a file (http, https, ftp) and checks it before it appears under its name; until then it grows as
// FILE.download, from which a later call goes on. A file that is there already and has the checksum is left alone.
// Stops when `stop` says so. Throws Error(data) naming each mirror and what was wrong with it, Error(usage) for a
// senseless checksum.
void download(const Download& what, const OnDownload& on_progress, const std::function<bool()>& stop);

// The checksum of a file in the form of `like`: "md5:..." or "sha256:...".
std::string checksum_of(const std::filesystem::path& file, const std::string& like);

}  // namespace fovea::cli
