#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>

#include "core/text.h"
#include "data/picture_files.h"
#include "fovea/data.h"
#include "fovea/error.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, std::string_view why) {
  throw Error(ErrorKind::data, fmt::format("{} {}", printable(path), why));
}

// A link to a folder that holds the link would make a class of all classes.
void refuse_loop(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  const fs::path around = fs::canonical(folder, error);
  if (error) return;
  const auto [end, rest] = std::mismatch(target.begin(), target.end(), around.begin(), around.end());
  if (end == target.end()) refuse(path, "is a link to a folder that holds it");
}

std::vector<fs::path> list_class_folders(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) refuse(folder, "is not a folder");
  std::vector<fs::path> classes;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code unreachable;  // such as a dangling link: simply no class
    if (entry->path().filename().native().starts_with('.') || !entry->is_directory(unreachable)) continue;
    if (entry->is_symlink(unreachable)) refuse_loop(entry->path(), folder);
    classes.push_back(entry->path());
  }
  if (error) refuse(folder, fmt::format("cannot be listed: {}", error.message()));
  std::sort(classes.begin(), classes.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  if (!classes.empty()) return classes;
  refuse(folder, list_pictures(folder).empty()
                     ? "has no class folders: a data set needs one sub-folder of pictures per class"
                     : "has pictures but no class folders: put the pictures of each class into a sub-folder");
}

// The label of a class folder by the names of another part; refuses classes that the other part does not have.
int64_t known_label(const std::string& name, const std::vector<std::string>& known, const fs::path& folder) {
  const auto place = std::find(known.begin(), known.end(), name);
  if (place != known.end()) return place - known.begin();
  refuse(folder, fmt::format("has the class {}, which the training part lacks: {}", name, fmt::join(known, ", ")));
}

}  // namespace

std::shared_ptr<const Dataset> open_folder(const fs::path& folder, BadPictures on_bad_picture,
                                           const std::vector<std::string>& class_names) {
  PictureFiles pictures{.files = {},
                        .class_names = class_names,
                        .source = printable(folder),
                        .on_bad_picture = on_bad_picture,
                        .every_class = class_names.empty()};
  for (const fs::path& path : list_class_folders(folder)) {
    const std::string name = printable(path.filename());
    const std::vector<fs::path> files = list_pictures(path);
    auto label = static_cast<int64_t>(pictures.class_names.size());
    if (class_names.empty()) {
      if (files.empty()) {
        refuse(path, fmt::format("is an empty class folder: it has no {} files", picture_extensions()));
      }
      pictures.class_names.push_back(name);
    } else {
      label = known_label(name, class_names, folder);
    }
    for (const fs::path& file : files) pictures.files.push_back({file, label});
  }
  return open_picture_files(std::move(pictures));
}

}  // namespace fovea
