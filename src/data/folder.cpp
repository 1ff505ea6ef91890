#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "core/text.h"
#include "data/packed.h"
#include "fovea/data.h"
#include "fovea/error.h"
#include "fovea/parallel.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;

struct Picture {
  fs::path path;
  int64_t label = 0;
  PictureShape shape;
  std::string problem;  // why it cannot be used; empty if it can
};

[[noreturn]] void refuse(const fs::path& path, std::string_view why) {
  throw Error(ErrorKind::data, fmt::format("{} {}", printable(path), why));
}

// The entries that `wanted` accepts, in byte order, without those whose names start with a dot.
template <class Wanted>
std::vector<fs::path> list_folder(const fs::path& folder, const Wanted& wanted) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code unreachable;  // such as a dangling link: simply not wanted
    if (entry->path().filename().native().starts_with('.')) continue;
    if (wanted(*entry, unreachable)) paths.push_back(entry->path());
  }
  if (error) refuse(folder, fmt::format("cannot be listed: {}", error.message()));
  std::sort(paths.begin(), paths.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return paths;
}

bool has_picture_extension(const fs::path& path) {
  std::string extension = path.extension().native();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

std::vector<fs::path> list_pictures(const fs::path& folder) {
  return list_folder(folder, [](const fs::directory_entry& entry, std::error_code& error) {
    return has_picture_extension(entry.path()) && entry.is_regular_file(error);
  });
}

std::vector<fs::path> list_class_folders(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) refuse(folder, "is not a folder");
  auto classes = list_folder(folder, [](const fs::directory_entry& entry, std::error_code& unreachable) {
    return entry.is_directory(unreachable);
  });
  if (!classes.empty()) return classes;
  refuse(folder, list_pictures(folder).empty()
                     ? "has no class folders: a data set needs one sub-folder of pictures per class"
                     : "has pictures but no class folders: put the pictures of each class into a sub-folder");
}

// Decodes every picture to learn its shape or what is wrong with it.
void examine(std::vector<Picture>& pictures) {
  parallel_for(static_cast<int64_t>(pictures.size()), 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Picture& picture = pictures[static_cast<size_t>(i)];
      try {
        const Image image = read_image(picture.path);
        picture.shape = {image.height, image.width, image.channels};
      } catch (const Error& error) {
        picture.problem = error.what();
      }
    }
  });
}

class FolderDataset final : public Dataset {
 public:
  FolderDataset(const fs::path& folder, BadPictures on_bad_picture) : source_(printable(folder)) {
    const std::vector<fs::path> classes = list_class_folders(folder);
    for (const fs::path& path : classes) {
      const std::vector<fs::path> paths = list_pictures(path);
      if (paths.empty()) refuse(path, "is an empty class folder: it has no .jpg, .jpeg or .png files");
      for (const fs::path& picture : paths) {
        pictures_.push_back({picture, static_cast<int64_t>(class_names_.size()), {}, {}});
      }
      class_names_.push_back(printable(path.filename()));
    }
    examine(pictures_);
    if (on_bad_picture == BadPictures::refuse)
      refuse_bad();
    else
      skip_bad(classes);
    std::vector<PictureShape> shapes;
    for (const Picture& picture : pictures_) shapes.push_back(picture.shape);
    shape_ = common_shape(shapes);
  }

  int64_t size() const override { return static_cast<int64_t>(pictures_.size()); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  int64_t label(int64_t item) const override { return at(item).label; }
  void read(int64_t item, Image& out) const override { out = read_image(at(item).path); }
  PictureShape picture_shape() const override { return shape_; }
  std::string item_name(int64_t item) const override { return printable(at(item).path); }
  std::string describe() const override { return describe_dataset(*this, source_); }
  std::vector<std::string> warnings() const override { return warnings_; }

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

  void skip_bad(const std::vector<fs::path>& classes) {
    for (const Picture& picture : pictures_) {
      if (is_bad(picture)) warnings_.push_back("skipped: " + picture.problem);
    }
    std::erase_if(pictures_, is_bad);
    std::vector<bool> filled(classes.size());
    for (const Picture& picture : pictures_) filled[static_cast<size_t>(picture.label)] = true;
    const auto empty = std::find(filled.begin(), filled.end(), false);
    if (empty == filled.end()) return;
    refuse(classes[static_cast<size_t>(empty - filled.begin())], "has no picture that can be read");
  }

  std::string source_;
  std::vector<Picture> pictures_;
  std::vector<std::string> class_names_;
  std::vector<std::string> warnings_;
  PictureShape shape_;
};

}  // namespace

std::shared_ptr<const Dataset> open_folder(const fs::path& folder, BadPictures on_bad_picture) {
  return std::make_shared<FolderDataset>(folder, on_bad_picture);
}

}  // namespace fovea
