#include "fovea/data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <numeric>
#include <set>

#include "core/text.h"
#include "data/idx.h"
#include "pictures.h"
#include "test_files.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// ---- Making files --------------------------------------------------------------------------------------------------

std::string big_endian(uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
  return text;
}

std::string idx(const std::vector<uint32_t>& dims, const std::string& elements) {
  std::string text = {0, 0, 8, static_cast<char>(dims.size())};
  for (const uint32_t dim : dims) text += big_endian(dim);
  return text + elements;
}

std::string counting(size_t size) {
  std::string text(size, '\0');
  std::iota(text.begin(), text.end(), '\0');
  return text;
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(text.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

const std::string three_pictures = idx({3, 2, 4}, counting(24));
const std::string three_labels = idx({3}, {1, 0, 2});

void put_picture(const fs::path& path, const Image& image = plain(3, 4, 3, 100)) {
  fs::create_directories(path.parent_path());
  write_png(path, image);
}

void put_text(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  write_text(path, text);
}

std::vector<uint8_t> pixels(const Dataset& dataset, int64_t item) {
  Image image;
  dataset.read(item, image);
  return image.pixels;
}

// ---- IDX -----------------------------------------------------------------------------------------------------------

class Idx : public ::testing::Test {
 protected:
  std::shared_ptr<const Dataset> open(const std::string& images, const std::string& labels,
                                      std::vector<std::string> names = {}) {
    write_text(folder_ / "images", images);
    write_text(folder_ / "labels", labels);
    return open_idx(folder_ / "images", folder_ / "labels", std::move(names));
  }
  std::string refusal(const std::string& images, const std::string& labels, std::vector<std::string> names = {}) {
    return error_of(ErrorKind::data, [&] { open(images, labels, names); });
  }

  TempFolder folder_;
};

TEST_F(Idx, ReadsRawAndGzip) {
  for (const bool zipped : {false, true}) {
    const auto dataset = zipped ? open(gzip(three_pictures), gzip(three_labels)) : open(three_pictures, three_labels);
    EXPECT_EQ(dataset->size(), 3);
    EXPECT_EQ(dataset->picture_shape(), (PictureShape{2, 4, 1}));
    EXPECT_THAT(dataset->class_names(), ElementsAre("0", "1", "2"));
    EXPECT_EQ(dataset->label(0), 1);
    EXPECT_EQ(dataset->label(2), 2);
    EXPECT_THAT(pixels(*dataset, 1), ElementsAre(8, 9, 10, 11, 12, 13, 14, 15));
    EXPECT_THAT(dataset->describe(), HasSubstr("3 pictures of 2x4x1 in 3 classes from " + folder_.path().string()));
    EXPECT_THAT(dataset->item_name(1), HasSubstr("item 1 of "));
  }
}

TEST_F(Idx, ReadsColourAndGzipOfSeveralMembers) {
  const auto colour = open(idx({2, 1, 2, 3}, counting(12)), idx({2}, {0, 1}), {"a", "b"});
  EXPECT_EQ(colour->picture_shape(), (PictureShape{1, 2, 3}));
  EXPECT_THAT(pixels(*colour, 1), ElementsAre(6, 7, 8, 9, 10, 11));
  const auto members = open(gzip(three_pictures.substr(0, 9)) + gzip(three_pictures.substr(9)), three_labels);
  EXPECT_EQ(pixels(*members, 2).back(), 23);
}

TEST_F(Idx, RefusesWrongMagicAndTypes) {
  EXPECT_THAT(refusal("PK\3\4 and so on", three_labels),
              AllOf(HasSubstr("images is not an IDX file"), HasSubstr("0x504b0304")));
  std::string floats = three_pictures;
  floats[2] = 0x0D;
  EXPECT_THAT(refusal(floats, three_labels), HasSubstr("type 0x0d; only unsigned bytes"));
  EXPECT_THAT(refusal(idx({24}, counting(24)), three_labels), HasSubstr("has shape 24; pictures are {N, H, W}"));
  EXPECT_THAT(refusal(idx({3, 2, 2, 2}, counting(24)), three_labels), HasSubstr("1 or 3 channels"));
  EXPECT_THAT(refusal(three_pictures, three_pictures), HasSubstr("labels has shape 3x2x4; labels have one dimension"));
  EXPECT_THAT(refusal(idx({1, 1, 70000}, std::string(70000, 'x')), idx({1}, {0})), HasSubstr("1x70000 pixels"));
}

TEST_F(Idx, RefusesFilesThatAreTooShortOrTooLong) {
  for (size_t size = 0; size < three_pictures.size(); ++size) {
    ASSERT_THAT(refusal(three_pictures.substr(0, size), three_labels), HasSubstr("images is cut short"));
  }
  EXPECT_THAT(refusal(three_pictures.substr(0, 30), three_labels),
              HasSubstr("after 14 bytes: its header promises 24 bytes of 3x2x4"));
  EXPECT_THAT(refusal(three_pictures + "x", three_labels), HasSubstr("images is too long, 25 bytes"));
  EXPECT_THAT(refusal(gzip(three_pictures + "x"), three_labels), HasSubstr("images is too long"));
  EXPECT_THAT(refusal(gzip(three_pictures.substr(0, 20)), three_labels),
              HasSubstr("images is cut short after 4 bytes"));
  EXPECT_THAT(refusal(three_pictures, three_labels + "x"), HasSubstr("labels is too long"));
}

TEST_F(Idx, RefusesHeadersThatPromiseTheMoonWithoutTakingMemory) {
  const std::string moon = idx({0x7FFFFFFF, 60000, 60000}, "x");
  EXPECT_THAT(refusal(moon, three_labels), HasSubstr("cut short after 1 bytes"));
  EXPECT_THAT(refusal(gzip(moon), three_labels), HasSubstr("is too short"));
  EXPECT_THAT(refusal(gzip(idx({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "x")), three_labels),
              HasSubstr("too short"));
}

TEST_F(Idx, RefusesCorruptGzip) {
  const std::string good = gzip(three_pictures);
  for (size_t size = 2; size < good.size(); ++size) {
    ASSERT_THAT(refusal(good.substr(0, size), three_labels),
                HasSubstr("images is corrupt: the gzip data are cut short"));
  }
  std::string damaged = good;
  damaged[good.size() - 6] ^= 0x55;  // in the check sum
  EXPECT_THAT(refusal(damaged, three_labels), HasSubstr("images is corrupt: incorrect data check"));
  EXPECT_THAT(refusal(good + "tail", three_labels), HasSubstr("images is corrupt: incorrect header check"));
}

TEST_F(Idx, RefusesWhatDoesNotFitTogether) {
  EXPECT_THAT(refusal(three_pictures, idx({2}, {0, 1})), HasSubstr("labels has 2 labels for the 3 pictures of "));
  EXPECT_THAT(refusal(idx({0, 2, 4}, ""), idx({0}, "")), HasSubstr("images has no items: its shape is 0x2x4"));
  EXPECT_THAT(refusal(three_pictures, three_labels, {"a", "b"}),
              HasSubstr("labels: the label of item 2 is 2, out of range for 2 classes"));
  EXPECT_THAT(error_of(ErrorKind::data, [&] { open_idx(folder_ / "none", folder_ / "labels"); }), HasSubstr("none"));
}

// ---- CIFAR ---------------------------------------------------------------------------------------------------------

std::string cifar_record(const std::string& labels, uint8_t red, uint8_t green, uint8_t blue) {
  return labels + std::string(1024, static_cast<char>(red)) + std::string(1024, static_cast<char>(green)) +
         std::string(1024, static_cast<char>(blue));
}

TEST(Cifar, ReadsPlanesAsPixels) {
  const TempFolder folder;
  write_text(folder / "a.bin", cifar_record({3}, 1, 2, 3) + cifar_record({9}, 4, 5, 6));
  write_text(folder / "b.bin", cifar_record({0}, 7, 8, 9));
  const auto dataset = open_cifar({folder / "a.bin", folder / "b.bin"}, 10);
  EXPECT_EQ(dataset->size(), 3);
  EXPECT_EQ(dataset->picture_shape(), (PictureShape{32, 32, 3}));
  EXPECT_EQ(dataset->class_names()[static_cast<size_t>(dataset->label(0))], "cat");
  const auto last = pixels(*dataset, 2);
  for (size_t i = 0; i < last.size(); ++i) ASSERT_EQ(last[i], 7 + i % 3);
}

TEST(Cifar, HundredUsesTheFineLabelAndTheNamesBeside) {
  const TempFolder folder;
  write_text(folder / "train.bin", cifar_record({19, 99}, 1, 2, 3));
  EXPECT_EQ(open_cifar({folder / "train.bin"}, 100)->class_names()[99], "99");
  std::string names;
  for (int i = 0; i < 100; ++i) names += "kind" + std::to_string(i) + "\n";
  write_text(folder / "fine_label_names.txt", names);
  const auto dataset = open_cifar({folder / "train.bin"}, 100);
  EXPECT_EQ(dataset->label(0), 99);
  EXPECT_EQ(dataset->class_names()[99], "kind99");
}

TEST(Cifar, RefusesOddSizesAndLabels) {
  const TempFolder folder;
  write_text(folder / "odd.bin", cifar_record({3}, 1, 2, 3) + "x");
  write_text(folder / "empty.bin", "");
  write_text(folder / "label.bin", cifar_record({3}, 1, 2, 3) + cifar_record({10}, 1, 2, 3));
  const auto refusal = [&](const char* name) {
    return error_of(ErrorKind::data, [&] { open_cifar({folder / name}, 10); });
  };
  EXPECT_THAT(refusal("odd.bin"),
              HasSubstr("odd.bin is not a CIFAR-10 file: it has 3074 bytes, expected a multiple of 3073"));
  EXPECT_THAT(refusal("empty.bin"), HasSubstr("it has 0 bytes"));
  EXPECT_THAT(refusal("label.bin"), HasSubstr("label.bin: the label of item 1 is 10, out of range for 10 classes"));
  EXPECT_THAT(refusal("none.bin"), HasSubstr("none.bin"));
  EXPECT_THAT(error_of(ErrorKind::usage, [] { open_cifar({}, 10); }), HasSubstr("no CIFAR-10 file"));
  EXPECT_THAT(error_of(ErrorKind::usage, [] { open_cifar({"a"}, 20); }), HasSubstr("asked for 20"));
}

// ---- Folders of classes --------------------------------------------------------------------------------------------

TEST(Folder, ListsClassesAndPicturesInOrder) {
  const TempFolder folder;
  put_picture(folder / "dog/b.PNG", plain(3, 4, 3, 2));
  put_picture(folder / "dog/a.png", plain(3, 4, 1, 1));
  put_picture(folder / "cat/x.jpeg", plain(3, 4, 3, 3));  // a PNG under another name: the first bytes decide
  put_text(folder / "dog/notes.txt", "no picture");
  put_text(folder / "dog/.hidden.png", "no picture");
  put_text(folder / ".git/a.png", "no class");
  put_text(folder / "README", "no class");
  const auto dataset = open_folder(folder.path());
  EXPECT_THAT(dataset->class_names(), ElementsAre("cat", "dog"));
  ASSERT_EQ(dataset->size(), 3);
  EXPECT_THAT(dataset->item_name(1), HasSubstr("dog/a.png"));
  EXPECT_THAT(dataset->item_name(2), HasSubstr("dog/b.PNG"));
  EXPECT_EQ(dataset->label(0), 0);
  EXPECT_EQ(dataset->label(2), 1);
  EXPECT_EQ(pixels(*dataset, 2), plain(3, 4, 3, 2).pixels);
  EXPECT_EQ(dataset->picture_shape(), (PictureShape{3, 4, 3}));
  EXPECT_TRUE(dataset->warnings().empty());
  put_picture(folder / "dog/wide.png", plain(3, 5, 3, 2));
  EXPECT_EQ(open_folder(folder.path())->picture_shape(), (PictureShape{3, 0, 3}));
  EXPECT_THAT(open_folder(folder.path())->describe(),
              AllOf(HasSubstr("4 pictures in 2 classes"), Not(HasSubstr("0x"))));
}

TEST(Folder, ASinglePictureIsADataSet) {
  const TempFolder folder;
  put_picture(folder / "only/a.png");
  EXPECT_EQ(open_folder(folder.path())->size(), 1);
}

TEST(Folder, RefusesOrSkipsBadPictures) {
  const TempFolder folder;
  put_picture(folder / "cat/good.png");
  put_picture(folder / "dog/good.png");
  put_text(folder / "cat/bad.png", "this is text");
  EXPECT_THAT(error_of(ErrorKind::data, [&] { open_folder(folder.path()); }),
              AllOf(HasSubstr("cat/bad.png is not a usable picture: it is no"), Not(HasSubstr("more bad"))));
  put_text(folder / "dog/cut.png", read_text(folder / "dog/good.png").substr(0, 50));
  EXPECT_THAT(error_of(ErrorKind::data, [&] { open_folder(folder.path()); }),
              AllOf(HasSubstr("cat/bad.png"), HasSubstr("(and 1 more bad pictures in ")));
  const auto dataset = open_folder(folder.path(), BadPictures::skip);
  EXPECT_EQ(dataset->size(), 2);
  EXPECT_THAT(dataset->warnings(), ElementsAre(AllOf(HasSubstr("skipped: "), HasSubstr("cat/bad.png")),
                                               AllOf(HasSubstr("skipped: "), HasSubstr("dog/cut.png"))));
  fs::remove(folder / "dog/good.png");
  EXPECT_THAT(error_of(ErrorKind::data, [&] { open_folder(folder.path(), BadPictures::skip); }),
              HasSubstr("dog has no picture that can be read"));
}

TEST(Folder, NamesWhatIsMissing) {
  const TempFolder folder;
  const auto refusal = [&](const fs::path& path) { return error_of(ErrorKind::data, [&] { open_folder(path); }); };
  EXPECT_THAT(refusal(folder / "none"), HasSubstr("none is not a folder"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("has no class folders"));
  put_picture(folder / "loose.png");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("has pictures but no class folders"));
  put_picture(folder / "cat/a.png");
  fs::create_directory(folder / "dog");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("dog is an empty class folder"));
  EXPECT_THAT(refusal(folder / "cat/a.png"), HasSubstr("a.png is not a folder"));
}

TEST(Folder, NamesThatAreNoUtf8BecomePrintable) {
  const TempFolder folder;
  put_picture(folder / "caf\xE9/\xFE.png");
  const auto dataset = open_folder(folder.path());
  EXPECT_THAT(dataset->class_names(), ElementsAre("caf\xEF\xBF\xBD"));
  EXPECT_THAT(dataset->item_name(0), HasSubstr("\xEF\xBF\xBD.png"));
  EXPECT_EQ(pixels(*dataset, 0).size(), 36U);
}

TEST(Text, PrintableKeepsUtf8AndReplacesTheRest) {
  for (const char* good : {"", "plain", "na\xC3\xAFve", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    EXPECT_EQ(printable(std::string_view(good)), good);
  }
  const std::string replaced = "\xEF\xBF\xBD";
  EXPECT_EQ(printable(std::string_view("a\nb\x7F\x1B")), "a?b??");
  EXPECT_EQ(printable(std::string_view("\xC0\xAF")), replaced + replaced);                 // overlong
  EXPECT_EQ(printable(std::string_view("\xED\xA0\x80")), replaced + replaced + replaced);  // a surrogate
  EXPECT_EQ(printable(std::string_view("\xE2\x82")), replaced + replaced);                 // cut short
}

// ---- In memory -----------------------------------------------------------------------------------------------------

TEST(Dataset, InMemoryAndSubsets) {
  const auto whole = make_dataset({plain(2, 2, 1, 10), plain(2, 2, 1, 20), plain(2, 2, 1, 30)}, {0, 1, 0}, {"a", "b"});
  EXPECT_EQ(whole->picture_shape(), (PictureShape{2, 2, 1}));
  const auto part = subset(whole, {2, 1});
  EXPECT_EQ(part->size(), 2);
  EXPECT_EQ(pixels(*part, 0)[0], 30);
  EXPECT_EQ(part->label(1), 1);
  EXPECT_EQ(part->item_name(0), whole->item_name(2));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { subset(whole, {3}); }), HasSubstr("item 3 is out of range"));
  EXPECT_THAT(error_of(ErrorKind::usage, [] { make_dataset({plain(1, 1, 1, 0)}, {}, {"a"}); }),
              HasSubstr("1 images and 0"));
  EXPECT_THAT(error_of(ErrorKind::usage, [] { make_dataset({plain(1, 1, 1, 0)}, {1}, {"a"}); }),
              HasSubstr("label 1 of item 0"));
  EXPECT_THAT(error_of(ErrorKind::usage, [] { make_dataset({Image{}}, {0}, {"a"}); }), HasSubstr("at least one pixel"));
}

// ---- By name or path -----------------------------------------------------------------------------------------------

void put_mnist(const fs::path& folder, const char* separator = "-", bool zipped = false) {
  for (const char* part : {"train", "t10k"}) {
    const auto put = [&](const std::string& name, const std::string& text) {
      put_text(folder / (part + name + (zipped ? ".gz" : "")), zipped ? gzip(text) : text);
    };
    put(std::string("-images") + separator + "idx3-ubyte", three_pictures);
    put(std::string("-labels") + separator + "idx1-ubyte", three_labels);
  }
}

TEST(OpenDataset, FindsMnistUnderEveryNamingOfItsFiles) {
  for (const char* separator : {"-", "."}) {
    for (const bool zipped : {false, true}) {
      const TempFolder folder;
      put_mnist(folder / "mnist", separator, zipped);
      for (const fs::path& data_dir : {folder.path(), folder / "mnist", folder / "mnist/"}) {
        const DataSplits splits = open_dataset("mnist", {.data_dir = data_dir});
        EXPECT_EQ(splits.train->class_names().size(), 10U);
        EXPECT_EQ(splits.test->size(), 3);
      }
      EXPECT_EQ(open_dataset((folder / "mnist").string()).train->class_names().size(), 3U);
      EXPECT_EQ(find_dataset("mnist", folder.path()), folder / "mnist");
    }
  }
}

TEST(OpenDataset, LooksWhereTheEnvironmentSays) {
  const TempFolder folder;
  put_mnist(folder / "mnist");
  ASSERT_EQ(setenv("FOVEA_DATA", folder.path().c_str(), 1), 0);
  EXPECT_EQ(open_dataset("mnist").train->size(), 3);
  ASSERT_EQ(unsetenv("FOVEA_DATA"), 0);
}

TEST(OpenDataset, DoesNotTakeMnistForFashionMnist) {
  const TempFolder folder;
  put_mnist(folder / "mnist");
  EXPECT_NE(find_dataset("fashion-mnist", folder / "mnist"), folder / "mnist");
  put_mnist(folder / "fashion-mnist");
  EXPECT_EQ(find_dataset("fashion-mnist", folder.path()), folder / "fashion-mnist");
  EXPECT_EQ(open_dataset("fashion-mnist", {.data_dir = folder.path()}).train->class_names().back(), "Ankle boot");
}

TEST(OpenDataset, FindsCifar) {
  const TempFolder folder;
  put_text(folder / "cifar-10-batches-bin/data_batch_1.bin", cifar_record({3}, 1, 2, 3));
  put_text(folder / "cifar-10-batches-bin/data_batch_2.bin", cifar_record({4}, 1, 2, 3));
  put_text(folder / "cifar-100-binary/train.bin", cifar_record({3, 30}, 1, 2, 3));
  put_text(folder / "cifar-100-binary/test.bin", cifar_record({3, 31}, 1, 2, 3));
  const DataSplits ten = open_dataset("cifar-10", {.data_dir = folder.path()});
  EXPECT_EQ(ten.train->size(), 2);
  EXPECT_EQ(ten.test, nullptr);
  EXPECT_EQ(open_dataset("cifar-100", {.data_dir = folder.path()}).test->label(0), 31);
  EXPECT_EQ(open_dataset((folder / "cifar-10-batches-bin").string()).train->label(1), 4);
}

TEST(OpenDataset, OpensClassFoldersWithAndWithoutSplits) {
  const TempFolder folder;
  put_picture(folder / "plain/a/1.png");
  EXPECT_EQ(open_dataset((folder / "plain").string()).test, nullptr);
  put_picture(folder / "plain/train/1.png");  // a class of that name
  EXPECT_THAT(open_dataset((folder / "plain").string()).train->class_names(), ElementsAre("a", "train"));
  for (const char* test : {"test", "val", "valid"}) {
    const fs::path split = folder / (std::string("split-") + test);
    put_picture(split / "train/a/1.png");
    put_picture(split / "train/b/1.png");
    put_picture(split / test / "a/1.png");
    EXPECT_THAT(open_dataset(split.string()).test->warnings(),
                ElementsAre(AllOf(HasSubstr("class b has no picture"), HasSubstr(test))));
    put_picture(split / test / "b/1.png");
    EXPECT_EQ(open_dataset(split.string()).test->size(), 2);
  }
  put_text(folder / "plain/a/bad.png", "text");
  EXPECT_EQ(open_dataset((folder / "plain").string(), {.data_dir = "", .on_bad_picture = BadPictures::skip})
                .train->warnings()
                .size(),
            1U);
}

TEST(OpenDataset, SaysWhatIsWrong) {
  const TempFolder folder;
  put_picture(folder / "a.png");
  EXPECT_THAT(error_of(ErrorKind::data, [&] { open_dataset((folder / "a.png").string()); }),
              HasSubstr("a.png is a single file, not a data set"));
  EXPECT_THAT(error_of(ErrorKind::data, [&] { open_dataset((folder / "none").string()); }),
              HasSubstr("there is no folder "));
  EXPECT_THAT(error_of(ErrorKind::usage, [] { open_dataset("cifar10"); }),
              HasSubstr("did you mean 'cifar-10'?; known are fashion-mnist, mnist, cifar-10, cifar-100"));
  EXPECT_THAT(error_of(ErrorKind::usage, [] { open_dataset("\xFF\nstrange"); }), HasSubstr("there is no data set"));
  EXPECT_THAT(error_of(ErrorKind::data, [&] { open_dataset("cifar-100", {.data_dir = folder.path()}); }),
              AllOf(HasSubstr("cifar-100 was not found in " + (folder / "cifar-100-binary").string()),
                    HasSubstr("--data-dir")));
  put_mnist(folder / "mnist");
  fs::remove(folder / "mnist/train-labels-idx1-ubyte");
  EXPECT_THAT(error_of(ErrorKind::data, [&] { open_dataset("mnist", {.data_dir = folder.path()}); }),
              HasSubstr("has no labels: train-labels-idx1-ubyte(.gz) is missing"));
}

TEST(OpenDataset, FashionMnistOfDebian) {
  const fs::path folder = "/usr/share/datasets/fashion-mnist";
  if (!exists(folder)) GTEST_SKIP() << "no " << folder << "; apt install dataset-fashion-mnist";
  const DataSplits splits = open_dataset(folder.string());
  EXPECT_EQ(splits.train->size(), 60000);
  EXPECT_EQ(splits.test->size(), 10000);
  EXPECT_EQ(splits.train->label(0), 9);  // an ankle boot, as its README shows
  const Statistics statistics = measure_statistics(*splits.train, 1, 60000);
  EXPECT_NEAR(statistics.mean[0], 0.2860, 0.0001);  // the figures everyone uses
  EXPECT_NEAR(statistics.std[0], 0.3530, 0.0001);
}

// ---- Splits and statistics -----------------------------------------------------------------------------------------

TEST(SplitIndices, PartitionsBySeed) {
  const auto [training, validation] = split_indices(100, 0.2, 7);
  EXPECT_EQ(validation.size(), 20U);
  std::set<int64_t> all(training.begin(), training.end());
  all.insert(validation.begin(), validation.end());
  EXPECT_EQ(all.size(), 100U);
  EXPECT_TRUE(std::is_sorted(validation.begin(), validation.end()));
  EXPECT_EQ(split_indices(100, 0.2, 7).second, validation);
  EXPECT_NE(split_indices(100, 0.2, 8).second, validation);
  EXPECT_TRUE(split_indices(5, 0, 1).second.empty());
}

TEST(SplitIndices, RefusesNonsense) {
  for (const double fraction : {-0.1, 1.0, std::nan("")}) {
    EXPECT_THAT(error_of(ErrorKind::usage, [&] { split_indices(10, fraction, 1); }),
                HasSubstr("at least 0 and below 1"));
  }
  EXPECT_THAT(error_of(ErrorKind::usage, [] { split_indices(10, 0.01, 1); }), HasSubstr("leaves 0 of 10"));
  EXPECT_THAT(error_of(ErrorKind::usage, [] { split_indices(1, 0.9, 1); }), HasSubstr("leaves 1 of 1"));
}

}  // namespace
}  // namespace fovea
