#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fovea/data.h"
#include "fovea/image.h"
#include "fovea/model.h"
#include "fovea/optim.h"
#include "fovea/schedule.h"
#include "fovea/tensor.h"

// Semantic segmentation: the class of every pixel. By a fully convolutional network, trained on masks; or by a
// classifier of patches, shown one patch after the other or turned into a fully convolutional network.
// A mask is a picture of one channel whose samples are class numbers.
namespace fovea {

// ---- Masks ---------------------------------------------------------------------------------------------------------

struct MaskedPicture {
  Image picture;
  Image mask;  // of the same size
};

// The pictures of a folder, in byte order, each with the mask of the same name (PNG) in another. Throws Error(data)
// when a folder has no pictures, a mask is missing, cannot be read, has colours (also as a palette) or another size.
std::vector<MaskedPicture> read_masked_pictures(const std::filesystem::path& pictures,
                                                const std::filesystem::path& masks);

struct SegmentationScores {
  double mean_iou = 0;        // over the classes that the true masks have; NaN when they have none
  double pixel_accuracy = 0;  // fraction of the pixels that are right
  std::vector<double> iou{};  // of each class: pixels right / (pixels that are or were said to be of it); NaN: absent
};

// Of all pixels of all masks together; those whose true sample is `ignore` do not count (-1: all count).
// Throws Error(usage) when numbers or sizes differ, or a sample that counts is no class.
SegmentationScores score_masks(std::span<const Image> truths, std::span<const Image> predictions, int64_t classes,
                               int64_t ignore = -1);

// Each class in a colour of its own (up to 20, then again), what is no class black.
Image colour_mask(const Image& mask, int64_t classes);

// ---- Fully convolutional networks ----------------------------------------------------------------------------------

struct FitMasksOptions {
  int64_t epochs = 100;
  int64_t batch = 4;  // at most the number of pictures; a last batch that is not full is left out
  Sgd optimizer{.lr = 0.05};
  Schedule schedule{.kind = Schedule::Kind::cosine};
  int64_t ignore = -1;   // sample of pixels that do not count; -1: all count
  double balance = 0.5;  // pixels of a class count (its part of all pixels)^-balance
  bool mirror = false;   // turns half of the pictures left to right
  uint64_t seed = 0;
  std::function<void(int64_t epoch, double loss)> on_epoch{};
  const std::atomic<bool>* stop = nullptr;  // when it turns true training ends after the running step
};

// Trains a network whose output is {1, h, w, classes}, by the cross-entropy averaged over the pixels that count, each
// with its class's weight. Pictures are resized to the network's input, masks to its output (the nearest sample).
// Auxiliary outputs have the same loss, times their weights. The same options and seed: the same bits.
// Throws Error(format) when the network is another, Error(usage) for options that make no sense, no pictures or samples
// that are no class, Error(failure) when the loss becomes NaN or infinite.
void fit_masks(Model& model, const std::vector<MaskedPicture>& items, const FitMasksOptions& options);

// A network with an output {1, h, w, classes}, ready for pictures of any size.
class Segmenter {
 public:
  // The model must outlive this. Throws Error(format) when the network is another, or says nothing of its pictures.
  explicit Segmenter(Model& model);
  ~Segmenter();
  Segmenter(Segmenter&&) noexcept;
  Segmenter& operator=(Segmenter&&) noexcept;

  // The mask of the picture, in its size: scores are interpolated to it (bilinear), the highest wins.
  Image operator()(const Image& picture);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// ---- Classifiers of patches ----------------------------------------------------------------------------------------

struct PatchSetOptions {
  int height = 32, width = 32;
  int64_t per_class = 500;  // of all pictures together; fewer where a class has fewer pixels
  int64_t ignore = -1;
  uint64_t seed = 0;
};

// Patches around random pixels, labelled by the class of that pixel, the same number of each class: for fit(). Beyond
// the border pictures are mirrored. Throws Error(usage) for no pictures, samples that are no class, senseless options.
std::shared_ptr<const Dataset> patch_dataset(const std::vector<MaskedPicture>& items,
                                             std::vector<std::string> class_names, const PatchSetOptions& options);

// What a classifier of patches says of a picture: element (i, j) of the patch from (i stride, j stride) on.
struct ScoreMap {
  Tensor scores;  // {rows, columns, classes}
  int64_t stride = 1;
  int64_t height = 0, width = 0;  // of a patch
};

// Shows the classifier, an output {1, classes}, one patch of its input's size after the other, the picture being as it
// is. Throws Error(usage) for a picture smaller than a patch or a stride below 1, Error(format) for another network.
ScoreMap patch_scores(Model& classifier, const Image& picture, int64_t stride, int64_t batch = 32);

// The same from one pass of the classifier as a fully convolutional network, at the network's own stride: equal to
// patch_scores where the network pads nothing; where it pads, patches see zeros beyond their borders, and the whole
// picture's pass sees the neighbours.
ScoreMap convolutional_scores(Model& classifier, const Image& picture);

// The classifier over pictures of height x width: the first dense layer behind flatten becomes a convolution with the
// window that it sees, later ones become 1x1 convolutions, global average pooling an average over that window (Long et
// al. 2015, section 3.1); the output is {1, rows, columns, classes}. Weights are the classifier's.
// Throws Error(format) naming the node that does not convert, or when the preprocessing pads.
Model fully_convolutional(const Model& classifier, int height, int width);

// The highest score at every pixel of a picture: scores belong to the middles of their patches, between which they are
// interpolated (bilinear), beyond the outermost they go on.
Image to_mask(const ScoreMap& map, int height, int width);

}  // namespace fovea
