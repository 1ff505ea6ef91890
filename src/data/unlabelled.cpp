#include <fmt/format.h>

#include "core/text.h"
#include "data/picture_files.h"
#include "fovea/error.h"
#include "fovea/features.h"

namespace fovea {

std::shared_ptr<const Dataset> open_pictures(const std::filesystem::path& folder) {
  PictureFiles pictures{
      .files = {}, .class_names = {"picture"}, .source = printable(folder), .on_bad_picture = BadPictures::skip};
  for (std::filesystem::path& path : list_pictures(folder)) pictures.files.push_back({std::move(path)});
  if (pictures.files.empty()) {
    throw Error(ErrorKind::data, fmt::format("{} holds no pictures ({})", printable(folder), picture_extensions()));
  }
  return open_picture_files(std::move(pictures));
}

}  // namespace fovea
