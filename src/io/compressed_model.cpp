#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/file.h"
#include "core/text.h"
#include "fovea/compress.h"
#include "fovea/error.h"
#include "fovea/safetensors.h"
#include "io/checkpoint_file.h"
#include "io/json.h"

namespace fovea {

namespace {

constexpr uint8_t long_gap = 255;
constexpr size_t most_values = 256;

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

// ---- Writing -------------------------------------------------------------------------------------------------------

// A parameter's streams, of which some are used.
struct Streams {
  std::vector<float> values;    // not zero
  std::vector<uint8_t> gaps;    // before each
  std::vector<float> codebook;  // the values there are, ascending
  std::vector<uint8_t> codes;   // of all elements, or of `values`
  std::vector<int64_t> shape;
  bool sparse = false;
  bool coded = false;
};

void split_zeros(std::span<const float> elements, Streams& streams) {
  size_t gap = 0;
  const auto long_gaps = [&] {
    for (; gap >= long_gap; gap -= long_gap) streams.gaps.push_back(long_gap);
  };
  for (const float element : elements) {
    if (element == 0) {
      ++gap;
      continue;
    }
    long_gaps();
    streams.gaps.push_back(static_cast<uint8_t>(gap));
    streams.values.push_back(element);
    gap = 0;
  }
  long_gaps();
  if (gap > 0) streams.gaps.push_back(static_cast<uint8_t>(gap));
}

// The values there are, ascending; nothing when there are too many.
std::vector<float> values_of(std::span<const float> elements) {
  std::set<float> values;
  for (const float element : elements) {
    values.insert(element == 0 ? 0.0F : element);
    if (values.size() > most_values) return {};
  }
  return {values.begin(), values.end()};
}

std::vector<uint8_t> code(std::span<const float> elements, const std::vector<float>& codebook) {
  std::vector<uint8_t> codes;
  codes.reserve(elements.size());
  for (const float element : elements) {
    codes.push_back(static_cast<uint8_t>(std::ranges::lower_bound(codebook, element) - codebook.begin()));
  }
  return codes;
}

Streams encode(const Tensor& tensor) {
  Streams streams;
  const std::span<const float> elements = tensor.values();
  split_zeros(elements, streams);
  const bool ordered = std::ranges::none_of(elements, [](float x) { return x != x; });
  if (ordered) streams.codebook = values_of(elements);
  const size_t codebook_bytes = streams.codebook.size() * sizeof(float);
  streams.coded = !streams.codebook.empty() && codebook_bytes + elements.size() < elements.size() * sizeof(float);
  const size_t item = streams.coded ? 1 : sizeof(float);
  streams.sparse = streams.gaps.size() + streams.values.size() * item < elements.size() * item;
  const std::span<const float> stored = streams.sparse ? std::span<const float>(streams.values) : elements;
  if (streams.coded) streams.codes = code(stored, streams.codebook);
  streams.shape.assign(tensor.shape().dims().begin(), tensor.shape().dims().end());
  return streams;
}

void add_entries(const std::string& name, const Tensor& tensor, const Streams& streams,
                 std::vector<SafetensorsEntry>& entries) {
  const auto add = [&](const char* what, DType dtype, size_t count, std::span<const std::byte> bytes) {
    entries.push_back({name + what, dtype, Shape{static_cast<int64_t>(count)}, bytes});
  };
  if (!streams.sparse && !streams.coded) {
    entries.push_back({name, DType::f32, tensor.shape(), std::as_bytes(tensor.values())});
    return;
  }
  add(":shape", DType::i64, streams.shape.size(), bytes_of(streams.shape));
  if (streams.sparse) add(":gaps", DType::u8, streams.gaps.size(), bytes_of(streams.gaps));
  if (streams.coded) {
    add(":codebook", DType::f32, streams.codebook.size(), bytes_of(streams.codebook));
    add(":codes", DType::u8, streams.codes.size(), bytes_of(streams.codes));
  } else {
    add(":values", DType::f32, streams.values.size(), bytes_of(streams.values));
  }
}

struct Freer {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::vector<std::byte> compress(std::span<const std::byte> bytes) {
  const std::unique_ptr<ZSTD_CCtx, Freer> context(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, 19);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::vector<std::byte> packed(ZSTD_compressBound(bytes.size()));
  const size_t size = ZSTD_compress2(context.get(), packed.data(), packed.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(size) != 0) {
    throw Error(ErrorKind::failure, fmt::format("compressing a model: {}", ZSTD_getErrorName(size)));
  }
  packed.resize(size);
  return packed;
}

// ---- Reading -------------------------------------------------------------------------------------------------------

[[noreturn]] void refuse(const std::string& source, const std::string& why) {
  throw Error(ErrorKind::format, fmt::format("{}: {}", source, why));
}

std::vector<std::byte> decompress(std::span<const std::byte> bytes, const std::string& source) {
  constexpr uint64_t most_growth = 256;
  const uint64_t size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) {
    refuse(source, "not a compressed model: it does not say how long it is");
  }
  if (size > most_growth * bytes.size() + (1U << 20U)) {
    refuse(source, fmt::format("claims to hold {} bytes, more than {} can", size, bytes.size()));
  }
  std::vector<std::byte> content(size);
  const std::unique_ptr<ZSTD_DCtx, Freer> context(ZSTD_createDCtx());
  const size_t got = ZSTD_decompressDCtx(context.get(), content.data(), content.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got) != 0) refuse(source, fmt::format("damaged: {}", ZSTD_getErrorName(got)));
  if (got != size) refuse(source, "damaged: shorter than it says");
  return content;
}

// The streams of one parameter, by what they are.
class Encoded {
 public:
  Encoded(const SafetensorsFile& file, std::string name, const std::string& source)
      : file_(file), name_(std::move(name)), where_(fmt::format("{}: parameter {}", source, quote_name(name_))) {}

  Tensor decode() const {
    const Shape shape = read_shape();
    const std::vector<float> stored = has(":codes") ? read_coded() : read_values();
    const std::span<const std::byte> gaps = has(":gaps") ? stream(":gaps", DType::u8) : std::span<const std::byte>();
    if (has(":gaps") ? !covers(gaps, stored.size(), shape.elements()) : std::ssize(stored) != shape.elements()) {
      refuse(where_, "its streams do not fill its shape");
    }
    Tensor tensor(shape);
    if (!has(":gaps")) {
      std::ranges::copy(stored, tensor.values().begin());
      return tensor;
    }
    size_t at = 0;
    size_t next = 0;
    for (const std::byte gap : gaps) {
      at += static_cast<size_t>(gap);
      if (gap != std::byte{long_gap} && next < stored.size()) tensor.values()[at++] = stored[next++];
    }
    return tensor;
  }

 private:
  bool has(const char* what) const { return file_.contains(name_ + what); }

  std::span<const std::byte> stream(const char* what, DType dtype) const {
    const SafetensorsEntry& entry = file_.entry(name_ + what);
    if (entry.dtype != dtype || entry.shape.rank() != 1) {
      refuse(where_, fmt::format("'{}' must be a row of {}", what + 1, to_string(dtype)));
    }
    return entry.bytes;
  }

  std::vector<float> floats(const char* what) const {
    const std::span<const std::byte> bytes = stream(what, DType::f32);
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  Shape read_shape() const {
    const std::span<const std::byte> bytes = stream(":shape", DType::i64);
    std::vector<int64_t> dims(bytes.size() / sizeof(int64_t));
    std::memcpy(dims.data(), bytes.data(), bytes.size());
    try {
      return Shape(dims);
    } catch (const Error& error) {
      refuse(where_, error.what());
    }
  }

  std::vector<float> read_coded() const {
    const std::vector<float> codebook = floats(":codebook");
    std::vector<float> values;
    for (const std::byte byte : stream(":codes", DType::u8)) {
      const auto code = static_cast<size_t>(byte);
      if (code >= codebook.size()) refuse(where_, fmt::format("code {} of {} values", code, codebook.size()));
      values.push_back(codebook[code]);
    }
    return values;
  }
  std::vector<float> read_values() const { return floats(":values"); }

  // Whether zeros and values make as many elements as there must be.
  static bool covers(std::span<const std::byte> gaps, size_t values, int64_t elements) {
    size_t used = 0;
    int64_t count = 0;
    for (const std::byte gap : gaps) {
      count += static_cast<int64_t>(gap);
      if (gap != std::byte{long_gap} && used < values) {
        ++used;
        ++count;
      }
    }
    return used == values && count == elements;
  }

  const SafetensorsFile& file_;
  std::string name_;
  std::string where_;
};

}  // namespace

int64_t save_compressed(const Model& model, const std::filesystem::path& path) {
  std::vector<Streams> streams;
  streams.reserve(model.parameters().size());  // entries refer to them
  std::vector<SafetensorsEntry> entries;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const Tensor& parameter = model.parameters()[i];
    streams.push_back(encode(parameter));
    add_entries(model.graph().parameters()[i].name, parameter, streams.back(), entries);
  }
  const std::vector<std::byte> packed = compress(encode_safetensors(path, entries, model_metadata(model, path)));
  write_file_atomically(path, packed);
  return std::ssize(packed);
}

bool is_compressed_model(std::span<const std::byte> bytes) {
  constexpr uint32_t magic = ZSTD_MAGICNUMBER;
  return bytes.size() >= sizeof(magic) && std::memcmp(bytes.data(), &magic, sizeof(magic)) == 0;
}

Model parse_compressed(std::span<const std::byte> bytes, const std::string& source) {
  const std::vector<std::byte> content = decompress(bytes, source);
  const SafetensorsFile file = SafetensorsFile::parse(content, source);
  std::map<std::string, Tensor> parameters;
  for (const SafetensorsEntry& entry : file.entries()) {
    const size_t colon = entry.name.rfind(':');
    const std::string stream = colon == std::string::npos ? std::string() : entry.name.substr(colon);
    if (stream == ":shape") {
      const std::string name = entry.name.substr(0, colon);
      parameters.insert_or_assign(name, Encoded(file, name, source).decode());
    } else if (stream != ":codebook" && stream != ":codes" && stream != ":values" && stream != ":gaps") {
      parameters.insert_or_assign(entry.name, file.read_f32(entry.name));
    }
  }
  return assemble_model(file.metadata(), std::move(parameters), source);
}

}  // namespace fovea
