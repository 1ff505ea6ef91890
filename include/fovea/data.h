#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fovea/image.h"
#include "fovea/preprocessing.h"
#include "fovea/tensor.h"

namespace fovea {

// ---- From a picture to the input of a network ----------------------------------------------------------------------

// Applies a Preprocessing: one table look-up per sample. Keeps its scratch, so pictures that need neither conversion
// nor resizing allocate nothing and others only while the scratch still grows. Each thread uses its own.
class Preprocessor {
 public:
  // Throws Error(usage) when the settings make no sense: channels other than 1 or 3, an empty or huge size, padding
  // that leaves no picture, a shorter side below what is cut out, mean or std of the wrong length or not finite,
  // std <= 0.
  explicit Preprocessor(const Preprocessing& settings);
  ~Preprocessor();
  Preprocessor(Preprocessor&&) noexcept;
  Preprocessor& operator=(Preprocessor&&) noexcept;

  // Writes {height, width, channels} floats. Throws Error(usage) when the image is inconsistent.
  void run(const Image& image, float* out);

 private:
  struct Scratch;
  const Image& fit(const Image& image);

  Preprocessing settings_;
  std::vector<float> table_;  // {channels, 256}
  std::unique_ptr<Scratch> scratch_;
};

// One picture as a tensor {1, height, width, channels}. Throws as Preprocessor does.
Tensor preprocess(const Image& image, const Preprocessing& settings);

// ---- Labelled pictures ---------------------------------------------------------------------------------------------

// Extents that all pictures of a data set share; 0 where they differ (channels: 3 if any picture has colour).
struct PictureShape {
  int height = 0;
  int width = 0;
  int channels = 0;

  bool operator==(const PictureShape&) const = default;
};

// A list of labelled pictures. All functions may be called by several threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual int64_t size() const = 0;
  virtual const std::vector<std::string>& class_names() const = 0;
  // In [0, class_names().size()).
  virtual int64_t label(int64_t item) const = 0;
  // Stores the picture in `out`, reusing its memory if it can. Throws Error(data) when a file has become unreadable
  // meanwhile.
  virtual void read(int64_t item, Image& out) const = 0;
  // The same for a caller that is content with both sides of at least `enough` pixels (see read_image).
  virtual void read_reduced(int64_t item, int enough, Image& out) const {
    static_cast<void>(enough);
    read(item, out);
  }
  virtual PictureShape picture_shape() const = 0;
  // For messages: a file name, or a position in a file.
  virtual std::string item_name(int64_t item) const = 0;
  // One line: how many pictures, classes, which shape, from where.
  virtual std::string describe() const = 0;
  // Lines that a user should see, such as the pictures that were skipped.
  virtual std::vector<std::string> warnings() const { return {}; }
};

enum class BadPictures {
  refuse,  // a picture that cannot be decoded is an error
  skip,    // it is left out and named in Dataset::warnings()
};

// A pair of IDX files (the format of MNIST), raw or gzip: unsigned bytes {N, H, W} or {N, H, W, C} and labels {N}.
// Without class_names there are max(label) + 1 classes, named "0", "1", ...
// Throws Error(data) naming the file, and for labels the position, when a file cannot be read, has a wrong magic
// number, is shorter or longer than its header says, has no items, the counts differ, or a label is out of range.
std::shared_ptr<const Dataset> open_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                                        std::vector<std::string> class_names = {});

// CIFAR binary files, `classes` = 10 (label, 3072 bytes) or 100 (coarse label, fine label, 3072 bytes; the fine label
// counts), one after the other. Class names come from batches.meta.txt or fine_label_names.txt beside the first file;
// without it CIFAR-10 has its well-known names and CIFAR-100 numbers. Throws Error(data) when a file cannot be read, is
// not a whole number of records, or a label is out of range.
std::shared_ptr<const Dataset> open_cifar(const std::vector<std::filesystem::path>& files, int classes);

// One sub-folder per class, its name the class's, in byte order; the pictures in each (.jpg, .jpeg, .png, .webp, .bmp,
// .pbm, .pgm, .ppm, .pnm in any case; in deeper folders too), in byte order, are its items; other files and names that
// start with a dot are ignored. Every picture is decoded once here, in parallel and JPEGs at 1/8 of their size, so that
// errors come now and not in the third epoch. With BadPictures::skip a file that becomes unreadable later is replaced
// by the next of its class, and named in Dataset::warnings(). With class_names, those of a training part, pictures get
// their labels by them, and a class without pictures is a warning. Throws Error(data) when the folder is missing or has
// no sub-folders, when a class has no pictures or none that can be decoded, when a class is not among class_names, and
// under BadPictures::refuse when a picture cannot be decoded.
std::shared_ptr<const Dataset> open_folder(const std::filesystem::path& folder,
                                           BadPictures on_bad_picture = BadPictures::refuse,
                                           const std::vector<std::string>& class_names = {});

// A data set in memory. Throws Error(usage) when the counts differ, an image is inconsistent, or a label is out of
// range.
std::shared_ptr<const Dataset> make_dataset(std::vector<Image> images, std::vector<int64_t> labels,
                                            std::vector<std::string> class_names);

// The given items of a data set, in the given order. Throws Error(usage) when an index is out of range.
std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> items);

// ---- Data sets by name or path -------------------------------------------------------------------------------------

struct DataSplits {
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> test;  // null when there is none
};

struct OpenOptions {
  std::filesystem::path data_dir;  // searched for named data sets first, then $FOVEA_DATA, then ./data
  BadPictures on_bad_picture = BadPictures::refuse;
};

// Opens a data set known by name (see dataset_names) or any folder: with IDX files under MNIST's names, with CIFAR's
// .bin files, with class folders, or with class folders below train/ and test/ (or val/, valid/).
// Throws Error(usage) for an unknown name, suggesting the nearest; Error(data) when the data cannot be found or read.
DataSplits open_dataset(const std::string& name_or_path, const OpenOptions& options = {});

// The data sets known by name: "fashion-mnist", "mnist", "cifar-10", "cifar-100".
std::vector<std::string> dataset_names();
// Folder in which open_dataset would find a named data set; empty when it is nowhere.
std::filesystem::path find_dataset(const std::string& name, const std::filesystem::path& data_dir = {});

// ---- Splits and statistics -----------------------------------------------------------------------------------------

// Draws round(fraction * size) of the items 0..size-1 for validation, decided by the seed: {training, validation}, both
// ascending. Throws Error(usage) unless 0 <= fraction < 1 and, with fraction > 0, both parts get an item.
std::pair<std::vector<int64_t>, std::vector<int64_t>> split_indices(int64_t size, double fraction, uint64_t seed);

struct Statistics {
  std::vector<float> mean;  // per channel, of pixels in [0, 1]
  std::vector<float> std;   // population standard deviation; at least 1/255, so that it can be divided by
};

// Mean and standard deviation over all pixels of at most max_items pictures (evenly spaced over the data set), each
// converted to `channels` first. Exact (integer histograms), hence the same for any number of threads.
Statistics measure_statistics(const Dataset& dataset, int channels, int64_t max_items = 10'000);

// ---- Mini-batches --------------------------------------------------------------------------------------------------

struct Batch {
  Tensor images;      // {N, H, W, C}, preprocessed
  Tensor labels;      // {N}, class indices
  int64_t count = 0;  // rows that hold items, 1..N; the rest is zero
};

struct LoaderOptions {
  int64_t batch_size = 64;
  int workers = 1;          // background threads; 0: next() does the work itself
  int queue_depth = 4;      // batches prepared ahead
  bool drop_last = false;   // leave out a last batch that is not full
  int64_t first_batch = 0;  // batches to leave out at the start, to resume inside an epoch
};

// Reads and preprocesses the items of one pass over a data set in background threads and delivers them as batches, in
// order. What is delivered does not depend on the number of workers. Buffers are recycled: after the first few batches
// the loader allocates nothing. The destructor may be called at any time.
class Loader {
 public:
  // Batch b holds the items order[b * batch_size ...]. Throws Error(usage) for options that make no sense and indices
  // that are out of range.
  Loader(std::shared_ptr<const Dataset> dataset, const Preprocessing& preprocessing, std::vector<int64_t> order,
         const LoaderOptions& options = {});
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Batches in the whole pass, those left out by first_batch included.
  int64_t batches() const;
  // Waits for the next batch; it stays valid until the next call. Null at the end. Rethrows what a worker ran into when
  // the batch concerned is reached.
  const Batch* next();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fovea
