// Trains LeNet-5 on Fashion-MNIST, tells how well it does and saves it.
#include <cstdio>
#include <cstdlib>

#include "fovea/data.h"
#include "fovea/model_file.h"
#include "fovea/train.h"
#include "fovea/zoo.h"

int main(int argc, char** argv) {
  const int epochs = argc > 1 ? std::atoi(argv[1]) : 10;
  const fovea::DataSplits data = fovea::open_dataset("fashion-mnist");

  fovea::Model model = fovea::zoo::create("lenet5");
  const fovea::Statistics pixels = fovea::measure_statistics(*data.train, 1);
  model.preprocessing = {
      .height = 32, .width = 32, .channels = 1, .padding = 2, .mean = pixels.mean, .std = pixels.std};
  model.class_names = data.train->class_names();

  fovea::FitOptions options{.epochs = epochs, .optimizer = fovea::Sgd{.lr = 0.05}};
  options.schedule.kind = fovea::Schedule::Kind::cosine;
  options.on_epoch = [](const fovea::EpochRecord& epoch) {
    std::printf("epoch %d: loss %.3f, test top-1 %.2f %%\n", static_cast<int>(epoch.epoch), epoch.train_loss,
                100 * epoch.validation->top1);
  };
  fovea::fit(model, data.train, data.test, options);

  const fovea::Evaluation evaluation = fovea::evaluate(model, data.test);
  std::printf("%s", evaluation.confusion.to_text().c_str());
  fovea::save_model(model, "lenet5.safetensors");
}
