#pragma once

#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "fovea/class_balance.h"
#include "fovea/data.h"
#include "fovea/model.h"
#include "fovea/preprocessing.h"
#include "fovea/train.h"

// Options about pictures that several commands share, and what they mean.
namespace fovea::cli {

// --shorter-side and --filter: how pictures are brought to the network's size.
struct ResizeOptions {
  int shorter_side = 0;
  ResizeFilter filter = ResizeFilter::bilinear;
  const CLI::App* command = nullptr;

  void add(CLI::App& app);
  // Changes what was given on the command line. Throws Error(usage) when the result makes no sense.
  void apply(Preprocessing& preprocessing) const;
};

// --tta: the text of TestViews.
void add_views_option(CLI::App& command, std::string& views);

// --augment and --class-balance: what training makes of the pictures.
struct AugmentOptions {
  std::string augment;
  ClassBalance balance = ClassBalance::none;

  void add(CLI::App& command);
  // Throws Error(usage) for text that is no augmentation.
  void apply(FitOptions& fit) const;
};

// Pictures of fewer classes than the model knows, in the model's numbers: they are judged by the model's.
std::shared_ptr<const Dataset> in_terms_of(const Model& model, std::shared_ptr<const Dataset> dataset);

}  // namespace fovea::cli
