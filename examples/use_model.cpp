// Says what a trained network sees in a picture: use_model lenet5.safetensors picture.png
#include <cstdio>

#include "fovea/model_file.h"
#include "fovea/predict.h"

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: use_model MODEL PICTURE\n"), 2;
  fovea::Predictor predict(fovea::load_model(argv[1]));
  for (const fovea::Guess& guess : predict(fovea::read_image(argv[2]), 3)) {
    std::printf("%5.1f %%  %s\n", 100 * guess.probability, guess.class_name.c_str());
  }
}
