#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <system_error>

#include "core/file.h"
#include "core/text.h"
#include "fovea/error.h"

namespace fovea::cli {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t most_bytes = uint64_t{64} << 30;
constexpr size_t block_size = 1 << 20;

class Unpacker {
 public:
  Unpacker(const fs::path& archive, const fs::path& folder)
      : source_(archive), folder_(folder), archive_(archive_read_new(), archive_read_free) {
    if (!archive_) throw Error(ErrorKind::failure, "libarchive cannot be started");
    archive_read_support_filter_all(archive_.get());
    archive_read_support_format_tar(archive_.get());
    archive_read_support_format_zip(archive_.get());
    check(archive_read_open_filename(archive_.get(), archive.c_str(), block_size));
  }

  void run() {
    archive_entry* entry = nullptr;
    for (;;) {
      const int status = archive_read_next_header(archive_.get(), &entry);
      if (status == ARCHIVE_EOF) return;
      check(status);
      const fs::path path = folder_ / safe_name(entry);
      if (archive_entry_filetype(entry) == AE_IFDIR) {
        fs::create_directories(path);
      } else if (archive_entry_filetype(entry) == AE_IFREG) {
        fs::create_directories(path.parent_path());
        write(path);
      }
    }
  }

 private:
  void check(int status) {
    if (status == ARCHIVE_OK || status == ARCHIVE_WARN) return;
    const char* reason = archive_error_string(archive_.get());
    fail(reason != nullptr ? reason : "it cannot be read");
  }

  [[noreturn]] void fail(std::string_view reason) const {
    throw Error(ErrorKind::data, fmt::format("cannot unpack {}: {}", printable(source_), printable(reason)));
  }

  fs::path safe_name(archive_entry* entry) const {
    const char* name = archive_entry_pathname(entry);
    fs::path path = fs::path(name == nullptr ? "" : name).lexically_normal();
    if (path.empty() || path.is_absolute() || *path.begin() == "..") {
      fail(fmt::format("it names a place outside: {}", name == nullptr ? "" : name));
    }
    return path;
  }

  void write(const fs::path& path) {
    AtomicFile file(path);
    std::vector<std::byte> block(block_size);
    for (;;) {
      const la_ssize_t count = archive_read_data(archive_.get(), block.data(), block.size());
      if (count < 0) check(static_cast<int>(count));
      if (count <= 0) break;
      written_ += static_cast<uint64_t>(count);
      if (written_ > most_bytes) fail("it holds more than 64 GiB");
      file.append(std::span(block).first(static_cast<size_t>(count)));
    }
    file.commit();
  }

  fs::path source_, folder_;
  std::unique_ptr<archive, decltype(&archive_read_free)> archive_;
  uint64_t written_ = 0;
};

}  // namespace

void unpack(const fs::path& archive, const fs::path& folder) { Unpacker(archive, folder).run(); }

}  // namespace fovea::cli
