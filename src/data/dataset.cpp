#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/text.h"
#include "data/convert.h"
#include "data/packed.h"
#include "fovea/data.h"
#include "fovea/error.h"

namespace fovea {

namespace {

class PackedDataset final : public Dataset {
 public:
  explicit PackedDataset(PackedPictures pictures) : p_(std::move(pictures)) {}

  int64_t size() const override { return static_cast<int64_t>(p_.labels.size()); }
  const std::vector<std::string>& class_names() const override { return p_.class_names; }
  int64_t label(int64_t item) const override { return p_.labels[static_cast<size_t>(item)]; }

  void read(int64_t item, Image& out) const override {
    const size_t bytes = static_cast<size_t>(p_.shape.height) * static_cast<size_t>(p_.shape.width) *
                         static_cast<size_t>(p_.shape.channels);
    const auto* begin =
        reinterpret_cast<const uint8_t*>(p_.bytes.data()) + p_.offset + static_cast<size_t>(item) * bytes;
    out.height = p_.shape.height;
    out.width = p_.shape.width;
    out.channels = p_.shape.channels;
    out.pixels.assign(begin, begin + bytes);
  }

  PictureShape picture_shape() const override { return p_.shape; }
  std::string item_name(int64_t item) const override { return fmt::format("item {} of {}", item, p_.source); }
  std::string describe() const override { return describe_dataset(*this, p_.source); }

 private:
  PackedPictures p_;
};

class ImageDataset final : public Dataset {
 public:
  ImageDataset(std::vector<Image> images, std::vector<int64_t> labels, std::vector<std::string> class_names)
      : images_(std::move(images)), labels_(std::move(labels)), class_names_(std::move(class_names)) {
    if (images_.size() != labels_.size()) {
      throw Error(ErrorKind::usage, fmt::format("a data set needs one label per image, got {} images and {} labels",
                                                images_.size(), labels_.size()));
    }
    for (const Image& image : images_) check_image(image);
    for (size_t i = 0; i < labels_.size(); ++i) {
      if (labels_[i] < 0 || labels_[i] >= static_cast<int64_t>(class_names_.size())) {
        throw Error(ErrorKind::usage, fmt::format("label {} of item {} is out of range: there are {} classes",
                                                  labels_[i], i, class_names_.size()));
      }
    }
  }

  int64_t size() const override { return static_cast<int64_t>(images_.size()); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  int64_t label(int64_t item) const override { return labels_[static_cast<size_t>(item)]; }
  void read(int64_t item, Image& out) const override { out = images_[static_cast<size_t>(item)]; }

  PictureShape picture_shape() const override {
    std::vector<PictureShape> shapes;
    for (const Image& image : images_) shapes.push_back({image.height, image.width, image.channels});
    return common_shape(shapes);
  }

  std::string item_name(int64_t item) const override { return fmt::format("item {}", item); }
  std::string describe() const override { return describe_dataset(*this, "memory"); }

 private:
  std::vector<Image> images_;
  std::vector<int64_t> labels_;
  std::vector<std::string> class_names_;
};

class Subset final : public Dataset {
 public:
  Subset(std::shared_ptr<const Dataset> whole, std::vector<int64_t> items)
      : whole_(std::move(whole)), items_(std::move(items)) {
    for (const int64_t item : items_) {
      if (item < 0 || item >= whole_->size()) {
        throw Error(ErrorKind::usage,
                    fmt::format("item {} is out of range: the data set has {} items", item, whole_->size()));
      }
    }
  }

  int64_t size() const override { return static_cast<int64_t>(items_.size()); }
  const std::vector<std::string>& class_names() const override { return whole_->class_names(); }
  int64_t label(int64_t item) const override { return whole_->label(at(item)); }
  void read(int64_t item, Image& out) const override { whole_->read(at(item), out); }
  void read_reduced(int64_t item, int enough, Image& out) const override {
    whole_->read_reduced(at(item), enough, out);
  }
  PictureShape picture_shape() const override { return whole_->picture_shape(); }
  std::string item_name(int64_t item) const override { return whole_->item_name(at(item)); }
  std::string describe() const override { return fmt::format("{} of {}", size(), whole_->describe()); }
  std::vector<std::string> warnings() const override { return whole_->warnings(); }

 private:
  int64_t at(int64_t item) const { return items_[static_cast<size_t>(item)]; }

  std::shared_ptr<const Dataset> whole_;
  std::vector<int64_t> items_;
};

}  // namespace

PictureShape common_shape(std::span<const PictureShape> shapes) {
  if (shapes.empty()) return {};
  PictureShape common = shapes[0];
  for (const PictureShape& shape : shapes) {
    if (shape.height != common.height) common.height = 0;
    if (shape.width != common.width) common.width = 0;
    common.channels = std::max(common.channels, shape.channels);
  }
  return common;
}

std::vector<std::string> numbered_classes(int64_t count) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

void check_labels(std::span<const uint8_t> labels, size_t classes, const std::filesystem::path& file) {
  const auto bad = std::find_if(labels.begin(), labels.end(), [&](uint8_t label) { return label >= classes; });
  if (bad == labels.end()) return;
  throw Error(ErrorKind::data, fmt::format("{}: the label of item {} is {}, out of range for {} classes",
                                           printable(file), bad - labels.begin(), *bad, classes));
}

std::string name_classes(std::span<const std::string> names) {
  constexpr size_t named = 5;
  if (names.size() == 1) return fmt::format("class {} has", names[0]);
  const std::string more = names.size() > named ? ", ..." : "";
  return fmt::format("{} classes ({}{}) have", names.size(),
                     fmt::join(names.first(std::min(named, names.size())), ", "), more);
}

std::string describe_dataset(const Dataset& dataset, std::string_view source) {
  const PictureShape shape = dataset.picture_shape();
  const bool common = shape.height > 0 && shape.width > 0;
  const std::string size = common ? fmt::format(" of {}x{}x{}", shape.height, shape.width, shape.channels) : "";
  return fmt::format("{} pictures{} in {} classes from {}", dataset.size(), size, dataset.class_names().size(), source);
}

std::shared_ptr<const Dataset> make_packed_dataset(PackedPictures pictures) {
  return std::make_shared<PackedDataset>(std::move(pictures));
}

std::shared_ptr<const Dataset> make_dataset(std::vector<Image> images, std::vector<int64_t> labels,
                                            std::vector<std::string> class_names) {
  return std::make_shared<ImageDataset>(std::move(images), std::move(labels), std::move(class_names));
}

std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> items) {
  return std::make_shared<Subset>(std::move(dataset), std::move(items));
}

}  // namespace fovea
