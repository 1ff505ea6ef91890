#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/model.h"

// Small models: pruning, weight sharing and entropy coding, after Han, Mao & Dally 2016, Deep Compression. The first
// two act on the weights of convolutions and dense layers (parameters of more than one axis); biases and norms stay as
// they are. Each leaves a constraint that retraining keeps when it is FitOptions::constrain.
namespace fovea {

// Which weights are zero for good.
class Pruning {
 public:
  // The fraction `sparsity` of the weights of the whole network that have the smallest magnitude becomes zero; of
  // equals the first stay. Zeros stay zeros, so that a network can be pruned step by step. No layer loses more than 99
  // % of its weights. Throws Error(usage) unless 0 <= sparsity < 1.
  Pruning(Model& model, double sparsity);

  // Sets the weights that were pruned to zero again.
  void operator()(Model& model) const;

 private:
  std::vector<std::vector<bool>> pruned_;  // of each parameter; empty: none
};

// Which weights have one value in common.
class WeightSharing {
 public:
  // The weights of each parameter that are not zero go to `clusters` clusters by k-means in one dimension, the first
  // centroids spread evenly between the least and the greatest (section 3.1; so large weights, which are few and count
  // most, keep values of their own), and get their centroid's value. Zeros stay zeros. Throws Error(usage) unless
  // 1 <= clusters <= 255.
  WeightSharing(Model& model, int clusters);

  // After an update of single weights: gives every cluster the mean of its weights, which is a step of its centroid
  // along the mean of their gradients (section 3.2, trained quantisation).
  void operator()(Model& model) const;

 private:
  struct Shared {
    std::vector<uint8_t> cluster;  // of each weight; 255: it is zero
    int clusters = 0;
  };
  std::vector<Shared> shared_;  // of each parameter; empty: none
};

// Weights that pruning and sharing act on: all, and those that are not zero.
struct WeightCount {
  int64_t all = 0;
  int64_t nonzero = 0;
};
WeightCount count_weights(const Model& model);

// Writes a model as a file that load_model reads: a zstd frame (RFC 8878) around a safetensors file with a model's
// metadata and, for each parameter NAME, what takes least of
//   NAME                          the elements as F32
//   NAME:codebook, NAME:codes     where there are at most 256 values: these, F32, and for each element its place, U8
//   NAME:values, NAME:gaps        the elements that are not zero, as F32, and before each the number of zeros, U8; a
//   gap
//                                 of 255 stands for 255 zeros and no element. Zeros at the end are gaps, too.
//   NAME:codebook, NAME:codes, NAME:gaps   both
// with NAME:shape, I64, beside the last three. Values are kept to the bit, but that -0 becomes 0. zstd codes the
// streams by their entropy. Returns the size of the file in bytes. Throws as save_model does.
int64_t save_compressed(const Model& model, const std::filesystem::path& path);

// Whether a file begins as one that save_compressed wrote.
bool is_compressed_model(std::span<const std::byte> bytes);
// The model in such bytes; `source` stands for the file in messages. Throws Error(format) for anything that
// save_compressed would not have written; memory is taken only in proportion to what is there.
Model parse_compressed(std::span<const std::byte> bytes, const std::string& source);

}  // namespace fovea
