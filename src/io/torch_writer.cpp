#include "io/torch_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "fovea/error.h"
#include "io/json.h"
#include "io/torch_types.h"
#include "io/zip_writer.h"

namespace fovea {

namespace {

// A program for Python's unpickler, protocol 2: opcode by opcode.
class Pickler {
 public:
  Pickler() { bytes_ = "\x80\x02"; }

  std::string take() {
    op('.');
    return std::move(bytes_);
  }

  void op(char code) { bytes_ += code; }
  void global(std::string_view module, std::string_view name) { bytes_ += fmt::format("c{}\n{}\n", module, name); }
  void text(std::string_view value) {
    op('X');
    little_endian(value.size(), 4);
    bytes_ += value;
  }
  void integer(int64_t value) {
    bytes_ += "\x8a\x08";
    little_endian(static_cast<uint64_t>(value), 8);
  }
  void ordered_dict() {
    global("collections", "OrderedDict");
    bytes_ += ")R";
  }

  // _rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())
  void tensor(const StoredTensor& tensor, std::string_view storage_type, const std::string& key) {
    global("torch._utils", "_rebuild_tensor_v2");
    bytes_ += "((";
    text("storage");
    global("torch", storage_type);
    text(key);
    text("cpu");
    integer(tensor.shape.elements());
    bytes_ += "tQ";
    integer(0);
    op('(');
    for (const int64_t extent : tensor.shape.dims()) integer(extent);
    bytes_ += "t(";
    for (int axis = 0; axis < tensor.shape.rank(); ++axis) {
      int64_t stride = 1;
      for (int inner = axis + 1; inner < tensor.shape.rank(); ++inner)
        stride *= std::max<int64_t>(tensor.shape[inner], 1);
      integer(stride);
    }
    bytes_ += "t\x89";
    ordered_dict();
    bytes_ += "tR";
  }

 private:
  void little_endian(uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes_ += static_cast<char>(value >> (8U * static_cast<unsigned>(i)));
  }

  std::string bytes_;
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

void write_torch(const std::filesystem::path& path, std::span<const StoredTensor> tensors) {
  constexpr std::string_view module = "torch.";
  Pickler pickler;
  pickler.ordered_dict();
  pickler.op('(');
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto type = torch_storage(tensors[i].dtype);
    if (type.empty()) {
      throw Error(ErrorKind::usage,
                  fmt::format("cannot write {}: PyTorch has no storage of {}, which tensor {} needs", path.string(),
                              to_string(tensors[i].dtype), quote_name(tensors[i].name)));
    }
    pickler.text(tensors[i].name);
    pickler.tensor(tensors[i], type.substr(module.size()), fmt::format("{}", i));
  }
  pickler.op('u');
  const std::string folder = "archive/";
  ZipWriter archive(path);
  archive.add(folder + "data.pkl", {bytes_of(pickler.take())});
  archive.add(folder + "byteorder", {bytes_of("little")});
  for (size_t i = 0; i < tensors.size(); ++i) archive.add(fmt::format("{}data/{}", folder, i), {tensors[i].bytes});
  archive.add(folder + "version", {bytes_of("3\n")});
  archive.finish();
}

}  // namespace fovea
