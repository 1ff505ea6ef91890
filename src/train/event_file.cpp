#include "fovea/event_file.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "core/text.h"
#include "data/codec.h"
#include "fovea/error.h"

namespace fovea {

namespace {

using google::protobuf::io::CodedOutputStream;

// Of the messages Event, Summary, Summary.Value, Summary.Image and SessionLog.
namespace field {
constexpr int event_wall_time = 1, event_step = 2, event_file_version = 3, event_summary = 5, event_session_log = 7;
constexpr int summary_value = 1;
constexpr int value_tag = 1, value_number = 2, value_image = 4;
constexpr int image_height = 1, image_width = 2, image_colorspace = 3, image_encoded = 4;
constexpr int session_status = 1;
}  // namespace field

// One protobuf message, field by field.
class Message {
 public:
  Message& integer(int number, int64_t value) {
    return add([&](CodedOutputStream& out) {
      out.WriteTag(tag(number, 0));
      out.WriteVarint64(static_cast<uint64_t>(value));
    });
  }
  Message& real(int number, double value) {
    return add([&](CodedOutputStream& out) {
      out.WriteTag(tag(number, 1));
      out.WriteLittleEndian64(std::bit_cast<uint64_t>(value));
    });
  }
  Message& small_real(int number, float value) {
    return add([&](CodedOutputStream& out) {
      out.WriteTag(tag(number, 5));
      out.WriteLittleEndian32(std::bit_cast<uint32_t>(value));
    });
  }
  Message& bytes(int number, std::string_view value) {
    return add([&](CodedOutputStream& out) {
      out.WriteTag(tag(number, 2));
      out.WriteVarint64(value.size());
      out.WriteRaw(value.data(), static_cast<int>(value.size()));
    });
  }
  const std::string& text() const { return text_; }

 private:
  static uint32_t tag(int number, uint32_t wire_type) { return static_cast<uint32_t>(number) << 3U | wire_type; }
  template <class Write>
  Message& add(const Write& write) {
    google::protobuf::io::StringOutputStream stream(&text_);
    CodedOutputStream out(&stream);
    write(out);
    return *this;
  }

  std::string text_;
};

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> static_cast<unsigned>(8 * i));
  return text;
}

uint32_t masked_crc(std::span<const char> bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8U; }

double seconds_of_day() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::filesystem::path new_path(const std::filesystem::path& folder) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const std::string name = fmt::format("events.out.tfevents.{}.{}.{}", static_cast<int64_t>(seconds_of_day()),
                                       printable(host.data()), getpid());
  std::filesystem::path path = folder / name;
  for (int count = 2; std::filesystem::exists(path); ++count) path = folder / fmt::format("{}.{}", name, count);
  return path;
}

}  // namespace

uint32_t crc32c(std::span<const char> bytes) {
  static const auto table = [] {
    std::array<uint32_t, 256> entries{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t remainder = i;
      for (int bit = 0; bit < 8; ++bit) remainder = remainder >> 1U ^ ((remainder & 1U) != 0 ? 0x82f63b78U : 0U);
      entries[i] = remainder;
    }
    return entries;
  }();
  uint32_t crc = ~0U;
  for (const char byte : bytes) crc = crc >> 8U ^ table[(crc ^ static_cast<uint8_t>(byte)) & 0xffU];
  return ~crc;
}

EventFile::EventFile(const std::filesystem::path& folder) : path_(new_path(folder)) {
  errno = 0;
  file_.open(path_, std::ios::binary | std::ios::trunc);
  check();
  Message event;
  event.real(field::event_wall_time, seconds_of_day()).bytes(field::event_file_version, "brain.Event:2");
  write_record(event.text());
}

void EventFile::add_scalar(std::string_view tag, double value, int64_t step) {
  Message entry;
  entry.bytes(field::value_tag, tag).small_real(field::value_number, static_cast<float>(value));
  write_event(step, field::event_summary, Message().bytes(field::summary_value, entry.text()).text());
}

void EventFile::add_image(std::string_view tag, const Image& image, int64_t step) {
  const std::vector<std::byte> png = encode_png(image, tag);
  Message picture;
  picture.integer(field::image_height, image.height)
      .integer(field::image_width, image.width)
      .integer(field::image_colorspace, image.channels)
      .bytes(field::image_encoded, {reinterpret_cast<const char*>(png.data()), png.size()});
  Message entry;
  entry.bytes(field::value_tag, tag).bytes(field::value_image, picture.text());
  write_event(step, field::event_summary, Message().bytes(field::summary_value, entry.text()).text());
}

void EventFile::add_restart(int64_t step) {
  constexpr int64_t start = 1;
  write_event(step, field::event_session_log, Message().integer(field::session_status, start).text());
}

void EventFile::flush() {
  errno = 0;
  file_.flush();
  check();
}

void EventFile::write_event(int64_t step, int number, std::string_view message) {
  Message event;
  event.real(field::event_wall_time, seconds_of_day()).integer(field::event_step, step).bytes(number, message);
  write_record(event.text());
}

void EventFile::write_record(std::string_view message) {
  const std::string length = little_endian(message.size(), 8);
  errno = 0;
  file_ << length << little_endian(masked_crc(length), 4) << message << little_endian(masked_crc(message), 4);
  check();
}

void EventFile::check() const {
  if (file_.good()) return;
  throw Error(ErrorKind::data, fmt::format("cannot write {}: {}", printable(path_),
                                           std::generic_category().message(errno != 0 ? errno : EIO)));
}

}  // namespace fovea
