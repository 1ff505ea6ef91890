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

// Numbers by name; -1 for a name that several have.
using Numbers = std::map<std::string_view, int64_t>;

void add(Numbers& numbers, std::string_view name, int64_t number) {
  const auto [place, added] = numbers.emplace(name, number);
  if (!added) place->second = -1;
}

std::optional<int64_t> as_number(std::string_view text, int64_t count) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number >= 0 && number < count ? std::optional(number) : std::nullopt;
}

}  // namespace

std::shared_ptr<const Dataset> with_known_classes(std::shared_ptr<const Dataset> dataset,
                                                  std::vector<std::string> known) {
  Numbers whole_names, first_words;
  for (size_t i = 0; i < known.size(); ++i) {
    const std::string_view name = known[i];
    add(whole_names, name, static_cast<int64_t>(i));
    add(first_words, name.substr(0, name.find(' ')), static_cast<int64_t>(i));
  }
  std::vector<int64_t> numbers;
  for (const std::string& name : dataset->class_names()) {
    auto found = whole_names.find(name);
    if (found == whole_names.end() && !first_words.contains(name)) {
      const std::optional<int64_t> number = as_number(name, std::ssize(known));
      if (!number) {
        throw Error(ErrorKind::data,
                    fmt::format("{}: the model knows no class '{}'", dataset->describe(), printable(name)));
      }
      numbers.push_back(*number);
      continue;
    }
    if (found == whole_names.end()) found = first_words.find(name);
    if (found->second < 0) {
      throw Error(ErrorKind::data,
                  fmt::format("{}: the model has several classes '{}'", dataset->describe(), printable(name)));
    }
    numbers.push_back(found->second);
  }
  return std::make_shared<KnownClasses>(std::move(dataset), std::move(known), std::move(numbers));
}

}  // namespace fovea
