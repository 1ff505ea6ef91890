#include "io/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "io/zip_writer.h"
#include "test_files.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string archive_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  const TempFolder folder;
  ZipWriter archive(folder / "a.zip");
  for (const auto& [name, content] : entries) archive.add(name, {bytes_of(content)});
  archive.finish();
  return read_text(folder / "a.zip");
}

std::string refusal(const std::string& archive) {
  const std::string line = error_of(ErrorKind::format, [&] {
    std::vector<std::shared_ptr<const void>> memory;
    for (const auto& [name, entry] : read_zip(bytes_of(archive), "z")) zip_content(entry, "z", memory);
  });
  EXPECT_TRUE(line.starts_with("z: ")) << line;
  return line;
}

void set(std::string& bytes, size_t at, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

TEST(Zip, ReadsWhatItWrites) {
  const std::string archive = archive_of({{"a/b", "some bytes"}, {"empty", ""}, {"c", std::string(1000, 'x')}});
  const ZipEntries entries = read_zip(bytes_of(archive), "z");
  ASSERT_EQ(entries.size(), 3U);
  std::vector<std::shared_ptr<const void>> memory;
  EXPECT_EQ(text_of(zip_content(entries.at("a/b"), "z", memory)), "some bytes");
  EXPECT_TRUE(zip_content(entries.at("empty"), "z", memory).empty());
  EXPECT_EQ(zip_content(entries.at("c"), "z", memory).size(), 1000U);
  EXPECT_TRUE(memory.empty());
  for (const auto& [name, entry] : entries) EXPECT_EQ((entry.packed.data() - bytes_of(archive).data()) % 64, 0) << name;
}

TEST(Zip, SkipsAComment) {
  std::string archive = archive_of({{"a", "b"}}) + "a comment PK\x05\x06";
  set(archive, archive.size() - 14 - 2, 14, 2);
  EXPECT_EQ(read_zip(bytes_of(archive), "z").size(), 1U);
}

TEST(Zip, RefusesDamage) {
  const std::string good = archive_of({{"a", "0123456789"}, {"b", "0123456789"}});
  const size_t table = good.find("PK\x01\x02");
  const size_t second = good.find("PK\x01\x02", table + 1);
  const auto changed = [&](size_t at, uint64_t value, size_t size) {
    std::string bad = good;
    set(bad, at, value, size);
    return bad;
  };
  EXPECT_THAT(refusal("PK\x03\x04"), HasSubstr("truncated"));
  EXPECT_THAT(refusal(changed(table + 8, 1, 2)), HasSubstr("entry \"a\": encrypted"));
  EXPECT_THAT(refusal(changed(table + 10, 14, 2)), HasSubstr("compression method 14"));
  EXPECT_THAT(refusal(changed(table + 24, 11, 4)), HasSubstr("11 bytes cannot come out of 10"));
  EXPECT_THAT(refusal(changed(table + 42, 1 << 20, 4)), HasSubstr("truncated or damaged"));
  EXPECT_THAT(refusal(changed(second + 42, 0, 4)), HasSubstr("overlap"));
  EXPECT_THAT(refusal(changed(second + 42, 1, 4)), HasSubstr("not where it should be"));
  EXPECT_THAT(refusal(changed(second + 46, 'a', 1)), HasSubstr("holds \"a\" twice"));
  EXPECT_THAT(refusal(changed(good.size() - 22 + 10, 3, 2)), HasSubstr("truncated or damaged"));
  EXPECT_THAT(refusal(changed(good.size() - 22 + 4, 1, 2)), HasSubstr("several parts"));
  EXPECT_THAT(refusal(changed(table, 0, 4)), HasSubstr("table is damaged"));
}

TEST(Zip, ClaimsBeyondDeflateTakeNoMemory) {
  // Ten deflated bytes that are said to be 2^32 - 2.
  std::string archive = archive_of({{"a", "0123456789"}});
  const size_t table = archive.find("PK\x01\x02");
  set(archive, table + 10, 8, 2);
  set(archive, table + 24, 0xFFFFFFFE, 4);
  EXPECT_THAT(refusal(archive), HasSubstr("4294967294 bytes cannot come out of 10"));
  set(archive, table + 24, 5000, 4);
  EXPECT_THAT(refusal(archive), HasSubstr("an entry of the zip archive is damaged"));
}

}  // namespace
}  // namespace fovea
