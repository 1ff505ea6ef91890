#include "io/hdf5.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "core/text.h"
#include "fovea/error.h"
#include "fovea/shape.h"

namespace fovea {

namespace {

using Bytes = std::span<const std::byte>;

constexpr uint64_t undefined = ~uint64_t{0};
constexpr int deepest = 32;  // groups in groups

// Messages of an object header that matter here.
constexpr unsigned dataspace_message = 0x1, datatype_message = 0x3, external_message = 0x7, layout_message = 0x8,
                   filter_message = 0xB, continuation_message = 0x10, symbol_table_message = 0x11;

struct Message {
  unsigned type = 0, flags = 0;
  Bytes body;
};

class Reader {
 public:
  Reader(Bytes file, const std::string& source) : file_(file), source_(source) {}

  std::vector<Hdf5Dataset> run() {
    if (at(8, 1)[0] > std::byte{1}) {
      refuse("an HDF5 file of a newer layout; rewrite it with h5repack --low=0 --high=0, or save it as .safetensors");
    }
    if (at(13, 1)[0] != std::byte{8} || at(14, 1)[0] != std::byte{8}) refuse("addresses must have 8 bytes");
    const uint64_t addresses = at(8, 1)[0] == std::byte{0} ? 24 : 28;
    if (number<uint64_t>(addresses) != 0) refuse("data that begin elsewhere than at byte 0");
    if (const auto end = number<uint64_t>(addresses + 16); end > file_.size()) {
      refuse(fmt::format("truncated: {} of {} bytes", file_.size(), end));
    }
    const uint64_t root_entry = addresses + 32;  // behind four addresses
    read_object(number<uint64_t>(root_entry + 8), "", 0);
    return std::move(datasets_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorKind::format, fmt::format("{}: {}", source_, why));
  }
  [[noreturn]] void refuse(const std::string& path, const std::string& why) const {
    refuse(fmt::format("'{}': {}", printable(path), why));
  }

  Bytes at(uint64_t offset, uint64_t size) const {
    if (offset > file_.size() || size > file_.size() - offset) {
      refuse(fmt::format("damaged: {} bytes at {} lie beyond the end at {}", size, offset, file_.size()));
    }
    return file_.subspan(offset, size);
  }
  template <class T>
  static T number(Bytes bytes) {
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  template <class T>
  T number(uint64_t offset) const {
    return number<T>(at(offset, sizeof(T)));
  }
  // Of a message, which must be that long.
  template <class T>
  T number(Bytes bytes, size_t offset) const {
    if (bytes.size() < offset + sizeof(T)) refuse("damaged: a message of an object is too short");
    return number<T>(bytes.subspan(offset));
  }

  void require_signature(uint64_t offset, std::string_view signature) const {
    if (std::memcmp(at(offset, signature.size()).data(), signature.data(), signature.size()) != 0) {
      refuse(fmt::format("damaged: no {} at {}", signature, offset));
    }
  }

  // Counts what is visited, none of it shorter than 8 bytes: more than the file has room for go round in circles.
  void visit() {
    if (++visits_ > file_.size() / 8) refuse("damaged: its groups go round in circles");
  }

  void read_object(uint64_t address, const std::string& path, int depth) {
    visit();
    if (depth > deepest) refuse(path, fmt::format("groups are nested deeper than {}", deepest));
    const std::vector<Message> messages = read_messages(address, path);
    if (const Message* const table = find(messages, symbol_table_message)) {
      const auto names = number<uint64_t>(table->body, 8);
      require_signature(names, "HEAP");
      return read_tree(number<uint64_t>(table->body, 0), number<uint64_t>(names + 24), path, depth);
    }
    const bool dataset = find(messages, layout_message) != nullptr && find(messages, datatype_message) != nullptr &&
                         find(messages, dataspace_message) != nullptr;
    if (dataset) read_dataset(messages, path);
  }

  static const Message* find(const std::vector<Message>& messages, unsigned type) {
    for (const Message& message : messages) {
      if (message.type == type) return &message;
    }
    return nullptr;
  }

  // An object's header may go on in further blocks.
  std::vector<Message> read_messages(uint64_t address, const std::string& path) {
    if (number<uint8_t>(address) != 1) refuse(path, "an object of a newer layout; rewrite the file with h5repack");
    std::vector<Message> messages;
    std::vector<Bytes> blocks = {at(address + 16, number<uint32_t>(address + 8))};
    while (!blocks.empty()) {
      Bytes block = blocks.back();
      blocks.pop_back();
      visit();
      while (block.size() >= 8) {
        visit();
        const auto size = number<uint16_t>(block, 2);
        if (size > block.size() - 8) refuse(path, "damaged: a message reaches beyond its block");
        const Message message = {number<uint16_t>(block, 0), number<uint8_t>(block, 4), block.subspan(8, size)};
        block = block.subspan(8 + size_t{size});
        if (message.type == continuation_message) {
          blocks.push_back(at(number<uint64_t>(message.body, 0), number<uint64_t>(message.body, 8)));
        } else {
          messages.push_back(message);
        }
      }
    }
    return messages;
  }

  // The B-tree of a group; its leaves are tables of names and objects.
  void read_tree(uint64_t address, uint64_t names, const std::string& path, int depth) {
    visit();
    require_signature(address, "TREE");
    if (number<uint8_t>(address + 4) != 0) refuse(path, "damaged: the tree of a group is of another kind");
    const auto level = number<uint8_t>(address + 5);
    const auto children = number<uint16_t>(address + 6);
    if (depth > deepest) refuse(path, "damaged: the tree of a group is too deep");
    for (uint64_t i = 0; i < children; ++i) {
      const auto child = number<uint64_t>(address + 24 + 16 * i + 8);  // keys and children take turns
      level > 0 ? read_tree(child, names, path, depth + 1) : read_symbols(child, names, path, depth);
    }
  }

  void read_symbols(uint64_t address, uint64_t names, const std::string& path, int depth) {
    visit();
    require_signature(address, "SNOD");
    const auto count = number<uint16_t>(address + 6);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t entry = address + 8 + 40 * i;
      visit();
      if (number<uint32_t>(entry + 16) == 2) continue;  // a symbolic link
      const std::string name = read_name(names, number<uint64_t>(entry), path);
      read_object(number<uint64_t>(entry + 8), path.empty() ? name : fmt::format("{}/{}", path, name), depth + 1);
    }
  }

  std::string read_name(uint64_t names, uint64_t offset, const std::string& path) const {
    if (offset > file_.size() || names > file_.size() - offset) refuse(path, "damaged: a name lies beyond the end");
    const Bytes rest = file_.subspan(names + offset);
    const auto* const text = reinterpret_cast<const char*>(rest.data());
    constexpr size_t longest = 1024;
    const size_t length = strnlen(text, std::min(rest.size(), longest));
    if (length == std::min(rest.size(), longest)) refuse(path, "damaged: a name without an end");
    return {text, length};
  }

  void read_dataset(const std::vector<Message>& messages, const std::string& path) {
    const std::optional<DType> dtype = read_type(*find(messages, datatype_message), path);
    if (!dtype) return;  // texts and records
    if (find(messages, external_message) != nullptr) refuse(path, "its data lie in another file");
    if (find(messages, filter_message) != nullptr) {
      refuse(path, "compressed data; rewrite the file with h5repack --filter=NONE --layout=CONTI");
    }
    Hdf5Dataset dataset{
        .path = path, .dtype = *dtype, .extents = read_extents(*find(messages, dataspace_message), path), .bytes = {}};
    const auto needed = static_cast<uint64_t>(checked_elements(dataset.extents, path)) * item_size(*dtype);
    dataset.bytes = read_layout(*find(messages, layout_message), needed, path);
    datasets_.push_back(std::move(dataset));
  }

  int64_t checked_elements(const std::vector<int64_t>& extents, const std::string& path) const {
    try {
      return Shape(extents).elements();
    } catch (const Error& error) {
      refuse(path, error.what());
    }
  }

  // Nothing for what is not numbers.
  std::optional<DType> read_type(const Message& message, const std::string& path) const {
    if ((message.flags & 2U) != 0) refuse(path, "a type that is stored elsewhere in the file");
    const unsigned kind = number<uint8_t>(message.body, 0) & 15U;
    const unsigned bits = number<uint8_t>(message.body, 1);
    const auto size = number<uint32_t>(message.body, 4);
    if (kind > 1) return std::nullopt;
    if ((bits & 1U) != 0 || (kind == 1 && (bits & 64U) != 0)) refuse(path, "numbers with the highest byte first");
    const bool is_signed = (bits & 8U) != 0;
    if (kind == 1) {
      const unsigned exponent_bits = number<uint8_t>(message.body, 13);
      if (size == 8 && exponent_bits == 11) return DType::f64;
      if (size == 4 && exponent_bits == 8) return DType::f32;
      if (size == 2 && exponent_bits == 5) return DType::f16;
    } else if (size == 8) {
      return is_signed ? DType::i64 : DType::u64;
    } else if (size == 4) {
      return is_signed ? DType::i32 : DType::u32;
    } else if (size == 2) {
      return is_signed ? DType::i16 : DType::u16;
    } else if (size == 1) {
      return is_signed ? DType::i8 : DType::u8;
    }
    refuse(path, fmt::format("numbers of {} bytes are not supported", size));
  }

  std::vector<int64_t> read_extents(const Message& message, const std::string& path) const {
    const auto version = number<uint8_t>(message.body, 0);
    const auto rank = number<uint8_t>(message.body, 1);
    if (version != 1 && version != 2) refuse(path, fmt::format("a dataspace of version {}", version));
    if (version == 2 && number<uint8_t>(message.body, 3) == 2) return {0};  // a null dataspace
    std::vector<int64_t> extents;
    for (size_t axis = 0; axis < rank; ++axis) {
      const auto extent = number<uint64_t>(message.body, (version == 1 ? 8 : 4) + 8 * axis);
      if (extent > INT64_MAX) refuse(path, fmt::format("an extent of {}", extent));
      extents.push_back(static_cast<int64_t>(extent));
    }
    return extents;
  }

  Bytes read_layout(const Message& message, uint64_t needed, const std::string& path) const {
    const auto version = number<uint8_t>(message.body, 0);
    if (version != 3) refuse(path, fmt::format("a layout of version {}; rewrite the file with h5repack", version));
    const auto kind = number<uint8_t>(message.body, 1);
    if (kind == 0) {  // compact: in the message
      const auto size = number<uint16_t>(message.body, 2);
      if (size != needed || message.body.size() < 4 + needed) refuse(path, "damaged: data of another size");
      return message.body.subspan(4, needed);
    }
    if (kind != 1) refuse(path, "data in chunks; rewrite the file with h5repack --layout=CONTI");
    const auto address = number<uint64_t>(message.body, 2);
    if (needed == 0) return {};
    if (address == undefined) refuse(path, "its data were never written");
    if (const auto size = number<uint64_t>(message.body, 10); size != needed) {
      refuse(path, fmt::format("its data take {} bytes, the file has {}", needed, size));
    }
    return at(address, needed);
  }

  Bytes file_;
  const std::string& source_;
  uint64_t visits_ = 0;
  std::vector<Hdf5Dataset> datasets_;
};

}  // namespace

std::vector<Hdf5Dataset> read_hdf5(Bytes bytes, const std::string& source) { return Reader(bytes, source).run(); }

}  // namespace fovea
