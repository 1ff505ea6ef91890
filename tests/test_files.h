#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/file.h"
#include "fovea/error.h"

namespace fovea {

// A new folder that goes with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "fovea-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw Error(ErrorKind::data, "cannot make a folder like " + name);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  auto entries() const { return std::distance(std::filesystem::directory_iterator(path_), {}); }

 private:
  std::filesystem::path path_;
};

// Reference data that is not part of the repository: $FOVEA_TEST_DATA, else ../shared/data beside the repository.
inline std::filesystem::path test_data() {
  const char* folder = std::getenv("FOVEA_TEST_DATA");
  return folder != nullptr ? std::filesystem::path(folder)
                           : std::filesystem::path(FOVEA_TEST_DIR) / ".." / ".." / "shared" / "data";
}

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string read_text(const std::filesystem::path& path) { return text_of(read_file(path, 1 << 24)); }

inline void write_text(const std::filesystem::path& path, std::string_view text) {
  write_file_atomically(path, bytes_of(text));
}

// What body() says when it throws Error of that kind, with a test failure otherwise.
template <class Body>
std::string error_of(ErrorKind kind, Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

// Runs body() in a child process; its exit status as waitpid tells it.
template <class Body>
int status_of_child(Body&& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

// Exit status of a child for which the machine does not allow what the test needs.
constexpr int cannot_set_up = 77;

// A file system of its own, seen by this process and its children only. Needs root.
inline bool mount_small_disk(const std::filesystem::path& folder, const char* options = "size=64k") {
  return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("fovea", folder.c_str(), "tmpfs", 0, options) == 0;
}

}  // namespace fovea
