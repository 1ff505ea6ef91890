#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/dtype.h"

namespace fovea {

// A dataset of an HDF5 file: an array under a path, "group/group/name".
struct Hdf5Dataset {
  std::string path;
  DType dtype = DType::f32;
  std::vector<int64_t> extents;
  std::span<const std::byte> bytes;  // row-major, little-endian; empty for no elements
};

// The datasets of numbers in the layout that h5py and Keras write (superblock 0 or 1, groups as B-trees, contiguous or
// compact data; HDF5 File Format Specification 3.0). Everything is checked against the file before it is used; nothing
// is copied. Throws Error(format), opening with `source`, for a damaged file, newer layouts, chunked or compressed data
// and data in other files, which are named.
std::vector<Hdf5Dataset> read_hdf5(std::span<const std::byte> bytes, const std::string& source);

}  // namespace fovea
