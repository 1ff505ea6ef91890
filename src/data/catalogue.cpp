#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "core/suggest.h"
#include "core/text.h"
#include "data/packed.h"
#include "fovea/data.h"
#include "fovea/data_sources.h"
#include "fovea/error.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// A list of pictures, a table of pixels or a packed data set.
bool is_data_file(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".csv" || extension == ".tsv" || extension == ".txt" || extension == ".safetensors";
}

bool has_sub_folders(const fs::path& path) {
  std::error_code error;
  const fs::directory_iterator entries(path, error);
  return !error && std::any_of(begin(entries), end(entries), [](const auto& entry) { return is_folder(entry.path()); });
}

// ---- Folders with files of known names -----------------------------------------------------------------------------

// The file of an IDX folder whatever its separator and compression; empty when there is none.
fs::path find_idx(const fs::path& folder, const std::string& stem) {
  for (const char* kind : {"-idx3-ubyte", ".idx3-ubyte", "-idx4-ubyte", ".idx4-ubyte", "-idx1-ubyte", ".idx1-ubyte"}) {
    for (const char* suffix : {"", ".gz"}) {
      fs::path path = folder / (stem + kind + suffix);
      if (is_file(path)) return path;
    }
  }
  return {};
}

bool has_idx(const fs::path& folder) { return !find_idx(folder, "train-images").empty(); }
bool has_cifar10(const fs::path& folder) { return is_file(folder / "data_batch_1.bin"); }
bool has_cifar100(const fs::path& folder) { return is_file(folder / "train.bin"); }

std::shared_ptr<const Dataset> open_idx_pair(const fs::path& folder, const std::string& part,
                                             std::vector<std::string> class_names) {
  const fs::path images = find_idx(folder, part + "-images");
  const fs::path labels = find_idx(folder, part + "-labels");
  if (images.empty()) return nullptr;
  if (!labels.empty()) return open_idx(images, labels, std::move(class_names));
  throw Error(ErrorKind::data, fmt::format("{} has no labels: {}-labels-idx1-ubyte(.gz) is missing in {}",
                                           printable(images), part, printable(folder)));
}

DataSplits open_idx_folder(const fs::path& folder, std::vector<std::string> class_names) {
  DataSplits splits;
  splits.train = open_idx_pair(folder, "train", std::move(class_names));
  splits.test = open_idx_pair(folder, "t10k", splits.train->class_names());
  return splits;
}

std::shared_ptr<const Dataset> open_cifar_file(const fs::path& path, int classes) {
  return is_file(path) ? open_cifar({path}, classes) : nullptr;
}

DataSplits open_cifar10_folder(const fs::path& folder) {
  std::vector<fs::path> train;
  for (int i = 1; i <= 5; ++i) {
    const fs::path path = folder / fmt::format("data_batch_{}.bin", i);
    if (is_file(path)) train.push_back(path);
  }
  return {open_cifar(train, 10), open_cifar_file(folder / "test_batch.bin", 10)};
}

DataSplits open_cifar100_folder(const fs::path& folder) {
  return {open_cifar({folder / "train.bin"}, 100), open_cifar_file(folder / "test.bin", 100)};
}

DataSplits open_split_folders(const fs::path& folder, BadPictures on_bad_picture) {
  DataSplits splits;
  splits.train = open_folder(folder / "train", on_bad_picture);
  for (const char* name : {"test", "val", "valid"}) {
    if (!is_folder(folder / name)) continue;
    splits.test = open_folder(folder / name, on_bad_picture, splits.train->class_names());
    break;
  }
  return splits;
}

// train.csv and, perhaps, val.csv or test.csv: what 'fovea data split' writes.
DataSplits open_listed_folder(const fs::path& folder, BadPictures on_bad_picture) {
  DataSplits splits;
  splits.train = open_list(folder / "train.csv", on_bad_picture);
  for (const char* name : {"test.csv", "val.csv"}) {
    if (!is_file(folder / name)) continue;
    splits.test = open_list(folder / name, on_bad_picture, splits.train->class_names());
    break;
  }
  return splits;
}

DataSplits open_single_file(const fs::path& path, BadPictures on_bad_picture) {
  if (path.extension() == ".safetensors") return open_packed(path);
  std::ifstream file(path);
  std::string heading;
  std::getline(file, heading);
  if (heading.find("pixels") != std::string::npos) return open_pixel_csv(path);
  return {open_list(path, on_bad_picture), nullptr};
}

DataSplits open_any_folder(const fs::path& folder, BadPictures on_bad_picture) {
  if (has_idx(folder)) return open_idx_folder(folder, {});
  if (has_cifar10(folder)) return open_cifar10_folder(folder);
  if (has_cifar100(folder)) return open_cifar100_folder(folder);
  if (is_file(folder / "val" / "val_annotations.txt")) return open_tiny_imagenet(folder, on_bad_picture);
  if (is_file(folder / "train.csv")) return open_listed_folder(folder, on_bad_picture);
  // A folder that holds pictures only may well be a class called train.
  if (has_sub_folders(folder / "train")) return open_split_folders(folder, on_bad_picture);
  return {open_folder(folder, on_bad_picture), nullptr};
}

// ---- Data sets known by name ---------------------------------------------------------------------------------------

struct Known {
  std::string name;
  std::vector<std::string> folders;  // names its folder goes by
  fs::path system_folder;            // where a package of the system puts it
  std::string advice;                // how to get it
  bool (*is_in)(const fs::path& folder);
  DataSplits (*open)(const fs::path& folder);
};

DataSplits open_mnist(const fs::path& folder) { return open_idx_folder(folder, numbered_classes(10)); }

DataSplits open_fashion_mnist(const fs::path& folder) {
  return open_idx_folder(folder, {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
                                  "Bag", "Ankle boot"});
}

const std::array<Known, 4>& catalogue() {
  static const std::array<Known, 4> table = {{
      {"fashion-mnist",
       {"fashion-mnist", "FashionMNIST/raw"},
       "/usr/share/datasets/fashion-mnist",
       "install it with: apt install dataset-fashion-mnist",
       has_idx,
       open_fashion_mnist},
      {"mnist",
       {"mnist", "MNIST/raw"},
       "",
       "put its four files (train-images-idx3-ubyte and so on) there",
       has_idx,
       open_mnist},
      {"cifar-10",
       {"cifar-10-batches-bin", "cifar-10"},
       "",
       "unpack cifar-10-binary.tar.gz (https://www.cs.toronto.edu/~kriz/cifar.html) there",
       has_cifar10,
       open_cifar10_folder},
      {"cifar-100",
       {"cifar-100-binary", "cifar-100"},
       "",
       "unpack cifar-100-binary.tar.gz (https://www.cs.toronto.edu/~kriz/cifar.html) there",
       has_cifar100,
       open_cifar100_folder},
  }};
  return table;
}

const Known* find_known(const std::string& name) {
  const auto& table = catalogue();
  const auto found = std::find_if(table.begin(), table.end(), [&](const Known& known) { return known.name == name; });
  return found == table.end() ? nullptr : &*found;
}

std::vector<fs::path> search_roots(const fs::path& data_dir) {
  std::vector<fs::path> roots;
  if (!data_dir.empty()) roots.push_back(data_dir);
  if (const char* variable = std::getenv("FOVEA_DATA"); variable != nullptr && *variable != '\0') {
    roots.emplace_back(variable);
  }
  roots.emplace_back("data");
  return roots;
}

// MNIST and Fashion-MNIST have the same file names: a folder called after one of them is not searched for the other.
bool belongs_to_another(const fs::path& folder, const Known& wanted) {
  const auto& table = catalogue();
  const fs::path name = (folder / "").parent_path().filename();
  return std::any_of(table.begin(), table.end(), [&](const Known& known) {
    return known.name != wanted.name && known.folders.front() == name.native();
  });
}

fs::path find_folder(const Known& known, const fs::path& data_dir) {
  for (const fs::path& root : search_roots(data_dir)) {
    for (const std::string& folder : known.folders) {
      if (known.is_in(root / folder)) return root / folder;
    }
    if (known.is_in(root) && !belongs_to_another(root, known)) return root;
  }
  const bool packaged = !known.system_folder.empty() && known.is_in(known.system_folder);
  return packaged ? known.system_folder : fs::path();
}

DataSplits open_known(const Known& known, const fs::path& data_dir) {
  const fs::path folder = find_folder(known, data_dir);
  if (!folder.empty()) return known.open(folder);
  std::vector<std::string> places;
  for (const fs::path& root : search_roots(data_dir)) places.push_back(printable(root / known.folders.front()));
  if (!known.system_folder.empty()) places.push_back(printable(known.system_folder));
  throw Error(ErrorKind::data, fmt::format("{} was not found in {}; {}, or name the folder that holds it (--data-dir, "
                                           "FOVEA_DATA)",
                                           known.name, fmt::join(places, ", "), known.advice));
}

}  // namespace

std::vector<std::string> dataset_names() {
  std::vector<std::string> names;
  for (const Known& known : catalogue()) names.push_back(known.name);
  return names;
}

fs::path find_dataset(const std::string& name, const fs::path& data_dir) {
  const Known* known = find_known(name);
  return known == nullptr ? fs::path() : find_folder(*known, data_dir);
}

DataSplits open_dataset(const std::string& name_or_path, const OpenOptions& options) {
  if (const Known* known = find_known(name_or_path)) return open_known(*known, options.data_dir);
  const fs::path path = name_or_path;
  if (is_folder(path)) return open_any_folder(path, options.on_bad_picture);
  if (is_file(path)) {
    if (is_data_file(path)) return open_single_file(path, options.on_bad_picture);
    throw Error(ErrorKind::data,
                fmt::format("{} is a single file, not a data set: give the folder it is in, or a folder "
                            "with one sub-folder of pictures per class",
                            printable(path)));
  }
  if (path.has_parent_path()) throw Error(ErrorKind::data, fmt::format("there is no folder {}", printable(path)));
  throw Error(
      ErrorKind::usage,
      fmt::format("there is no data set or folder '{}'{}; known are {} and any folder of pictures", printable(path),
                  did_you_mean(name_or_path, dataset_names()), fmt::join(dataset_names(), ", ")));
}

}  // namespace fovea
