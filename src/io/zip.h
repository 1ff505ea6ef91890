#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace fovea {

// A file of a zip archive (PKWARE's APPNOTE 6.3), stored or deflated.
struct ZipEntry {
  bool deflated = false;
  uint32_t crc = 0;
  uint64_t size = 0;                    // of the content
  std::span<const std::byte> packed{};  // in the archive
};

using ZipEntries = std::map<std::string, ZipEntry, std::less<>>;

// The table of a zip archive in memory, zip64 too. A library would copy every entry out; here stored entries are used
// where they lie in a mapped file. Error(format) opens with `source`: no archive, truncated, encrypted, in several
// parts, compressed another way, entries that overlap or bear the same name, sizes that deflate cannot reach.
ZipEntries read_zip(std::span<const std::byte> archive, const std::string& source);

// The content: a stored entry's bytes themselves, an inflated copy (its check sum verified) kept in `memory` otherwise.
std::span<const std::byte> zip_content(const ZipEntry& entry, const std::string& source,
                                       std::vector<std::shared_ptr<const void>>& memory);

}  // namespace fovea
