#include "fovea/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "core/file.h"
#include "fovea/error.h"
#include "io/decode.h"
#include "io/f32_entries.h"
#include "io/json.h"

namespace fovea {

namespace {

using nlohmann::json;

constexpr uint64_t max_header = 100'000'000;  // the reference implementation's limit
constexpr std::string_view metadata_key = "__metadata__";

[[noreturn]] void refuse(const std::string& source, const std::string& why) {
  throw Error(ErrorKind::format, fmt::format("{}: {}", source, why));
}

// The header's text: its length is checked against the limit and against the file.
std::string_view header_text(std::span<const std::byte> file, const std::string& source) {
  uint64_t length = 0;
  if (file.size() < sizeof length) {
    refuse(source, fmt::format("not a safetensors file: {} bytes, at least 8 expected", file.size()));
  }
  std::memcpy(&length, file.data(), sizeof length);
  if (length > max_header) {
    refuse(source, fmt::format("not a safetensors file: header of {} bytes, at most {} allowed", length, max_header));
  }
  if (length > file.size() - sizeof length) {
    refuse(source, fmt::format("truncated: header of {} bytes in a file of {}", length, file.size()));
  }
  return {reinterpret_cast<const char*>(file.data()) + sizeof length, static_cast<size_t>(length)};
}

std::optional<DType> find_dtype(std::string_view name) {
  for (auto dtype = DType::f64; dtype <= DType::boolean; dtype = DType(static_cast<int>(dtype) + 1)) {
    if (to_string(dtype) == name) return dtype;
  }
  return std::nullopt;
}

// The named member if it is a list of integers from 0 to 2^63 - 1.
std::optional<std::vector<int64_t>> find_integers(const json& object, const char* key) {
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array()) return std::nullopt;
  std::vector<int64_t> integers;
  for (const json& item : *list) {
    if (!item.is_number_unsigned() || item.get<uint64_t>() > INT64_MAX) return std::nullopt;
    integers.push_back(item.get<int64_t>());
  }
  return integers;
}

// `where` names file and tensor. `data` is what follows the header.
SafetensorsEntry parse_entry(const std::string& name, const json& item, std::span<const std::byte> data,
                             const std::string& where) {
  if (!item.is_object()) refuse(where, "expected an object with dtype, shape and data_offsets");
  const auto dtype_name = item.find("dtype");
  if (dtype_name == item.end() || !dtype_name->is_string()) refuse(where, "dtype is missing or no text");
  const auto dtype = find_dtype(dtype_name->get_ref<const std::string&>());
  if (!dtype) refuse(where, fmt::format("unknown dtype {}", quote_name(dtype_name->get_ref<const std::string&>())));

  const auto extents = find_integers(item, "shape");
  if (!extents) refuse(where, "shape is not a list of sizes below 2^63");
  const auto offsets = find_integers(item, "data_offsets");
  if (!offsets || offsets->size() != 2) refuse(where, "data_offsets is not a pair of positions below 2^63");

  Shape shape;
  try {
    shape = Shape(*extents);
  } catch (const Error& error) {
    refuse(where, error.what());
  }
  const auto begin = static_cast<uint64_t>((*offsets)[0]);
  const auto end = static_cast<uint64_t>((*offsets)[1]);
  if (begin > end || end > data.size()) {
    refuse(where, fmt::format("data_offsets [{}, {}] do not lie within the {} bytes of data", begin, end, data.size()));
  }
  const uint64_t needed = static_cast<uint64_t>(shape.elements()) * item_size(*dtype);
  if (end - begin != needed) {
    refuse(where, fmt::format("{} of shape {} takes {} bytes, data_offsets [{}, {}] hold {}", to_string(*dtype),
                              to_string(shape), needed, begin, end, end - begin));
  }
  return {name, *dtype, shape, data.subspan(begin, needed)};
}

std::map<std::string, std::string> parse_metadata(const json& item, const std::string& source) {
  if (!item.is_object()) refuse(source, "__metadata__ is not an object of texts");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : item.items()) {
    if (!value.is_string()) refuse(source, fmt::format("__metadata__ {} is not a text", quote_name(key)));
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

// Each tensor has to begin where the one before it ends, and the last at the file's end.
void check_cover(std::span<const SafetensorsEntry> entries, std::span<const std::byte> data,
                 const std::string& source) {
  const std::byte* covered = data.data();
  for (const SafetensorsEntry& entry : entries) {
    if (entry.bytes.data() != covered) {
      refuse(source, fmt::format("tensor {} begins at byte {} of the data, expected {} ({})", quote_name(entry.name),
                                 entry.bytes.data() - data.data(), covered - data.data(),
                                 entry.bytes.data() < covered ? "tensors overlap" : "a gap lies before it"));
    }
    covered += entry.bytes.size();
  }
  if (covered != data.data() + data.size()) {
    refuse(source, fmt::format("tensors cover {} of the {} bytes of data", covered - data.data(), data.size()));
  }
}

// Lays tensors one after the other; padded with spaces so that the data begin at a multiple of 8.
std::string make_header(std::span<const SafetensorsEntry> tensors, const std::map<std::string, std::string>& metadata) {
  const auto text = [](const std::string& value) { return json(value).dump(); };
  std::string header = "{";
  const auto separate = [&] { header += header.size() > 1 ? "," : ""; };
  if (!metadata.empty()) header += fmt::format("{}:{}", text(std::string(metadata_key)), json(metadata).dump());
  size_t end = 0;
  for (const SafetensorsEntry& tensor : tensors) {
    const size_t begin = end;
    end += tensor.bytes.size();
    separate();
    header += fmt::format(R"({}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", text(tensor.name),
                          to_string(tensor.dtype), json(tensor.shape.dims()).dump(), begin, end);
  }
  header += "}";
  // The first tensor begins at a cache line, and mostly every large one, which a reader may map and use in place.
  constexpr size_t line = 64;
  header.append((line - (sizeof(uint64_t) + header.size()) % line) % line, ' ');
  return header;
}

[[noreturn]] void refuse_to_write(const std::filesystem::path& path, std::string_view name, const char* why) {
  throw Error(ErrorKind::usage, fmt::format("cannot write {}: tensor {} {}", path.string(), quote_name(name), why));
}

void check_names(const std::filesystem::path& path, std::span<const SafetensorsEntry> tensors) {
  std::set<std::string_view> names;
  for (const SafetensorsEntry& tensor : tensors) {
    if (tensor.name == metadata_key) refuse_to_write(path, tensor.name, "bears the name of the metadata");
    if (!names.insert(tensor.name).second) refuse_to_write(path, tensor.name, "occurs twice");
  }
}

std::string checked_header(const std::filesystem::path& path, std::span<const SafetensorsEntry> tensors,
                           const std::map<std::string, std::string>& metadata) {
  check_names(path, tensors);
  std::string header;
  try {
    header = make_header(tensors, metadata);
  } catch (const json::type_error&) {
    throw Error(ErrorKind::usage, fmt::format("cannot write {}: a name or metadata text is not UTF-8", path.string()));
  }
  if (header.size() > max_header) {
    throw Error(ErrorKind::usage, fmt::format("cannot write {}: the header takes {} bytes, the format allows {}",
                                              path.string(), header.size(), max_header));
  }
  return header;
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  auto mapping = std::make_shared<const MappedFile>(path);
  SafetensorsFile file = parse(mapping->bytes(), path.string());
  file.mapping_ = std::move(mapping);
  return file;
}

SafetensorsFile SafetensorsFile::parse(std::span<const std::byte> bytes, std::string source) {
  SafetensorsFile file;
  const std::string_view text = header_text(bytes, source);
  const json header = parse_json(text, source);
  if (!header.is_object()) refuse(source, "header is not a JSON object");

  const auto data = bytes.subspan(sizeof(uint64_t) + text.size());
  for (const auto& [name, item] : header.items()) {
    if (name == metadata_key) {
      file.metadata_ = parse_metadata(item, source);
    } else {
      file.entries_.push_back(parse_entry(name, item, data, fmt::format("{}: tensor {}", source, quote_name(name))));
    }
  }
  // Empty tensors before the one that begins at the same byte; then by name, which is the order they have.
  std::ranges::stable_sort(file.entries_, {}, [](const SafetensorsEntry& entry) {
    return std::pair(entry.bytes.data(), entry.bytes.size());
  });
  check_cover(file.entries_, data, source);
  for (size_t i = 0; i < file.entries_.size(); ++i) file.index_.emplace(file.entries_[i].name, i);
  file.source_ = std::move(source);
  return file;
}

const SafetensorsEntry& SafetensorsFile::entry(std::string_view name) const {
  const auto place = index_.find(name);
  if (place == index_.end()) refuse(source_, fmt::format("holds no tensor {}", quote_name(name)));
  return entries_[place->second];
}

Tensor SafetensorsFile::read_f32(std::string_view name) const {
  const SafetensorsEntry& stored = entry(name);
  return decode_tensor(stored.dtype, stored.shape, stored.bytes, mapping_.get());
}

void SafetensorsFile::read_f32(std::string_view name, std::span<float> values) const {
  const SafetensorsEntry& stored = entry(name);
  decode_in_pieces(stored.dtype, stored.bytes, values, mapping_.get());
}

std::vector<SafetensorsEntry> f32_entries(const std::filesystem::path& path, std::span<const NamedTensor> tensors) {
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, tensor] : tensors) {
    if (tensor == nullptr || tensor->data() == nullptr) refuse_to_write(path, name, "has no values");
    entries.push_back({name, DType::f32, tensor->shape(), std::as_bytes(tensor->values())});
  }
  return entries;
}

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  write_safetensors_entries(path, f32_entries(path, tensors), metadata);
}

void write_safetensors_entries(const std::filesystem::path& path, std::span<const SafetensorsEntry> tensors,
                               const std::map<std::string, std::string>& metadata) {
  const std::string header = checked_header(path, tensors, metadata);
  const uint64_t length = header.size();
  AtomicFile file(path);
  file.append(std::as_bytes(std::span(&length, 1)));
  file.append(std::as_bytes(std::span(header)));
  for (const SafetensorsEntry& tensor : tensors) file.append(tensor.bytes);
  file.commit();
}

std::vector<std::byte> encode_safetensors(const std::filesystem::path& path, std::span<const SafetensorsEntry> tensors,
                                          const std::map<std::string, std::string>& metadata) {
  const std::string header = checked_header(path, tensors, metadata);
  const uint64_t length = header.size();
  size_t size = sizeof(length) + header.size();
  for (const SafetensorsEntry& tensor : tensors) size += tensor.bytes.size();
  std::vector<std::byte> bytes(size);
  auto end = bytes.begin();
  const auto append = [&](std::span<const std::byte> more) { end = std::ranges::copy(more, end).out; };
  append(std::as_bytes(std::span(&length, 1)));
  append(std::as_bytes(std::span(header)));
  for (const SafetensorsEntry& tensor : tensors) append(tensor.bytes);
  return bytes;
}

}  // namespace fovea
