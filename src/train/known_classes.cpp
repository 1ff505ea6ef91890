#include "fovea/known_classes.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>
#include <string_view>

#include "core/text.h"
#include "fovea/error.h"

namespace fovea {

namespace {

class KnownClasses final : public Dataset {
 public:
  KnownClasses(std::shared_ptr<const Dataset> dataset, std::vector<std::string> known, std::vector<int64_t> numbers)
      : dataset_(std::move(dataset)), known_(std::move(known)), numbers_(std::move(numbers)) {}

  int64_t size() const override { return dataset_->size(); }
  const std::vector<std::string>& class_names() const override { return known_; }
  int64_t label(int64_t item) const override { return numbers_[static_cast<size_t>(dataset_->label(item))]; }
  void read(int64_t item, Image& out) const override { dataset_->read(item, out); }
  PictureShape picture_shape() const override { return dataset_->picture_shape(); }
  std::string item_name(int64_t item) const override { return dataset_->item_name(item); }
  std::string describe() const override { return dataset_->describe(); }
  std::vector<std::string> warnings() const override { return dataset_->warnings(); }

 private:
  std::shared_ptr<const Dataset> dataset_;
  std::vector<std::string> known_;
  std::vector<int64_t> numbers_;  // of the data set's classes
};

std::optional<int64_t> as_number(std::string_view text, int64_t count) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number >= 0 && number < count ? std::optional(number) : std::nullopt;
}

}  // namespace

std::shared_ptr<const Dataset> with_known_classes(std::shared_ptr<const Dataset> dataset,
                                                  std::vector<std::string> known) {
  std::multimap<std::string_view, int64_t> by_name;
  for (size_t i = 0; i < known.size(); ++i) by_name.emplace(known[i], static_cast<int64_t>(i));
  std::vector<int64_t> numbers;
  for (const std::string& name : dataset->class_names()) {
    const size_t bearers = by_name.count(name);
    const std::optional<int64_t> number =
        bearers == 0 ? as_number(name, std::ssize(known)) : std::optional(by_name.find(name)->second);
    if (bearers > 1 || !number) {
      throw Error(ErrorKind::data, fmt::format("{}: the model knows {} class '{}'", dataset->describe(),
                                               bearers > 1 ? "more than one" : "no", printable(name)));
    }
    numbers.push_back(*number);
  }
  return std::make_shared<KnownClasses>(std::move(dataset), std::move(known), std::move(numbers));
}

}  // namespace fovea
