#include "fovea/event_file.h"

#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "fovea/train.h"
#include "test_files.h"
#include "toy.h"

namespace fovea {
namespace {

// One field of a message: a number as its bits, or bytes.
struct Field {
  uint64_t bits = 0;
  std::string bytes{};
};
using Message = std::map<int, Field>;

// As protobuf's own parser has it.
Message parse(std::string_view bytes) {
  using google::protobuf::UnknownField;
  google::protobuf::UnknownFieldSet fields;
  EXPECT_TRUE(fields.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  Message message;
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& field = fields.field(i);
    Field& found = message[field.number()];
    switch (field.type()) {
      case UnknownField::TYPE_VARINT:
        found.bits = field.varint();
        break;
      case UnknownField::TYPE_FIXED32:
        found.bits = field.fixed32();
        break;
      case UnknownField::TYPE_FIXED64:
        found.bits = field.fixed64();
        break;
      default:
        found.bytes = field.length_delimited();
    }
  }
  return message;
}

TEST(Crc32c, OfTheVectorsOfRfc3720) {
  EXPECT_EQ(crc32c(std::string_view("123456789")), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
}

template <class T>
T take(std::string_view& bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof(value));
  bytes.remove_prefix(sizeof(value));
  return value;
}

// The messages of a file, each record's length and checksums checked as TensorFlow's reader does.
std::vector<Message> read_records(const std::filesystem::path& path) {
  const auto unmask = [](uint32_t masked) { return std::rotl(masked - 0xa282ead8U, 15); };
  const std::string file = read_text(path);
  std::string_view rest = file;
  std::vector<Message> messages;
  while (!rest.empty()) {
    const std::string_view length_bytes = rest.substr(0, 8);
    const auto length = take<uint64_t>(rest);
    EXPECT_EQ(unmask(take<uint32_t>(rest)), crc32c(length_bytes));
    const std::string_view message = rest.substr(0, length);
    rest.remove_prefix(length);
    EXPECT_EQ(unmask(take<uint32_t>(rest)), crc32c(message));
    messages.push_back(parse(message));
  }
  return messages;
}

Message inner(const Message& message, int number) { return parse(message.at(number).bytes); }

struct Scalar {
  std::string tag;
  int64_t step;
  float value;
};

// Of an event that holds one, else an empty tag.
Scalar scalar_of(const Message& event) {
  if (!event.contains(5)) return {};
  const Message value = inner(inner(event, 5), 1);
  if (!value.contains(2)) return {};
  return {value.at(1).bytes, static_cast<int64_t>(event.at(2).bits),
          std::bit_cast<float>(static_cast<uint32_t>(value.at(2).bits))};
}

TEST(EventFile, HoldsEventsAsTensorBoardReadsThem) {
  const TempFolder folder;
  EventFile file(folder.path());
  file.add_scalar("train/loss", 0.25, 7);
  file.add_image("picture", {2, 3, 1, {0, 50, 100, 150, 200, 250}}, 9);
  file.add_restart(300);
  file.flush();
  EXPECT_TRUE(file.path().filename().string().starts_with("events.out.tfevents."));
  const std::vector<Message> events = read_records(file.path());
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].at(3).bytes, "brain.Event:2");
  EXPECT_GT(std::bit_cast<double>(events[0].at(1).bits), 1.7e9);  // seconds since 1970

  const Scalar scalar = scalar_of(events[1]);
  EXPECT_EQ(scalar.tag, "train/loss");
  EXPECT_EQ(scalar.step, 7);
  EXPECT_EQ(scalar.value, 0.25F);

  const Message image = inner(inner(inner(events[2], 5), 1), 4);
  EXPECT_EQ(image.at(1).bits, 2U);
  EXPECT_EQ(image.at(2).bits, 3U);
  EXPECT_EQ(image.at(3).bits, 1U);
  const std::string& png = image.at(4).bytes;
  EXPECT_EQ(decode_image({reinterpret_cast<const uint8_t*>(png.data()), png.size()}, "png").pixels[5], 250);

  EXPECT_EQ(events[3].at(2).bits, 300U);
  EXPECT_EQ(inner(events[3], 7).at(1).bits, 1U);
}

TEST(EventFile, TwoInOneSecondDoNotMeet) {
  const TempFolder folder;
  const EventFile first(folder.path());
  const EventFile second(folder.path());
  EXPECT_NE(first.path(), second.path());
}

TEST(EventFile, AFolderThatIsNotThereIsNamed) {
  EXPECT_THAT(error_of(ErrorKind::data, [] { EventFile("/no/where"); }), testing::HasSubstr("/no/where/events"));
}

// The curves of a run in `folder`, all its event files together, in the order of their steps.
std::vector<Scalar> curve(const std::filesystem::path& folder, const std::string& tag) {
  std::vector<Scalar> points;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with("events.")) continue;
    for (const Message& event : read_records(entry.path())) {
      Scalar scalar = scalar_of(event);
      if (scalar.tag == tag) points.push_back(std::move(scalar));
    }
  }
  std::ranges::sort(points, {}, &Scalar::step);
  return points;
}

TEST(RunLog, TellsOfEveryEpochAcrossAResume) {
  const TempFolder folder;
  FitOptions options = toy_options();
  options.epochs = 2;
  options.run_folder = folder / "run";
  Model model = toy_model(1);
  const auto train = toy_dataset(64, 1);
  const auto validation = toy_dataset(30, 2);
  fit(model, train, validation, options);
  options.epochs = 3;
  const History history = resume(model, train, validation, options);
  const std::vector<Scalar> losses = curve(folder / "run", "epoch/validation_loss");
  ASSERT_EQ(losses.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(losses[i].step, static_cast<int64_t>(4 * (i + 1)));
    EXPECT_EQ(losses[i].value, static_cast<float>(history.epochs[i].validation->loss));
  }
  EXPECT_EQ(curve(folder / "run", "train/loss").size(), 12U);  // 3 epochs of 4 steps
}

}  // namespace
}  // namespace fovea
