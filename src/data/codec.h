#pragma once

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "fovea/data.h"
#include "fovea/image.h"

// What decode_image and the two picture libraries' wrappers share.
namespace fovea {

// Throws Error(data) with "<name> is not a usable picture: <reason>".
[[noreturn]] void refuse_picture(std::string_view name, std::string_view reason);
// Refuses pictures that are empty or too big, before memory is taken for them.
void check_picture_size(std::string_view name, uint64_t height, uint64_t width);

// Extents of a picture file and its channels as read_image gives them, all of it decoded, yet as cheaply as it can be.
// Throws as read_image does.
PictureShape examine_picture(const std::filesystem::path& path);
// Extents of the whole picture, upright, from the header alone: {height, width}.
std::array<int, 2> jpeg_extents(std::span<const uint8_t> bytes, std::string_view name);

// `enough`: see read_image.
Image decode_jpeg(std::span<const uint8_t> bytes, std::string_view name, int enough);
Image decode_png(std::span<const uint8_t> bytes, std::string_view name);
Image decode_webp(std::span<const uint8_t> bytes, std::string_view name);
Image decode_bmp(std::span<const uint8_t> bytes, std::string_view name);
Image decode_pnm(std::span<const uint8_t> bytes, std::string_view name);

// The orientation that EXIF data (a TIFF header and its first directory) tell, 1 (upright) to 8; 1 when they tell none
// or make no sense.
int exif_orientation(std::span<const uint8_t> tiff);
// Turns and mirrors a picture stored in this orientation upright.
void orient(Image& image, int orientation);

// What write_png writes; `name` stands for the file in messages.
std::vector<std::byte> encode_png(const Image& image, std::string_view name);

// libjpeg and libpng, written in C, call back when something is wrong and expect that call not to return.
struct LibraryFailure {
  std::jmp_buf jump{};
  char reason[256] = "";
};

// Leaves the library and returns false from guarded.
[[noreturn]] inline void fail(LibraryFailure& failure, const char* reason) {
  std::strncpy(failure.reason, reason, sizeof(failure.reason) - 1);
  std::longjmp(failure.jump, 1);
}

// Runs body(); false if the library failed on the way. longjmp runs no destructors, so neither body nor the library
// functions' callbacks may hold anything that needs one, and objects of the caller must live outside the body.
template <class Body>
[[gnu::noinline]] bool guarded(LibraryFailure& failure, const Body& body) {
  if (setjmp(failure.jump) != 0) return false;
  body();
  return true;
}

}  // namespace fovea
