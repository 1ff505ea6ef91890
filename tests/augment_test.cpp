#include "fovea/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "fovea/image_ops.h"
#include "pictures.h"
#include "test_files.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;
using Numbers = std::vector<double>;

int whole(double value) { return static_cast<int>(std::lround(value)); }

// ---- Operations ----------------------------------------------------------------------------------------------------

ResizeFilter filter_of(const std::string& name) {
  return name == "nearest" ? ResizeFilter::nearest
         : name == "box"   ? ResizeFilter::box
         : name == "cubic" ? ResizeFilter::bicubic
                           : ResizeFilter::bilinear;
}

Sampling sampling_of(const std::string& name) {
  return name.ends_with("nearest") ? Sampling::nearest : Sampling::bilinear;
}

Image warped(const Image& in, const AffineMotion& motion, Sampling sampling) {
  Image out;
  warp_affine(in, affine_matrix(motion, in.height, in.width), sampling, out);
  return out;
}

Image run(const std::string& name, const Numbers& a, const Image& in) {
  Image image = in;
  Image out;
  const std::map<std::string, std::function<void()>> in_place = {
      {"flip", [&] { flip_horizontal(image); }},
      {"flip-vertical", [&] { flip_vertical(image); }},
      {"brightness", [&] { adjust_brightness(image, a[0]); }},
      {"contrast", [&] { adjust_contrast(image, a[0]); }},
      {"saturation", [&] { adjust_saturation(image, a[0]); }},
      {"sharpness", [&] { adjust_sharpness(image, a[0], out); }},
      {"hue", [&] { adjust_hue(image, a[0]); }},
      {"grey", [&] { make_grey(image); }},
      {"invert", [&] { invert(image); }},
      {"posterize", [&] { posterize(image, whole(a[0])); }},
      {"solarize", [&] { solarize(image, whole(a[0])); }},
      {"autocontrast", [&] { auto_contrast(image); }},
      {"equalize", [&] { equalize(image); }},
      {"blur", [&] { gaussian_blur(image, whole(a[0]), a[1]); }}};
  if (const auto operation = in_place.find(name); operation != in_place.end()) {
    operation->second();
    return image;
  }
  if (name == "crop") {
    crop(in, whole(a[0]), whole(a[1]), whole(a[2]), whole(a[3]), out);
  } else if (name.starts_with("pad")) {
    pad(in, whole(a[0]),
        name == "pad black"  ? Border::black
        : name == "pad edge" ? Border::edge
                             : Border::reflect,
        out);
  } else if (name.starts_with("rotate")) {
    out = warped(in, {.degrees = -a[0]}, sampling_of(name));
  } else if (name.starts_with("affine")) {
    out = warped(in, {a[0], a[1], a[2], a[3], a[4], a[5]}, sampling_of(name));
  } else if (name.starts_with("perspective")) {
    warp_perspective(in, {{{a[0], a[1]}, {a[2], a[3]}, {a[4], a[5]}, {a[6], a[7]}}}, sampling_of(name), out);
  } else if (name == "shorter") {
    Preprocessing settings{.height = whole(a[1]), .width = whole(a[1]), .channels = 3, .padding = 0, .mean = {0, 0, 0}};
    settings.std = {1.0F / 255, 1.0F / 255, 1.0F / 255};
    settings.shorter_side = whole(a[0]);
    settings.filter = ResizeFilter::bicubic;
    const Tensor tensor = preprocess(in, settings);
    out = {settings.height, settings.width, 3, {}};
    for (const float value : tensor.values()) out.pixels.push_back(static_cast<uint8_t>(std::lround(value)));
  } else {
    out = resize(in, whole(a[1]), whole(a[0]), name == "bicubic" ? ResizeFilter::bicubic : filter_of(name));
  }
  return out;
}

TEST(ImageOps, EqualPillowAndTorchvision) {
  int cases = 0;
  for (const auto& test : golden_file("augment.json")) {
    const std::string name = test.at("operation");
    SCOPED_TRACE(name + " " + to_string(test.at("arguments")));
    const bool exact = name == "nearest" || name == "box" || name == "bilinear" || name == "bicubic";
    expect_within(run(name, test.at("arguments"), image_of(test.at("input"))), image_of(test.at("output")),
                  exact ? 0 : 1);
    if (HasFatalFailure()) return;
    ++cases;
  }
  EXPECT_EQ(cases, 203);
}

TEST(ImageOps, RefuseWhatCannotBeDone) {
  const Image image = gradient(6, 8, 3);
  Image out;
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { crop(image, 1, 0, 6, 8, out); }),
              HasSubstr("cannot cut 6x8 from (1, 0) out of a picture of 6x8"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { pad(image, 6, Border::reflect, out); }), HasSubstr("6x8 by 6"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { pad(image, -1, Border::black, out); }), HasSubstr("by -1"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { affine_matrix({.scale = 0}, 4, 4); }), HasSubstr("scale above 0"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { affine_matrix({.shear_x = 90}, 4, 4); }), HasSubstr("below 90"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { warp_perspective(image, Corners{}, Sampling::bilinear, out); }),
              HasSubstr("no perspective"));
  Image small = image;
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { gaussian_blur(small, 4, 1); }), HasSubstr("kernel of 4"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { gaussian_blur(small, 13, 1); }), HasSubstr("kernel of 13"));
}

TEST(ImageOps, DisplaceMovesEachPixel) {
  const Image image = gradient(5, 6, 1);
  const std::vector<float> right(30, 1.0F), still(30, 0.0F);
  Image out;
  displace(image, right.data(), still.data(), out);
  for (size_t y = 0; y < 5; ++y) {
    for (size_t x = 0; x < 6; ++x) EXPECT_EQ(out.pixels[y * 6 + x], x == 5 ? 0 : image.pixels[y * 6 + x + 1]);
  }
}

// ---- The text form -------------------------------------------------------------------------------------------------

std::string refusal(const std::string& text) {
  return error_of(ErrorKind::usage, [&] { const Augmentation augmentation(text); });
}

TEST(Augmentation, SaysWhatIsWrongWithItsText) {
  EXPECT_THAT(refusal("flop"), HasSubstr("there is no step 'flop'; did you mean 'flip'?"));
  EXPECT_THAT(refusal("pad"), HasSubstr("'pad': pixels is missing; its form is: pad PIXELS"));
  EXPECT_THAT(refusal("pad four"), HasSubstr("pixels must be a number, got 'four'"));
  EXPECT_THAT(refusal("pad 4.5"), HasSubstr("whole number"));
  EXPECT_THAT(refusal("pad 4 5 6"), HasSubstr("border must be"));
  EXPECT_THAT(refusal("crop 8 9"), HasSubstr("'9' is one argument too many"));
  EXPECT_THAT(refusal("crop 0"), HasSubstr("size must be 1 to 65535, got 0"));
  EXPECT_THAT(refusal("rotate 10 speed 3"), HasSubstr("it has no argument 'speed'"));
  EXPECT_THAT(refusal("rotate degrees 3 degrees 4"), HasSubstr("degrees is given twice"));
  EXPECT_THAT(refusal("flip 2"), HasSubstr("p must be 0 to 1, got 2"));
  EXPECT_THAT(refusal("blur 2..1"), HasSubstr("range from low to high"));
  EXPECT_THAT(refusal("flip,"), HasSubstr("a step is missing"));
  EXPECT_THAT(refusal("flip)"), HasSubstr("unexpected ')'"));
  EXPECT_THAT(refusal("one-of flip"), HasSubstr("in parentheses"));
  EXPECT_THAT(refusal("one-of(flip | grey"), HasSubstr("closing parenthesis"));
  EXPECT_THAT(refusal("one-of(mixup | flip)"), HasSubstr("done to batches"));
  EXPECT_THAT(refusal("autoaugment svhn"), HasSubstr("no policy 'svhn'"));
  EXPECT_THAT(refusal("randaugment 2 40"), HasSubstr("magnitude must be 0 to 30"));
  EXPECT_THAT(refusal("erase fill red"), HasSubstr("random, grey or black"));
  std::string deep = "flip";
  for (int i = 0; i < 20; ++i) deep = "one-of(" + deep + ")";
  EXPECT_THAT(refusal(deep), HasSubstr("deeper than 8"));
  EXPECT_THAT(refusal(std::string(70'000, ' ')), HasSubstr("more than 65536"));
}

TEST(Augmentation, AnEmptyTextChangesNothing) {
  const Image image = gradient(5, 5, 3);
  for (const char* text : {"", "  ", "mixup 0.2"}) {
    const Augmentation augmentation(text);
    EXPECT_FALSE(augmentation.changes_pictures());
    EXPECT_EQ(augmentation.text(), text);
    Image same = image;
    augmentation.apply(same, Random(1));
    EXPECT_EQ(same, image);
  }
}

TEST(Augmentation, KnowsHowLargePicturesNeedToBe) {
  EXPECT_EQ(Augmentation("resized-crop 32, flip").enough(), 64);
  EXPECT_EQ(Augmentation("resize 20..40, crop 16").enough(), 80);
  EXPECT_EQ(Augmentation("crop 32, resized-crop 16").enough(), 0);  // cuts pixels, of which there must be as many
  EXPECT_EQ(Augmentation("flip").enough(), 0);
}

// Every step there is, each on a picture it can be applied to.
const std::vector<std::string> every_step = {
    "flip",
    "flip-vertical 1",
    "pad 4 reflect, crop 20x24",
    "center-crop 18",
    "resize 12..30 bicubic",
    "resized-crop 16 area 0.2..0.5",
    "rotate 30",
    "rotate +-45 nearest",
    "affine degrees 10 translate 0.1 scale 0.8..1.2 shear 8",
    "shear-x 0.3",
    "shear-y +-0.2",
    "translate-x 0.3",
    "translate-y 0.3",
    "perspective 0.4 1",
    "elastic 20 3",
    "jitter 0.4 0.4 0.4 0.1",
    "jitter hue 0.5",
    "brightness 0.5",
    "contrast 1+-0.5",
    "saturation 0.5",
    "sharpness 0.9",
    "hue 0.2",
    "grey 1",
    "posterize 1..4",
    "solarize 50..200",
    "autocontrast",
    "equalize",
    "invert p 0.5",
    "identity",
    "blur 0.5..1.5",
    "noise 0.1",
    "erase 1",
    "erase 1 fill grey",
    "randaugment",
    "randaugment 3 20",
    "autoaugment cifar-10",
    "autoaugment imagenet",
    "one-of(rotate 20, flip | blur | one-of(invert | grey 1)) p 0.8",
};

class EveryStep : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryStep, IsAFunctionOfPictureAndStream) {
  const Augmentation augmentation(GetParam());
  for (const int channels : {1, 3}) {
    std::set<std::string> seen;
    for (uint64_t stream = 0; stream < 12; ++stream) {
      Image once = gradient(24, 28, channels);
      Image twice = once;
      augmentation.apply(once, Random(3, stream));
      augmentation.apply(twice, Random(3, stream));
      EXPECT_EQ(once, twice);
      EXPECT_EQ(once.channels, channels);
      EXPECT_EQ(once.pixels.size(), static_cast<size_t>(once.height * once.width * channels));
      seen.emplace(once.pixels.begin(), once.pixels.end());
    }
    const bool draws = GetParam() != "identity" && GetParam() != "autocontrast" && GetParam() != "equalize" &&
                       GetParam() != "flip-vertical 1" && GetParam() != "center-crop 18" && GetParam() != "grey 1";
    const bool colour_only = channels == 1 && (GetParam().starts_with("saturation") || GetParam().starts_with("hue") ||
                                               GetParam() == "jitter hue 0.5");
    EXPECT_EQ(seen.size() > 1, draws && !colour_only) << channels;
  }
}

INSTANTIATE_TEST_SUITE_P(Augmentation, EveryStep, ::testing::ValuesIn(every_step));

TEST(Augmentation, PadCropFlipGivesEveryPlaceAndBothSidesEvenly) {
  const Augmentation augmentation("pad 1, crop 4, flip");
  const Image image = gradient(4, 4, 1);
  std::map<std::string, int> seen;
  for (uint64_t i = 0; i < 3600; ++i) {
    Image changed = image;
    augmentation.apply(changed, Random(5, i));
    EXPECT_EQ(changed.height, 4);
    ++seen[std::string(changed.pixels.begin(), changed.pixels.end())];
  }
  EXPECT_EQ(seen.size(), 18U);  // 3 x 3 places, two sides
  for (const auto& [pixels, count] : seen) EXPECT_NEAR(count, 200, 60);
}

TEST(Augmentation, AlternatingFlipMirrorsEveryPictureInEverySecondEpoch) {
  const Image image = gradient(4, 4, 1);
  const auto dataset = make_dataset(std::vector<Image>(400, image), std::vector<int64_t>(400), {"all"});
  const auto epoch = [&](uint64_t number) { return augmented(dataset, Augmentation("alternating-flip"), 7, number); };
  int mirrored = 0;
  for (int64_t i = 0; i < 400; ++i) {
    Image first, second, third;
    epoch(0)->read(i, first);
    epoch(1)->read(i, second);
    epoch(2)->read(i, third);
    EXPECT_NE(first, second);
    EXPECT_EQ(first, third);
    flip_horizontal(second);
    EXPECT_EQ(first, second);
    mirrored += first == image ? 0 : 1;
  }
  EXPECT_NEAR(mirrored, 200, 50);
}

TEST(Augmentation, NamesTheStepThatCannotBeDone) {
  Image image = gradient(20, 20, 3);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { Augmentation("flip, crop 32").apply(image, Random(1)); }),
              HasSubstr("augmentation: 'crop': cannot cut 32x32"));
}

TEST(Augmentation, ResizedCropKeepsToItsAreaAndRatio) {
  // A picture of its own coordinates tells what was cut out.
  Image image{100, 100, 3, {}};
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 100; ++x) {
      for (const int value : {y, x, 0}) image.pixels.push_back(static_cast<uint8_t>(2 * value));
    }
  }
  const Augmentation augmentation("resized-crop 32 area 0.2..0.4 filter nearest");
  for (uint64_t i = 0; i < 50; ++i) {
    Image part = image;
    augmentation.apply(part, Random(9, i));
    const auto last = part.pixels.size() - 3;
    const double height = (part.pixels[last] - part.pixels[0]) / 2.0 * 32 / 31;
    const double width = (part.pixels[last + 1] - part.pixels[1]) / 2.0 * 32 / 31;
    EXPECT_GT(height * width, 2000 * 0.9);
    EXPECT_LT(height * width, 4000 * 1.1);
    EXPECT_GT(width / height, 0.75 * 0.93);
    EXPECT_LT(width / height, 4.0 / 3 * 1.07);
  }
}

TEST(Augmentation, NoiseHasItsDeviationAndElasticItsReach) {
  Image grey{60, 60, 3, std::vector<uint8_t>(60 * 60 * 3, 128)};
  Augmentation("noise 0.1").apply(grey, Random(2));
  double sum = 0, squares = 0;
  for (const uint8_t value : grey.pixels) {
    sum += value - 128;
    squares += (value - 128) * (value - 128);
  }
  const auto count = static_cast<double>(grey.pixels.size());
  EXPECT_NEAR(sum / count, 0, 1);
  EXPECT_NEAR(std::sqrt(squares / count), 25.5, 0.7);

  Image still = gradient(28, 28, 1);
  Augmentation("elastic 0 4").apply(still, Random(2));
  EXPECT_EQ(still, gradient(28, 28, 1));
}

// ---- Data sets -----------------------------------------------------------------------------------------------------

std::shared_ptr<const Dataset> small_set(int64_t count, int height = 8, int width = 8) {
  std::vector<Image> images;
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < count; ++i) {
    images.push_back(gradient(height, width, 3));
    for (uint8_t& sample : images.back().pixels) sample = static_cast<uint8_t>(sample + 31 * i);
    labels.push_back(i % 3);
  }
  return make_dataset(std::move(images), std::move(labels), {"a", "b", "c"});
}

std::vector<float> all_values(const std::shared_ptr<const Dataset>& dataset, int workers,
                              const std::vector<int64_t>& order, int64_t first_batch = 0) {
  const Preprocessing plain{.height = 8, .width = 8, .channels = 3, .padding = 0, .mean = {0, 0, 0}, .std = {1, 1, 1}};
  Loader loader(dataset, plain, order, {.batch_size = 4, .workers = workers, .first_batch = first_batch});
  std::vector<float> values;
  while (const Batch* batch = loader.next()) {
    values.insert(values.end(), batch->images.values().begin(), batch->images.values().end());
  }
  return values;
}

TEST(Augmented, DoesNotDependOnWorkersOrOrderOfReading) {
  const Augmentation augmentation("pad 2, crop 8, flip, jitter 0.4 0.4 0.4 0.1, rotate 20, elastic 5 2, noise 0.02");
  std::vector<int64_t> order(30);
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto view = [&](uint64_t seed, uint64_t epoch) { return augmented(small_set(30), augmentation, seed, epoch); };
  const auto expected = all_values(view(1, 2), 0, order);
  for (const int workers : {1, 4}) EXPECT_EQ(all_values(view(1, 2), workers, order), expected);
  EXPECT_NE(all_values(view(1, 3), 1, order), expected);
  EXPECT_NE(all_values(view(2, 2), 1, order), expected);
  const auto rest = all_values(view(1, 2), 2, order, 3);  // resumed within the epoch
  EXPECT_TRUE(std::equal(rest.begin(), rest.end(), expected.begin() + 3 * 4 * 192));
}

TEST(Augmented, IsTheDataSetInEverythingElse) {
  const auto whole = small_set(5);
  const auto view = augmented(whole, Augmentation("flip"), 1, 0);
  EXPECT_EQ(view->size(), 5);
  EXPECT_EQ(view->label(4), 1);
  EXPECT_EQ(view->class_names(), whole->class_names());
  EXPECT_EQ(view->picture_shape(), (PictureShape{0, 0, 3}));
  EXPECT_EQ(view->item_name(2), whole->item_name(2));
}

// ---- Mixing --------------------------------------------------------------------------------------------------------

// Picture i has the value i + 1 everywhere and the class i % 3.
Batch numbered_batch(int64_t rows, int64_t count) {
  Batch batch{Tensor(Shape{rows, 6, 6, 1}), Tensor(Shape{rows}), count};
  for (int64_t i = 0; i < count; ++i) {
    std::fill_n(batch.images.data() + i * 36, 36, static_cast<float>(i + 1));
    batch.labels[i] = static_cast<float>(i % 3);
  }
  return batch;
}

struct Mixed {
  std::vector<float> images, targets;
};

Mixed mix(const Batch& batch, const std::string& text, uint64_t stream, const std::vector<float>& weights = {}) {
  Mixed mixed{std::vector<float>(batch.images.values().size()), std::vector<float>(batch.labels.values().size() * 3)};
  mix_batch(batch, Augmentation(text).mixing(), weights, Random(4, stream), mixed.images, mixed.targets);
  return mixed;
}

TEST(Mixing, MixupBlendsNeighboursAndTheirClasses) {
  const Batch batch = numbered_batch(5, 5);
  std::vector<double> shares;
  for (uint64_t stream = 0; stream < 400; ++stream) {
    const Mixed mixed = mix(batch, "mixup 0.4", stream);
    const double share = mixed.targets[0];
    shares.push_back(share);
    ASSERT_GE(share, 0.5);
    for (size_t i = 0; i < 5; ++i) {
      const size_t partner = (i + 1) % 5;
      const double expected = share * static_cast<double>(i + 1) + (1 - share) * static_cast<double>(partner + 1);
      for (size_t k = 0; k < 36; ++k) ASSERT_NEAR(mixed.images[i * 36 + k], expected, 1e-5);
      std::vector<double> targets(3);
      targets[i % 3] += share;
      targets[partner % 3] += 1 - share;
      for (size_t k = 0; k < 3; ++k) ASSERT_NEAR(mixed.targets[i * 3 + k], targets[k], 1e-6);
    }
  }
  // The variance of Beta(a, a) is 1 / (4 (2 a + 1)), and folding at 1/2 leaves distances from 1/2 as they are.
  double variance = 0;
  for (const double share : shares) variance += (share - 0.5) * (share - 0.5) / 400;
  EXPECT_NEAR(variance, 1 / (4 * 1.8), 0.012);
}

TEST(Mixing, CutmixPastesARectangleAndCountsItsArea) {
  const Batch batch = numbered_batch(4, 4);
  std::set<int> areas;
  for (uint64_t stream = 0; stream < 100; ++stream) {
    const Mixed mixed = mix(batch, "cutmix", stream);
    const auto pasted = std::count(mixed.images.begin(), mixed.images.begin() + 36, 2.0F);
    ASSERT_EQ(pasted + std::count(mixed.images.begin(), mixed.images.begin() + 36, 1.0F), 36);
    ASSERT_NEAR(mixed.targets[1], static_cast<double>(pasted) / 36, 1e-6);
    ASSERT_NEAR(mixed.targets[0] + mixed.targets[1], 1, 1e-6);
    areas.insert(static_cast<int>(pasted));
  }
  EXPECT_GT(areas.size(), 5U);
}

TEST(Mixing, LeavesBatchesAloneByItsProbabilityAndWeighsClasses) {
  const Batch batch = numbered_batch(4, 3);  // the last row is empty
  int left_alone = 0;
  for (uint64_t stream = 0; stream < 200; ++stream) {
    left_alone += static_cast<int>(mix(batch, "mixup 1 p 0.5", stream).targets[0] == 1);
  }
  EXPECT_NEAR(left_alone, 100, 30);
  const Mixed plain = mix(batch, "", 0, {2, 1, 0.5F});
  EXPECT_THAT(plain.targets, ::testing::ElementsAre(2, 0, 0, 0, 1, 0, 0, 0, 0.5F, 0, 0, 0));
  EXPECT_TRUE(std::equal(plain.images.begin(), plain.images.end(), batch.images.values().begin()));
  std::vector<float> images(3), targets(3);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { mix_batch(batch, {}, {}, Random(1), images, targets); }),
              HasSubstr("do not fit a batch of 4"));
}

}  // namespace
}  // namespace fovea
