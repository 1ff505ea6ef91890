#include "train/epoch_items.h"

#include <algorithm>
#include <numeric>

namespace fovea {

EpochItems epoch_items(const std::shared_ptr<const Dataset>& train, const Preprocessing& preprocessing,
                       const FitOptions& options, const Random& orders, uint64_t epoch) {
  const Random random = orders.substream(epoch);
  EpochItems items{train, std::vector<int64_t>(static_cast<size_t>(train->size()))};
  std::iota(items.order.begin(), items.order.end(), int64_t{0});
  if (options.balance == ClassBalance::sampling) {
    items.pictures = subset(train, balanced_order(*train, random));  // an item drawn twice is changed in two ways
  } else {
    shuffle(items.order, random);
  }
  const Augmentation& augmentation = options.augmentation;
  const Preprocessing& p = preprocessing;
  const int enough =
      augmentation.changes_pictures() ? augmentation.enough() : 2 * std::max({p.shorter_side, p.height, p.width});
  items.pictures = augmented(items.pictures, augmentation, options.seed, epoch, enough);
  return items;
}

}  // namespace fovea
