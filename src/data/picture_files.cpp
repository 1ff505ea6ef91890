#include "data/picture_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <set>
#include <system_error>

#include "core/text.h"
#include "data/codec.h"
#include "data/packed.h"
#include "fovea/error.h"
#include "fovea/parallel.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 9> extensions = {".jpg", ".jpeg", ".png", ".webp", ".bmp",
                                                        ".pbm", ".pgm",  ".ppm", ".pnm"};

struct Picture {
  PictureFile file;
  PictureShape shape{};
  std::string problem{};  // why it cannot be used; empty if it can
};

// Decodes every picture to learn its shape or what is wrong with it.
void examine(std::vector<Picture>& pictures) {
  parallel_for(static_cast<int64_t>(pictures.size()), 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Picture& picture = pictures[static_cast<size_t>(i)];
      try {
        picture.shape = examine_picture(picture.file.path);
      } catch (const Error& error) {
        picture.problem = error.what();
      }
    }
  });
}

class FilesDataset final : public Dataset {
 public:
  explicit FilesDataset(PictureFiles given)
      : class_names_(std::move(given.class_names)),
        source_(std::move(given.source)),
        replaces_(given.on_bad_picture == BadPictures::skip) {
    for (PictureFile& file : given.files) pictures_.push_back({std::move(file)});
    examine(pictures_);
    replaces_ ? skip_bad() : refuse_bad();
    check_classes(given.every_class);
    std::vector<PictureShape> shapes;
    for (const Picture& picture : pictures_) shapes.push_back(picture.shape);
    shape_ = common_shape(shapes);
  }

  int64_t size() const override { return static_cast<int64_t>(pictures_.size()); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  int64_t label(int64_t item) const override { return at(item).file.label; }
  void read(int64_t item, Image& out) const override { read_reduced(item, 0, out); }

  void read_reduced(int64_t item, int enough, Image& out) const override {
    try {
      out = read_image(at(item).file.path, enough);
    } catch (const Error& error) {
      if (!replaces_) throw;
      note_lost(item, error.what());
      out = read_another(item, enough, error);
    }
  }

  PictureShape picture_shape() const override { return shape_; }
  std::string item_name(int64_t item) const override { return printable(at(item).file.path); }
  std::string describe() const override { return describe_dataset(*this, source_); }

  std::vector<std::string> warnings() const override {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }

 private:
  static bool is_bad(const Picture& picture) { return !picture.problem.empty(); }
  const Picture& at(int64_t item) const { return pictures_[static_cast<size_t>(item)]; }

  void refuse_bad() const {
    const auto first = std::find_if(pictures_.begin(), pictures_.end(), is_bad);
    if (first == pictures_.end()) return;
    const auto others = std::count_if(first + 1, pictures_.end(), is_bad);
    throw Error(ErrorKind::data,
                others == 0 ? first->problem
                            : fmt::format("{} (and {} more bad pictures in {})", first->problem, others, source_));
  }

  void skip_bad() {
    for (const Picture& picture : pictures_) {
      if (is_bad(picture)) warnings_.push_back("skipped: " + picture.problem);
    }
    std::erase_if(pictures_, is_bad);
  }

  void check_classes(bool every_class) {
    std::vector<bool> filled(class_names_.size());
    for (const Picture& picture : pictures_) filled[static_cast<size_t>(picture.file.label)] = true;
    std::vector<std::string> empty;
    for (size_t i = 0; i < filled.size(); ++i) {
      if (!filled[i]) empty.push_back(class_names_[i]);
    }
    if (empty.empty()) return;
    const std::string problem = fmt::format("{} no picture that can be read in {}", name_classes(empty), source_);
    if (every_class) throw Error(ErrorKind::data, problem);
    warnings_.push_back(problem);
  }

  // Files may vanish or break while they are used.
  void note_lost(int64_t item, const char* problem) const {
    const std::lock_guard lock(mutex_);
    if (lost_.insert(item).second) warnings_.push_back(fmt::format("replaced by another of its class: {}", problem));
  }

  // The next picture of the item's class that can still be read, the same one whatever else was read before.
  Image read_another(int64_t item, int enough, const Error& problem) const {
    for (int64_t i = 1; i < size(); ++i) {
      const int64_t other = (item + i) % size();
      if (label(other) != label(item)) continue;
      try {
        return read_image(at(other).file.path, enough);
      } catch (const Error&) {
        continue;  // as lost as the first
      }
    }
    throw problem;
  }

  std::vector<Picture> pictures_;
  std::vector<std::string> class_names_;
  std::string source_;
  bool replaces_;
  PictureShape shape_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::vector<std::string> warnings_;
  mutable std::set<int64_t> lost_;
};

// What may be a picture: a file, or a link that leads nowhere, which reading it will tell.
bool is_file_or_lost_link(const fs::directory_entry& entry) {
  std::error_code error;
  const fs::file_type type = entry.status(error).type();
  return type == fs::file_type::regular || type == fs::file_type::not_found || type == fs::file_type::none;
}

}  // namespace

bool has_picture_extension(const fs::path& path) {
  std::string extension = path.extension().native();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

std::string picture_extensions() { return fmt::format("{}", fmt::join(extensions, ", ")); }

std::vector<fs::path> list_pictures(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().native().starts_with('.')) {
      entry.disable_recursion_pending();
    } else if (has_picture_extension(entry->path()) && is_file_or_lost_link(*entry)) {
      paths.push_back(entry->path());
    }
  }
  if (error) throw Error(ErrorKind::data, fmt::format("{} cannot be listed: {}", printable(folder), error.message()));
  std::sort(paths.begin(), paths.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return paths;
}

std::shared_ptr<const Dataset> open_picture_files(PictureFiles pictures) {
  return std::make_shared<FilesDataset>(std::move(pictures));
}

}  // namespace fovea
