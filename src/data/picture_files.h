#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fovea/data.h"

namespace fovea {

struct PictureFile {
  std::filesystem::path path;
  int64_t label = 0;
};

// What a data set of files is made of. Every file is decoded once when it is opened.
struct PictureFiles {
  std::vector<PictureFile> files;
  std::vector<std::string> class_names;
  std::string source;  // for messages
  BadPictures on_bad_picture = BadPictures::refuse;
  // Whether a class without a picture is an error; else it is a warning.
  bool every_class = true;
};

// Throws Error(data) when a file is bad and that is to be refused, or a class ends up without pictures.
std::shared_ptr<const Dataset> open_picture_files(PictureFiles pictures);

// Whether the name ends as that of a picture that read_image may know.
bool has_picture_extension(const std::filesystem::path& path);
// ".jpg, .jpeg, ...", for messages.
std::string picture_extensions();

// Regular files with a picture's extension in the folder and its sub-folders, in byte order; links that lead nowhere
// too, so that they are noticed. Links to folders are not followed; names that start with a dot are left out.
// Throws Error(data) when the folder cannot be listed.
std::vector<std::filesystem::path> list_pictures(const std::filesystem::path& folder);

}  // namespace fovea
