#include <utility>

#include "fovea/augment.h"

namespace fovea {

namespace {

// Keeps apart the random numbers of augmentation from those of the order, initialisation and dropout.
constexpr uint64_t augmentation_stream = 0x6175676d656e74;  // "augment"
constexpr uint64_t turn_stream = 0x7475726e;                // "turn"

class Augmented final : public Dataset {
 public:
  Augmented(std::shared_ptr<const Dataset> whole, Augmentation augmentation, uint64_t seed, uint64_t epoch, int enough)
      : whole_(std::move(whole)),
        augmentation_(std::move(augmentation)),
        random_(Random(seed, augmentation_stream).substream(epoch)),
        turns_(seed, turn_stream),
        epoch_(epoch),
        enough_(enough) {}

  int64_t size() const override { return whole_->size(); }
  const std::vector<std::string>& class_names() const override { return whole_->class_names(); }
  int64_t label(int64_t item) const override { return whole_->label(item); }
  void read(int64_t item, Image& out) const override {
    whole_->read_reduced(item, enough_, out);
    const auto number = static_cast<uint64_t>(item);
    augmentation_.apply(out, random_.substream(number), (turns_.bits(number) + epoch_) % 2 == 1);
  }
  // The sizes that pictures come out with are not known beforehand.
  PictureShape picture_shape() const override { return {0, 0, whole_->picture_shape().channels}; }
  std::string item_name(int64_t item) const override { return whole_->item_name(item); }
  std::string describe() const override { return whole_->describe(); }
  std::vector<std::string> warnings() const override { return whole_->warnings(); }

 private:
  std::shared_ptr<const Dataset> whole_;
  Augmentation augmentation_;
  Random random_;  // of the epoch
  Random turns_;   // of all epochs
  uint64_t epoch_;
  int enough_;
};

}  // namespace

std::shared_ptr<const Dataset> augmented(std::shared_ptr<const Dataset> dataset, Augmentation augmentation,
                                         uint64_t seed, uint64_t epoch, int enough) {
  return std::make_shared<Augmented>(std::move(dataset), std::move(augmentation), seed, epoch, enough);
}

}  // namespace fovea
