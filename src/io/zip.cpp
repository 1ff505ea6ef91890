#include "io/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "fovea/error.h"
#include "io/json.h"

namespace fovea {

namespace {

using Bytes = std::span<const std::byte>;

constexpr uint64_t deflate_ratio = 1032;  // the most that deflate can reach
constexpr uint32_t wide32 = 0xFFFFFFFF;   // "see the zip64 field"
constexpr uint16_t wide16 = 0xFFFF;
constexpr size_t end_size = 22;      // of the end record without its comment
constexpr size_t locator_size = 20;  // of the zip64 locator before it
constexpr size_t end64_size = 56;
constexpr size_t record_size = 46;  // of an entry in the table, without name, extra fields and comment
constexpr size_t local_size = 30;   // of the header before an entry's bytes, likewise

[[noreturn]] void refuse(const std::string& source, const std::string& why) {
  throw Error(ErrorKind::format, fmt::format("{}: {}", source, why));
}

template <class T>
T load(Bytes bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

bool has_signature(Bytes bytes, uint32_t signature) {
  return bytes.size() >= sizeof signature && load<uint32_t>(bytes, 0) == signature;
}

// bytes[at, at + size), or a refusal.
Bytes part(Bytes bytes, uint64_t at, uint64_t size, const std::string& source) {
  if (at > bytes.size() || size > bytes.size() - at) refuse(source, "the zip archive is truncated or damaged");
  return bytes.subspan(static_cast<size_t>(at), static_cast<size_t>(size));
}

// The end record is the last thing in the archive but for a comment of up to 65535 bytes.
size_t find_end(Bytes archive, const std::string& source) {
  const size_t last = archive.size() < end_size ? 0 : archive.size() - end_size + 1;
  const size_t first = last > wide16 ? last - wide16 - 1 : 0;
  for (size_t at = last; at-- > first;) {
    const Bytes rest = archive.subspan(at);
    if (has_signature(rest, 0x06054B50) && load<uint16_t>(rest, 20) == rest.size() - end_size) return at;
  }
  refuse(source, "the zip archive is truncated: its table is missing");
}

struct Table {
  uint64_t count;
  Bytes records;
};

Table find_table(Bytes archive, const std::string& source) {
  const size_t at = find_end(archive, source);
  const Bytes end = archive.subspan(at);
  uint64_t count = load<uint16_t>(end, 10);
  uint64_t size = load<uint32_t>(end, 12);
  uint64_t begin = load<uint32_t>(end, 16);
  if (load<uint16_t>(end, 4) != load<uint16_t>(end, 6)) refuse(source, "the zip archive is one of several parts");
  if (at >= locator_size && has_signature(archive.subspan(at - locator_size), 0x07064B50)) {
    const auto end64_at = load<uint64_t>(archive, at - locator_size + 8);
    const Bytes end64 = part(archive, end64_at, end64_size, source);
    if (!has_signature(end64, 0x06064B50)) refuse(source, "the zip archive's zip64 record is missing");
    count = load<uint64_t>(end64, 32);
    size = load<uint64_t>(end64, 40);
    begin = load<uint64_t>(end64, 48);
  }
  return {count, part(archive, begin, size, source)};
}

// Sizes and position that do not fit in 32 bits stand in an extra field, in this order, those that are needed only.
void widen(Bytes extra, uint64_t& size, uint64_t& packed, uint64_t& offset, const std::string& source) {
  while (extra.size() >= 4) {
    const auto id = load<uint16_t>(extra, 0);
    Bytes field = part(extra, 4, load<uint16_t>(extra, 2), source);
    extra = extra.subspan(4 + field.size());
    if (id != 1) continue;
    for (uint64_t* const value : {&size, &packed, &offset}) {
      if (*value != wide32) continue;
      *value = load<uint64_t>(part(field, 0, sizeof(uint64_t), source), 0);
      field = field.subspan(sizeof(uint64_t));
    }
    return;
  }
}

// An entry's bytes follow its local header, whose own extra fields may differ from the table's.
Bytes find_packed(Bytes archive, uint64_t offset, uint64_t size, const std::string& source) {
  const Bytes local = part(archive, offset, local_size, source);
  if (!has_signature(local, 0x04034B50))
    refuse(source, "the zip archive is damaged: an entry is not where it should be");
  const uint64_t skipped = local_size + load<uint16_t>(local, 26) + load<uint16_t>(local, 28);
  return part(archive, offset + skipped, size, source);
}

// Takes one record off the front of the table; false when an entry of that name is there already.
std::pair<ZipEntries::iterator, bool> take_entry(Bytes archive, Bytes& table, const std::string& source,
                                                 ZipEntries& entries) {
  const Bytes record = part(table, 0, record_size, source);
  if (!has_signature(record, 0x02014B50)) refuse(source, "the zip archive's table is damaged");
  const auto name_size = load<uint16_t>(record, 28);
  const auto extra_size = load<uint16_t>(record, 30);
  const auto comment_size = load<uint16_t>(record, 32);
  const Bytes name = part(table, record_size, name_size, source);
  const Bytes extra = part(table, record_size + name_size, extra_size, source);
  part(table, record_size + name_size + extra_size, comment_size, source);
  table = table.subspan(record_size + name_size + extra_size + comment_size);

  std::string text(reinterpret_cast<const char*>(name.data()), name.size());
  const std::string where = fmt::format("{}: entry {}", source, quote_name(text));
  ZipEntry entry;
  if ((load<uint16_t>(record, 8) & 1U) != 0) refuse(where, "encrypted");
  const auto method = load<uint16_t>(record, 10);
  if (method != 0 && method != 8) refuse(where, fmt::format("compression method {}; only deflate is read", method));
  entry.deflated = method == 8;
  entry.crc = load<uint32_t>(record, 16);
  uint64_t packed_size = load<uint32_t>(record, 20);
  entry.size = load<uint32_t>(record, 24);
  uint64_t offset = load<uint32_t>(record, 42);
  widen(extra, entry.size, packed_size, offset, where);
  entry.packed = find_packed(archive, offset, packed_size, where);
  const bool possible = entry.deflated ? entry.size / deflate_ratio <= packed_size : entry.size == packed_size;
  if (!possible) refuse(where, fmt::format("{} bytes cannot come out of {}", entry.size, packed_size));
  return entries.emplace(std::move(text), entry);
}

// Entries that share bytes would let a small archive inflate to any size.
void check_disjoint(const ZipEntries& entries, const std::string& source) {
  std::vector<Bytes> parts;
  for (const auto& [name, entry] : entries) {
    if (!entry.packed.empty()) parts.push_back(entry.packed);
  }
  std::ranges::sort(parts, {}, [](Bytes bytes) { return bytes.data(); });
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].data() < parts[i - 1].data() + parts[i - 1].size())
      refuse(source, "entries of the zip archive overlap");
  }
}

// Ends the stream with the scope.
struct Inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, -MAX_WBITS) == Z_OK;  // without zlib's header
  Inflater() = default;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};

// Whether `packed` inflates to as many bytes as there are in `content` but one, which shows when there are more.
// zlib counts in 32 bits: both go in slices.
bool inflate_exactly(Bytes packed, std::span<std::byte> content) {
  const auto slice = [](size_t done, size_t size) { return static_cast<uInt>(std::min(size - done, size_t{1} << 30)); };
  Inflater inflater;
  z_stream& stream = inflater.stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  int status = inflater.ready ? Z_OK : Z_MEM_ERROR;
  while (status == Z_OK) {
    if (stream.avail_in == 0) stream.avail_in = slice(stream.total_in, packed.size());
    if (stream.avail_out == 0) stream.avail_out = slice(stream.total_out, content.size());
    status = inflate(&stream, Z_NO_FLUSH);
  }
  return status == Z_STREAM_END && stream.total_in == packed.size() && stream.total_out + 1 == content.size();
}

uint32_t check_sum(Bytes bytes) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

ZipEntries read_zip(Bytes archive, const std::string& source) {
  auto [count, table] = find_table(archive, source);
  ZipEntries entries;
  for (uint64_t i = 0; i < count; ++i) {
    const auto [entry, is_new] = take_entry(archive, table, source, entries);
    if (!is_new) refuse(source, fmt::format("the zip archive holds {} twice", quote_name(entry->first)));
  }
  check_disjoint(entries, source);
  return entries;
}

Bytes zip_content(const ZipEntry& entry, const std::string& source, std::vector<std::shared_ptr<const void>>& memory) {
  if (!entry.deflated) return entry.packed;
  auto content = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(entry.size) + 1);
  const Bytes bytes = std::span(*content).first(static_cast<size_t>(entry.size));
  if (!inflate_exactly(entry.packed, *content) || check_sum(bytes) != entry.crc) {
    refuse(source, "an entry of the zip archive is damaged");
  }
  memory.push_back(std::move(content));
  return bytes;
}

}  // namespace fovea
