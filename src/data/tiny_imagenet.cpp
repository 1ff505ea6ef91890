#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/file.h"
#include "core/text.h"
#include "data/csv.h"
#include "data/picture_files.h"
#include "fovea/data_sources.h"
#include "fovea/error.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t max_table_bytes = uint64_t{1} << 28;

// Calls row(fields, reader) for each line of a table with tabs.
template <class Row>
void read_table(const fs::path& path, size_t columns, const Row& row) {
  const std::vector<std::byte> bytes = read_file(path, max_table_bytes);
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  CsvReader reader(text, printable(path));
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    if (fields.size() < columns) reader.fail(fmt::format("expected {} columns, got {}", columns, fields.size()));
    row(fields, reader);
  }
}

// "n01443537 goldfish": the folder's name and the first of its words.
std::vector<std::string> name_classes(const fs::path& folder, const std::vector<std::string>& ids) {
  std::map<std::string, std::string> words;
  if (fs::exists(folder / "words.txt")) {
    read_table(folder / "words.txt", 2, [&](const auto& fields, const CsvReader&) { words[fields[0]] = fields[1]; });
  }
  std::vector<std::string> names;
  for (const std::string& id : ids) {
    const auto word = words.find(id);
    names.push_back(word == words.end() ? id : printable(id + ' ' + word->second));
  }
  return names;
}

// A data set under other class names.
class Renamed final : public Dataset {
 public:
  Renamed(std::shared_ptr<const Dataset> whole, std::vector<std::string> names)
      : whole_(std::move(whole)), names_(std::move(names)) {}

  int64_t size() const override { return whole_->size(); }
  const std::vector<std::string>& class_names() const override { return names_; }
  int64_t label(int64_t item) const override { return whole_->label(item); }
  void read(int64_t item, Image& out) const override { whole_->read(item, out); }
  void read_reduced(int64_t item, int enough, Image& out) const override { whole_->read_reduced(item, enough, out); }
  PictureShape picture_shape() const override { return whole_->picture_shape(); }
  std::string item_name(int64_t item) const override { return whole_->item_name(item); }
  std::string describe() const override { return whole_->describe(); }
  std::vector<std::string> warnings() const override { return whole_->warnings(); }

 private:
  std::shared_ptr<const Dataset> whole_;
  std::vector<std::string> names_;
};

std::shared_ptr<const Dataset> open_validation(const fs::path& folder, BadPictures on_bad_picture,
                                               const std::vector<std::string>& ids,
                                               const std::vector<std::string>& names) {
  PictureFiles pictures{.files = {},
                        .class_names = names,
                        .source = printable(folder),
                        .on_bad_picture = on_bad_picture,
                        .every_class = false};
  read_table(folder / "val_annotations.txt", 2, [&](const auto& fields, const CsvReader& reader) {
    const auto place = std::find(ids.begin(), ids.end(), fields[1]);
    if (place == ids.end()) reader.fail(fmt::format("there is no class {} in the training part", fields[1]));
    pictures.files.push_back({folder / "images" / fields[0], place - ids.begin()});
  });
  return open_picture_files(std::move(pictures));
}

}  // namespace

DataSplits open_tiny_imagenet(const fs::path& folder, BadPictures on_bad_picture) {
  DataSplits splits;
  splits.train = open_folder(folder / "train", on_bad_picture);
  const std::vector<std::string> ids = splits.train->class_names();
  const std::vector<std::string> names = name_classes(folder, ids);
  splits.test = open_validation(folder / "val", on_bad_picture, ids, names);
  splits.train = std::make_shared<Renamed>(splits.train, names);
  return splits;
}

}  // namespace fovea
