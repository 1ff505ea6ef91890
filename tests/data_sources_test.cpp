#include "fovea/data_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "data/csv.h"
#include "fovea/contact_sheet.h"
#include "fovea/data_report.h"
#include "fovea/image_ops.h"
#include "fovea/safetensors.h"
#include "pictures.h"
#include "test_files.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void put_picture(const fs::path& path, uint8_t value = 100, int height = 6, int width = 8) {
  fs::create_directories(path.parent_path());
  write_png(path, plain(height, width, 3, value));
}

void put_text(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  write_text(path, text);
}

int value_of(const Dataset& dataset, int64_t item) {
  Image image;
  dataset.read(item, image);
  return image.pixels[0];
}

template <class Body>
std::string refusal(Body&& body) {
  return error_of(ErrorKind::data, std::forward<Body>(body));
}

// ---- CSV -----------------------------------------------------------------------------------------------------------

std::vector<std::vector<std::string>> rows_of(std::string_view text) {
  CsvReader reader(text, "table");
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> fields;
  while (reader.next(fields)) rows.push_back(fields);
  return rows;
}

TEST(Csv, ReadsFieldsQuotedAndPlain) {
  EXPECT_THAT(rows_of("a, b ,c\r\n\n1\t2\n"), ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("1", "2")));
  EXPECT_THAT(rows_of("\"x, \"\"y\"\"\nz\" ,2"), ElementsAre(ElementsAre("x, \"y\"\nz", "2")));
  EXPECT_THAT(rows_of("a,\n,b"), ElementsAre(ElementsAre("a", ""), ElementsAre("", "b")));
  EXPECT_TRUE(rows_of("").empty());
  EXPECT_THAT(refusal([] { rows_of("a\n\"b"); }), HasSubstr("table, line 2: a quoted field does not end"));
  EXPECT_THAT(refusal([] { rows_of("\"b\"c"); }), HasSubstr("something follows"));
  for (const std::string field : {"plain", "a,b", "say \"x\"", " spaced ", "two\nlines", ""}) {
    EXPECT_THAT(rows_of(csv_quoted(field) + ",end"), ElementsAre(ElementsAre(field, "end")));
  }
}

// ---- Lists ---------------------------------------------------------------------------------------------------------

TEST(List, NamesPicturesAndClasses) {
  const TempFolder folder;
  put_picture(folder / "a.png", 10);
  put_picture(folder / "deep/b.png", 20);
  put_picture(folder / "all/c.png", 30);  // in the folder that has the list's name
  put_text(folder / "all.csv", "path,label\na.png,dog\ndeep/b.png,cat\nc.png,dog,more,columns\n");
  const auto dataset = open_dataset((folder / "all.csv").string()).train;
  EXPECT_THAT(dataset->class_names(), ElementsAre("cat", "dog"));
  ASSERT_EQ(dataset->size(), 3);
  EXPECT_EQ(dataset->label(0), 1);
  EXPECT_EQ(dataset->label(1), 0);
  EXPECT_EQ(value_of(*dataset, 2), 30);
  EXPECT_EQ(dataset->picture_shape(), (PictureShape{6, 8, 3}));
}

TEST(List, NumbersAreClassesNamedBesideIt) {
  const TempFolder folder;
  put_picture(folder / "a.png");
  put_text(folder / "list.txt", "a.png\t2\n");
  EXPECT_THAT(open_list(folder / "list.txt")->class_names(), ElementsAre("0", "1", "2"));
  put_text(folder / "classes.txt", "zero\none\ntwo\nthree\n");
  EXPECT_THAT(open_list(folder / "list.txt")->class_names(), ElementsAre("zero", "one", "two", "three"));
  EXPECT_EQ(open_list(folder / "list.txt")->label(0), 2);
  put_text(folder / "list.txt", "a.png,three\n");
  EXPECT_EQ(open_list(folder / "list.txt")->label(0), 3);
  EXPECT_EQ(open_list(folder / "list.txt", BadPictures::refuse, {"two", "three"})->label(0), 1);
  EXPECT_THAT(refusal([&] { open_list(folder / "list.txt", BadPictures::refuse, {"two"}); }),
              HasSubstr("list.txt, line 1: there is no class three"));
}

TEST(List, SaysWhatIsWrong) {
  const TempFolder folder;
  put_text(folder / "a.csv", "path,label\n");
  EXPECT_THAT(refusal([&] { open_list(folder / "a.csv"); }), HasSubstr("a.csv lists no pictures"));
  put_text(folder / "a.csv", "x.png\n");
  EXPECT_THAT(refusal([&] { open_list(folder / "a.csv"); }), HasSubstr("a.csv, line 1: a line holds the path"));
  put_text(folder / "a.csv", "x.png,dog\n");
  EXPECT_THAT(refusal([&] { open_list(folder / "a.csv"); }), HasSubstr("x.png"));
  put_picture(folder / "y.png");
  put_text(folder / "a.csv", "x.png,dog\ny.png,cat\n");
  EXPECT_THAT(open_list(folder / "a.csv", BadPictures::skip)->warnings(),
              ElementsAre(HasSubstr("x.png"), HasSubstr("class dog has no picture")));
}

// ---- Pixels as text ------------------------------------------------------------------------------------------------

TEST(PixelCsv, ReadsFer2013) {
  const TempFolder folder;
  put_text(folder / "fer.csv",
           "emotion,pixels,Usage\n3,1 2 3 4,Training\n0,5 6 7 8,PublicTest\n6,9 10 11 12,PrivateTest\n");
  const DataSplits splits = open_dataset((folder / "fer.csv").string());
  EXPECT_EQ(splits.train->size(), 1);
  EXPECT_EQ(splits.train->class_names()[static_cast<size_t>(splits.train->label(0))], "happy");
  EXPECT_EQ(splits.train->picture_shape(), (PictureShape{2, 2, 1}));
  EXPECT_EQ(splits.test->size(), 1);
  EXPECT_EQ(value_of(*splits.test, 0), 9);
  put_text(folder / "plain.csv", "label,pixels\n1,7\n0,8\n");
  EXPECT_EQ(open_pixel_csv(folder / "plain.csv").train->size(), 2);
  EXPECT_EQ(open_pixel_csv(folder / "plain.csv").test, nullptr);
}

TEST(PixelCsv, SaysWhatIsWrong) {
  const TempFolder folder;
  const auto refused = [&](const std::string& text) {
    put_text(folder / "x.csv", text);
    return refusal([&] { open_pixel_csv(folder / "x.csv"); });
  };
  EXPECT_THAT(refused(""), HasSubstr("the file is empty"));
  EXPECT_THAT(refused("a,pixels\n"), HasSubstr("must name the columns"));
  EXPECT_THAT(refused("label,pixels\n"), HasSubstr("no rows for training"));
  EXPECT_THAT(refused("label,pixels\n1\n"), HasSubstr("line 2: the row has fewer columns"));
  EXPECT_THAT(refused("label,pixels\n1,1 2 3\n"), HasSubstr("line 2: 3 pixels are not a square"));
  EXPECT_THAT(refused("label,pixels\n1,1\n1,1 2 3 4\n"), HasSubstr("line 3: 4 pixels are not a square picture of 1x1"));
  EXPECT_THAT(refused("label,pixels\n1,256\n"), HasSubstr("number of 0 to 255"));
  EXPECT_THAT(refused("label,pixels\n300,1\n"), HasSubstr("label must be a number of 0 to 255, got '300'"));
}

// ---- Tiny ImageNet -------------------------------------------------------------------------------------------------

TEST(TinyImageNet, ReadsItsLayout) {
  const TempFolder folder;
  put_picture(folder / "train/n02/images/n02_0.png", 20);
  put_picture(folder / "train/n01/images/n01_0.png", 10);
  put_picture(folder / "val/images/val_0.png", 30);
  put_picture(folder / "val/images/val_1.png", 40);
  put_text(folder / "val/val_annotations.txt", "val_0.png\tn02\t0\t0\t9\t9\nval_1.png\tn01\t0\t0\t9\t9\n");
  put_text(folder / "words.txt", "n01\tgoldfish, Carassius auratus\nn02\tvalley, vale\n");
  const DataSplits splits = open_dataset(folder.path().string());
  EXPECT_THAT(splits.train->class_names(), ElementsAre("n01 goldfish", "n02 valley"));
  EXPECT_EQ(splits.test->class_names(), splits.train->class_names());
  EXPECT_EQ(splits.test->label(0), 1);
  EXPECT_EQ(value_of(*splits.test, 1), 40);
  put_text(folder / "val/val_annotations.txt", "val_0.png\tn03\n");
  EXPECT_THAT(refusal([&] { open_dataset(folder.path().string()); }), HasSubstr("line 1: there is no class n03"));
}

// ---- Packed --------------------------------------------------------------------------------------------------------

TEST(Packed, ReadsBackWhatWasWritten) {
  const TempFolder folder;
  std::vector<Image> images = {gradient(5, 4, 1), plain(5, 4, 1, 9), plain(5, 4, 1, 7)};
  const auto train = make_dataset(images, {1, 0, 1}, {"a", "b"});
  const auto test = make_dataset({plain(5, 4, 1, 3)}, {1}, {"a", "b"});
  write_packed(folder / "x.safetensors", {train, test});
  const DataSplits packed = open_dataset((folder / "x.safetensors").string());
  EXPECT_EQ(packed.train->size(), 3);
  EXPECT_THAT(packed.train->class_names(), ElementsAre("a", "b"));
  EXPECT_EQ(packed.train->picture_shape(), (PictureShape{5, 4, 1}));
  Image image;
  packed.train->read(0, image);
  EXPECT_EQ(image, images[0]);
  EXPECT_EQ(packed.train->label(2), 1);
  EXPECT_EQ(value_of(*packed.test, 0), 3);
}

TEST(Packed, BringsPicturesToOneSizeAndColour) {
  const TempFolder folder;
  const auto mixed = make_dataset({gradient(12, 20, 3), gradient(30, 9, 1)}, {0, 0}, {"a"});
  EXPECT_THAT(error_of(ErrorKind::usage,
                       [&] {
                         write_packed(folder / "x.safetensors", {mixed, nullptr});
                       }),
              HasSubstr("differ in size"));
  write_packed(folder / "x.safetensors", {mixed, nullptr}, 8);
  const DataSplits packed = open_packed(folder / "x.safetensors");
  EXPECT_EQ(packed.train->picture_shape(), (PictureShape{8, 8, 3}));
  EXPECT_EQ(packed.test, nullptr);
  Image image, expected;
  packed.train->read(0, image);
  crop(resize(gradient(12, 20, 3), 8, 13), 0, 2, 8, 8, expected);
  EXPECT_EQ(image, expected);
}

TEST(Packed, RefusesOtherFiles) {
  const TempFolder folder;
  const auto refused = [&](const std::vector<SafetensorsEntry>& entries, const std::string& classes) {
    write_safetensors_entries(folder / "y.safetensors", entries, {{"fovea.classes", classes}});
    return error_of(ErrorKind::format, [&] { open_packed(folder / "y.safetensors"); });
  };
  const std::vector<int64_t> labels = {0, 1};
  const std::vector<std::byte> pixels(8);
  const auto label_bytes = std::as_bytes(std::span(labels));
  const SafetensorsEntry pictures{"train.pictures", DType::u8, Shape{2, 2, 2, 1}, pixels};
  const SafetensorsEntry good{"train.labels", DType::i64, Shape{2}, label_bytes};
  EXPECT_THAT(refused({good, pictures}, "[\"a\"]"), HasSubstr("label 1 is out of range for 1 classes"));
  EXPECT_THAT(refused({pictures}, "[\"a\"]"), HasSubstr("train.labels"));
  EXPECT_THAT(refused({good, {"train.pictures", DType::u8, Shape{2, 2, 1, 2}, pixels}}, "[\"a\", \"b\"]"),
              HasSubstr("does not hold packed pictures"));
  EXPECT_THAT(refused({good, pictures}, "{}"), HasSubstr("list is expected"));
  write_safetensors_entries(folder / "y.safetensors", {});
  EXPECT_THAT(error_of(ErrorKind::format, [&] { open_packed(folder / "y.safetensors"); }),
              HasSubstr("is no packed data set"));
}

// ---- Folders with trouble ------------------------------------------------------------------------------------------

TEST(Folder, TellsOfLinksThatLoopOrLeadNowhere) {
  const TempFolder folder;
  put_picture(folder / "cat/a.png");
  fs::create_directory_symlink(folder.path(), folder / "loop");
  EXPECT_THAT(refusal([&] { open_folder(folder.path()); }), HasSubstr("loop is a link to a folder that holds it"));
  fs::remove(folder / "loop");
  fs::create_directory_symlink(folder / "cat", folder / "cat/again");  // not followed
  EXPECT_EQ(open_folder(folder.path())->size(), 1);
  fs::create_symlink(folder / "nowhere", folder / "cat/lost.png");
  fs::create_symlink(folder / "cat/self.png", folder / "cat/self.png");
  EXPECT_THAT(refusal([&] { open_folder(folder.path()); }), AllOf(HasSubstr("lost.png"), HasSubstr("and 1 more")));
  EXPECT_EQ(open_folder(folder.path(), BadPictures::skip)->warnings().size(), 2U);
}

TEST(Folder, LabelsAValidationPartByTheTrainingPart) {
  const TempFolder folder;
  for (const char* name : {"train/a/1.png", "train/b/1.png", "train/c/1.png", "val/c/1.png"})
    put_picture(folder / name);
  fs::create_directories(folder / "val/a");
  const DataSplits splits = open_dataset(folder.path().string());
  EXPECT_EQ(splits.test->label(0), 2);
  EXPECT_THAT(splits.test->warnings(), ElementsAre(HasSubstr("2 classes (a, b) have no picture that can be read in ")));
  put_picture(folder / "val/d/1.png");
  EXPECT_THAT(refusal([&] { open_dataset(folder.path().string()); }),
              HasSubstr("val has the class d, which the training part lacks: a, b, c"));
}

TEST(Folder, ReplacesPicturesThatVanish) {
  const TempFolder folder;
  put_picture(folder / "cat/1.png", 10);
  put_picture(folder / "cat/2.png", 20);
  put_picture(folder / "dog/1.png", 30);
  const auto strict = open_folder(folder.path());
  const auto lenient = open_folder(folder.path(), BadPictures::skip);
  fs::remove(folder / "cat/1.png");
  put_text(folder / "dog/1.png", "");
  EXPECT_THAT(refusal([&] { value_of(*strict, 0); }), HasSubstr("cat/1.png"));
  EXPECT_EQ(value_of(*lenient, 0), 20);
  EXPECT_EQ(value_of(*lenient, 0), 20);
  EXPECT_THAT(lenient->warnings(), ElementsAre(AllOf(HasSubstr("replaced"), HasSubstr("cat/1.png"))));
  EXPECT_THAT(refusal([&] { value_of(*lenient, 2); }), HasSubstr("dog/1.png is not a usable picture: it is empty"));
}

// ---- Looking at data -----------------------------------------------------------------------------------------------

TEST(DataReport, CountsClassesSizesAndEqualPictures) {
  const auto train = make_dataset({plain(4, 6, 3, 51), plain(8, 6, 3, 51), plain(4, 6, 3, 51), plain(5, 5, 1, 0)},
                                  {0, 0, 1, 1}, {"a", "b", "c"});
  const auto test = make_dataset({plain(8, 6, 3, 51)}, {0}, {"a", "b", "c"});
  const DataReport report = report_data({train, test});
  ASSERT_EQ(report.parts.size(), 2U);
  const PartReport& part = report.parts[0];
  EXPECT_THAT(part.class_counts, ElementsAre(2, 2, 0));
  EXPECT_EQ(part.grey, 1);
  EXPECT_THAT(part.heights, ElementsAre(4, 5, 8));
  EXPECT_THAT(part.widths, ElementsAre(5, 6, 6));
  EXPECT_EQ(part.statistics.mean.size(), 3U);
  ASSERT_EQ(report.duplicates.size(), 2U);
  EXPECT_THAT(report.duplicates[0].items, ElementsAre("item 0", "item 2"));
  EXPECT_TRUE(report.duplicates[0].across_classes);
  EXPECT_FALSE(report.duplicates[0].across_parts);
  EXPECT_TRUE(report.duplicates[1].across_parts);
  EXPECT_FALSE(report.duplicates[1].across_classes);
  EXPECT_THAT(report.warnings, ElementsAre("class c has no picture in the train part",
                                           "2 classes (b, c) have no picture in the test part",
                                           "class a has a single picture in the test part"));
}

TEST(ContactSheet, FitsPicturesIntoSquares) {
  const std::vector<Image> pictures = {plain(2, 4, 3, 200), plain(30, 10, 1, 100), plain(1, 1, 3, 50)};
  const Image sheet = contact_sheet(pictures, 2, 20);
  EXPECT_EQ(sheet.height, 2 * 24 + 4);
  EXPECT_EQ(sheet.width, 2 * 24 + 4);
  const auto at = [&](int y, int x) { return sheet.pixels[static_cast<size_t>((y * sheet.width + x) * 3)]; };
  EXPECT_EQ(at(14, 5), 200);  // the wide picture fills its square's width,
  EXPECT_EQ(at(5, 14), 48);   // not its height
  EXPECT_EQ(at(5, 38), 100);  // the tall one the other way round
  EXPECT_EQ(at(38, 14), 50);
  EXPECT_EQ(at(38, 38), 48);
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { contact_sheet({}, 2, 20); }), HasSubstr("got 0, 2 and 20"));
  EXPECT_THAT(error_of(ErrorKind::usage, [&] { contact_sheet(pictures, 1, 60'000); }), HasSubstr("too big"));
}

}  // namespace
}  // namespace fovea
