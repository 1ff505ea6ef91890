#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fovea/graph.h"

// What a network consists of and what it costs, node by node, for one sample.
namespace fovea {

struct SummaryRow {
  std::string node;
  std::string op;          // the op's type; "input" for an input
  std::string options;     // those that are not the usual ones, in the words of the text form: "32 3x3 pad 1"
  Shape output;            // without the batch
  int64_t parameters = 0;  // trained
  int64_t multiply_adds = 0;
  ReceptiveField receptive_field;
  int64_t activation_bytes = 0;  // of the output
};

// Of a whole network, for one sample.
struct Totals {
  int64_t parameters = 0;            // trained
  int64_t untrained_parameters = 0;  // running statistics, weights on bytes
  int64_t parameter_bytes = 0;       // both
  int64_t multiply_adds = 0;
  int64_t layers = 0;  // nodes with parameters, as Keras counts its networks' depth: ResNet-50 has 107
  int64_t depth = 0;   // most convolutions and dense layers on a way through, as papers count: ResNet-50 has 50
};

// Takes time and memory for the nodes only, not for the parameters.
Totals total(const Graph& graph);

struct Summary : Totals {
  std::vector<SummaryRow> rows;  // in the graph's order
  int64_t activation_bytes = 0;  // all outputs together
  // What a session takes beside the parameters, reusing memory: the most that lives at once of activations and of the
  // kernels' scratch; in training also what backward reads and the gradients, those of the parameters included.
  int64_t inference_bytes = 0;
  int64_t training_bytes = 0;  // 0: one sample is too few, for batch norm
  // One line each: filters and pools that leave pixels at the border unused, nodes that do not reach the output.
  std::vector<std::string> warnings;
};

// Throws as Session does.
Summary summarize(const Graph& graph);

// For people: columns within 100 characters, numbers with units (K, M, G: powers of 1000; KiB, MiB: of 1024), totals
// and warnings below.
std::string format_table(const Summary& summary);
// For programs, with exact numbers. A receptive field is a list of extents, or "all".
std::string to_json(const Summary& summary);
// The rows alone: node,op,options,output,parameters,multiply_adds,receptive_field,activation_bytes (RFC 4180).
std::string to_csv(const Summary& summary);

}  // namespace fovea
