#include "io/zip_writer.h"

#include <zlib.h>

#include <algorithm>

#include "fovea/error.h"

namespace fovea {

namespace {

constexpr uint64_t max32 = 0xFFFFFFFF;  // stands for "see the zip64 field" where a value does not fit
constexpr uint64_t max16 = 0xFFFF;
constexpr uint64_t alignment = 64;
constexpr uint16_t version = 45;  // of the format: zip64
constexpr uint16_t utf8_name = 1U << 11U;
constexpr uint16_t padding_field = 0x4246;  // the extra field that PyTorch pads with, "FB"
constexpr uint32_t date = 33;               // 1 January 1980, the format's first day

// Little-endian bytes, one number after the other.
class Record {
 public:
  Record& u16(uint64_t value) { return put(value, 2); }
  Record& u32(uint64_t value) { return put(value, 4); }
  Record& u64(uint64_t value) { return put(value, 8); }
  Record& text(const std::string& value) {
    bytes_ += value;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& put(uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes_ += static_cast<char>(value >> (8U * static_cast<unsigned>(i)));
    return *this;
  }
  std::string bytes_;
};

// What local header and table say alike.
Record& describe(Record& record, uint32_t crc, uint64_t size, const std::string& name, const std::string& extra) {
  const uint64_t size32 = std::min(size, max32);
  return record.u16(version)
      .u16(utf8_name)
      .u16(0)
      .u32(date << 16U)
      .u32(crc)
      .u32(size32)
      .u32(size32)
      .u16(name.size())
      .u16(extra.size());
}

std::string wide_sizes(uint64_t size) { return Record().u16(1).u16(16).u64(size).u64(size).bytes(); }

}  // namespace

void ZipWriter::append(const std::string& bytes) {
  file_.append(std::as_bytes(std::span(bytes)));
  written_ += bytes.size();
}

void ZipWriter::add(const std::string& name, std::initializer_list<std::span<const std::byte>> parts) {
  constexpr size_t header_size = 30;
  if (name.size() > max16) throw Error(ErrorKind::usage, "a zip archive cannot hold names of more than 65535 bytes");
  uint64_t size = 0;
  uLong crc = 0;
  for (const auto& part : parts) {
    if (part.empty()) continue;  // for no bytes zlib would begin anew
    size += part.size();
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
  }
  const auto sum = static_cast<uint32_t>(crc);
  const uint64_t begin = written_;

  std::string extra = size >= max32 ? wide_sizes(size) : std::string();
  const uint64_t content = begin + header_size + name.size() + extra.size() + 4;  // 4: of the padding field itself
  const uint64_t padding = (alignment - content % alignment) % alignment;
  extra += Record().u16(padding_field).u16(padding).text(std::string(padding, '\0')).bytes();
  Record local;
  describe(local.u32(0x04034B50), sum, size, name, extra).text(name).text(extra);
  append(local.bytes());
  for (const auto& part : parts) file_.append(part);
  written_ += size;

  std::string wide;
  if (size >= max32) wide = Record().u64(size).u64(size).bytes();
  if (begin >= max32) wide += Record().u64(begin).bytes();
  if (!wide.empty()) wide = Record().u16(1).u16(wide.size()).text(wide).bytes();
  Record entry;
  describe(entry.u32(0x02014B50).u16(version), sum, size, name, wide);
  entry.u16(0).u16(0).u16(0).u32(0).u32(std::min(begin, max32)).text(name).text(wide);
  table_ += entry.bytes();
  ++entries_;
}

void ZipWriter::finish() {
  const uint64_t begin = written_;
  const uint64_t size = table_.size();
  append(table_);
  if (entries_ >= max16 || begin >= max32 || size >= max32) {
    const uint64_t end64 = written_;
    Record record;
    record.u32(0x06064B50).u64(44).u16(version).u16(version).u32(0).u32(0);
    record.u64(entries_).u64(entries_).u64(size).u64(begin);
    append(record.u32(0x07064B50).u32(0).u64(end64).u32(1).bytes());
  }
  const uint64_t count = std::min(entries_, max16);
  append(Record()
             .u32(0x06054B50)
             .u16(0)
             .u16(0)
             .u16(count)
             .u16(count)
             .u32(std::min(size, max32))
             .u32(std::min(begin, max32))
             .u16(0)
             .bytes());
  file_.commit();
}

}  // namespace fovea
