#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fovea/data.h"

// Labelled pictures in further forms; open_dataset() knows them all.
namespace fovea {

// A text file with a picture on each line: its path, a comma or a tab, its class; more columns are ignored, fields may
// be quoted as RFC 4180 says. A first line "file,label", "path,label", "image,label" or the like is a heading. Paths
// are relative to the list's folder, or to the folder beside it that has its name ("val.csv" and "val/"). Classes are
// names, in byte order; or, if all are whole numbers, the numbers 0 to the largest, named by the lines of classes.txt
// or synset_words.txt beside the list if there is one. With class_names, those of a training part, the classes must be
// among them. Throws Error(data) naming file and line when a line has no class or path, and as open_folder does for the
// pictures.
std::shared_ptr<const Dataset> open_list(const std::filesystem::path& list,
                                         BadPictures on_bad_picture = BadPictures::refuse,
                                         const std::vector<std::string>& class_names = {});

// Grey square pictures as text, the form of FER-2013: a heading with the columns "emotion" or "label", "pixels"
// (numbers 0 to 255 between spaces) and perhaps "Usage". Rows of usage "Training" are the training part and those of
// "PrivateTest" (without any: all others) the test part; without that column all are for training.
// Throws Error(data) naming file and line when a row lacks a column or the pictures differ in size.
DataSplits open_pixel_csv(const std::filesystem::path& file);

// Tiny ImageNet's layout: train/CLASS/images/, val/images/ with val/val_annotations.txt, words.txt for the names.
DataSplits open_tiny_imagenet(const std::filesystem::path& folder, BadPictures on_bad_picture = BadPictures::refuse);

// Writes a data set as one file of decoded pictures that open_packed maps into memory: safetensors with
// "train.pictures" {N, height, width, channels} and "train.labels" {N}, the same for "test", the class names in the
// metadata. With side > 0 pictures are resized to have that shorter side, then cut to squares; with 0 they must all
// have one size. Throws Error(usage) when they have not, Error(data) when a picture cannot be read or the file not be
// written.
void write_packed(const std::filesystem::path& file, const DataSplits& splits, int side = 0);
// Throws Error(format) or Error(data) when the file is not one of write_packed.
DataSplits open_packed(const std::filesystem::path& path);

}  // namespace fovea
