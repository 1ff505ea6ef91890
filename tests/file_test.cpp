#include "core/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include "test_files.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// 0 if body() throws an Error whose text has `expected`; for children, which cannot report to the test.
template <class Body>
int expect_error(const char* expected, Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    if (std::string_view(error.what()).find(expected) != std::string_view::npos) return 0;
    fprintf(stderr, "got: %s\n", error.what());
  }
  return 1;
}

TEST(AtomicFile, RoundTripsAndReplaces) {
  const TempFolder folder;
  const fs::path path = folder / "a.bin";
  for (const std::string& text : {std::string("first"), std::string(), std::string("\0\n\xFF", 3)}) {
    write_text(path, text);
    EXPECT_EQ(read_text(path), text);
  }
  EXPECT_EQ(folder.entries(), 1);
}

TEST(AtomicFile, AppendsChunksAndHonoursUmask) {
  const TempFolder folder;
  const fs::path path = folder / "a.bin";
  const mode_t before = umask(027);
  {
    AtomicFile file(path);
    file.append(bytes_of("one "));
    file.append({});
    file.append(bytes_of("two"));
    EXPECT_FALSE(fs::exists(path));
    file.commit();
  }
  umask(before);
  EXPECT_EQ(read_text(path), "one two");
  EXPECT_EQ(static_cast<int>(fs::status(path).permissions()), 0640);
}

TEST(AtomicFile, WithoutCommitTheOldFileStays) {
  const TempFolder folder;
  const fs::path path = folder / "a.bin";
  write_text(path, "old");
  { AtomicFile(path).append(bytes_of("new, but never finished")); }
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(AtomicFile, RefusesPathsItCannotWriteInOneClearLine) {
  const TempFolder folder;
  write_text(folder / "file", "x");
  fs::create_directory(folder / "folder");
  const auto failure = [&](const fs::path& path) { return error_of(ErrorKind::data, [&] { write_text(path, "y"); }); };
  EXPECT_THAT(failure(folder / "missing/a.bin"), HasSubstr("there is no folder " + (folder / "missing").string()));
  EXPECT_THAT(failure(folder / "folder"), HasSubstr("it is a folder"));
  EXPECT_THAT(failure(folder / "file/a.bin"), HasSubstr("Not a directory"));
  EXPECT_THAT(failure(folder / std::string(300, 'x')), HasSubstr("File name too long"));
  EXPECT_THAT(failure("/dev/null"), HasSubstr("it is no regular file"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(folder.entries(), 2);
}

TEST(AtomicFile, RefusesASecondWriterUntilTheFirstIsDone) {
  const TempFolder folder;
  const fs::path path = folder / "a.bin";
  {
    AtomicFile first(path);
    first.append(bytes_of("first"));
    EXPECT_THAT(error_of(ErrorKind::data, [&] { AtomicFile second(path); }), HasSubstr("another writer"));
    first.commit();
  }
  EXPECT_EQ(read_text(path), "first");
  write_text(path, "second");
  EXPECT_EQ(read_text(path), "second");
}

TEST(AtomicFile, ReplacesALinkAndLeavesItsTarget) {
  const TempFolder folder;
  write_text(folder / "target", "target");
  fs::create_symlink("target", folder / "link");
  write_text(folder / "link", "new");
  EXPECT_EQ(read_text(folder / "target"), "target");
  EXPECT_EQ(read_text(folder / "link"), "new");
  EXPECT_FALSE(fs::is_symlink(folder / "link"));
}

TEST(AtomicFile, KilledWriterLeavesTheOldFileAndDoesNotBlockTheNext) {
  const TempFolder folder;
  const fs::path path = folder / "a.bin";
  write_text(path, "old");
  const int status = status_of_child([&] {
    AtomicFile file(path);
    file.append(bytes_of("half of"));
    raise(SIGKILL);
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_text(path), "old");
  write_text(path, "new");
  EXPECT_EQ(read_text(path), "new");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(AtomicFile, SizeLimitKeepsTheOldFile) {
  const TempFolder folder;
  const fs::path path = folder / "a.bin";
  write_text(path, "old");
  const int status = status_of_child([&] {
    const rlimit limit{1000, 1000};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return cannot_set_up;
    return expect_error("(1500 bytes): File too large", [&] {
      AtomicFile file(path);
      for (int i = 0; i < 4; ++i) file.append(bytes_of(std::string(500, 'x')));
    });
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(AtomicFile, FullDiskKeepsTheOldFile) {
  const TempFolder folder;
  const int status = status_of_child([&] {
    if (!mount_small_disk(folder.path())) return cannot_set_up;
    const fs::path path = folder / "a.bin";
    write_text(path, "old");
    const int wrong =
        expect_error("(100000 bytes): No space left on device", [&] { write_text(path, std::string(100000, 'x')); });
    if (wrong != 0 || read_text(path) != "old" || folder.entries() != 1) return 1;
    write_text(path, std::string(30000, 'x'));  // the space is free again
    return 0;
  });
  if (WEXITSTATUS(status) == cannot_set_up) GTEST_SKIP() << "mounting a small disk needs root";
  EXPECT_EQ(status, 0);
}

TEST(AtomicFile, ReadOnlyDiskKeepsTheOldFile) {
  const TempFolder folder;
  const int status = status_of_child([&] {
    if (!mount_small_disk(folder.path())) return cannot_set_up;
    const fs::path path = folder / "a.bin";
    write_text(path, "old");
    if (mount("fovea", folder.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) != 0) return cannot_set_up;
    const int wrong = expect_error("Read-only file system", [&] { write_text(path, "new"); });
    return wrong != 0 || read_text(path) != "old" ? 1 : 0;
  });
  if (WEXITSTATUS(status) == cannot_set_up) GTEST_SKIP() << "mounting a read-only disk needs root";
  EXPECT_EQ(status, 0);
}

TEST(AtomicFile, ReadOnlyFolderIsRefused) {
  const TempFolder folder;
  fs::permissions(folder.path(), fs::perms(0555));
  const int status = status_of_child([&] {
    if (geteuid() == 0 && setuid(65534) != 0) return cannot_set_up;  // root may write to any folder
    return expect_error("Permission denied", [&] { write_text(folder / "a.bin", "x"); });
  });
  EXPECT_EQ(status, 0);
  fs::permissions(folder.path(), fs::perms(0755));
}

TEST(ReadFile, TakesUpToTheLimit) {
  const TempFolder folder;
  const std::string text(10000, 'x');
  write_text(folder / "a", text);
  EXPECT_EQ(text_of(read_file(folder / "a", 10000)), text);
  EXPECT_EQ(text_of(read_file(folder / "a", UINT64_MAX)), text);
  EXPECT_THAT(error_of(ErrorKind::data, [&] { read_file(folder / "a", 9999); }), HasSubstr("more than 9999 bytes"));
  write_text(folder / "empty", "");
  EXPECT_TRUE(read_file(folder / "empty", 0).empty());
}

TEST(ReadFile, ReadsStreamsThatDoNotTellTheirSize) {
  EXPECT_FALSE(read_file("/proc/self/maps", 1 << 24).empty());
  EXPECT_THAT(error_of(ErrorKind::data, [] { read_file("/dev/zero", 100000); }), HasSubstr("more than 100000 bytes"));
}

TEST(ReadFile, RefusesMissingFilesAndFolders) {
  const TempFolder folder;
  EXPECT_THAT(error_of(ErrorKind::data, [&] { read_file(folder / "a", 1); }), HasSubstr("No such file"));
  EXPECT_THAT(error_of(ErrorKind::data, [&] { read_file(folder.path(), 1); }), HasSubstr("it is a folder"));
}

TEST(MappedFile, ShowsTheBytesAndMoves) {
  const TempFolder folder;
  write_text(folder / "a", "some bytes");
  write_text(folder / "b", "others");
  MappedFile a(folder / "a");
  EXPECT_EQ(text_of(a.bytes()), "some bytes");
  MappedFile moved = std::move(a);
  EXPECT_EQ(text_of(moved.bytes()), "some bytes");
  moved = MappedFile(folder / "b");
  EXPECT_EQ(text_of(moved.bytes()), "others");
}

TEST(MappedFile, KeepsTheOldBytesWhenTheFileIsReplaced) {
  const TempFolder folder;
  write_text(folder / "a", "old");
  const MappedFile mapped(folder / "a");
  write_text(folder / "a", "");
  EXPECT_EQ(text_of(mapped.bytes()), "old");
}

TEST(MappedFile, ShowsReleasedBytesAgain) {
  const TempFolder folder;
  const std::string text(100'000, 'x');
  write_text(folder / "a", text);
  const MappedFile mapped(folder / "a");
  mapped.release(mapped.bytes().subspan(5'000, 50'000));
  EXPECT_EQ(text_of(mapped.bytes()), text);
}

TEST(MappedFile, LendsTensorsThatAreTheirOwn) {
  const TempFolder folder;
  constexpr size_t floats = 500'000;
  std::vector<float> stored(floats);
  std::iota(stored.begin(), stored.end(), 0.0F);
  write_text(folder / "a", "head" + std::string(reinterpret_cast<const char*>(stored.data()), 4 * floats));
  MappedFile file(folder / "a");
  const Shape shape{floats - 1};
  auto first = file.tensor(shape, file.bytes().subspan(8));
  const auto second = file.tensor(shape, file.bytes().subspan(8));
  EXPECT_FALSE(file.tensor(Shape{4}, file.bytes().subspan(8, 16)));           // small
  EXPECT_FALSE(file.tensor(shape, file.bytes().subspan(6, 4 * floats - 4)));  // no float begins there
  if (!first) GTEST_SKIP() << "a sanitizer watches the heap: everything is copied there";
  file = {};
  EXPECT_TRUE(std::ranges::equal(first->values(), std::span(stored).subspan(1)));
  first->values()[0] = -1;
  const Tensor copy = *first;
  EXPECT_EQ(copy[0], -1);
  EXPECT_EQ((*second)[0], 1);
  const MappedFile again(folder / "a");
  EXPECT_EQ(std::memcmp(again.bytes().data() + 8, &stored[1], 4 * (floats - 1)), 0);
}

TEST(MappedFile, TakesEmptyFilesAndRefusesOthers) {
  const TempFolder folder;
  write_text(folder / "empty", "");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto failure = [](const fs::path& path) { return error_of(ErrorKind::data, [&] { MappedFile{path}; }); };
  EXPECT_THAT(failure(folder / "pipe"), HasSubstr("it is no regular file"));
  EXPECT_THAT(failure(folder / "missing"), HasSubstr("No such file"));
  EXPECT_THAT(failure(folder.path()), HasSubstr("it is a folder"));
}

}  // namespace
}  // namespace fovea
