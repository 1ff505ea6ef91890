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

struct Summary {
  std::vector<SummaryRow> rows;      // in the graph's order
  int64_t parameters = 0;            // trained
  int64_t untrained_parameters = 0;  // running statistics
  int64_t parameter_bytes = 0;       // both
  int64_t multiply_adds = 0;
  int64_t activation_bytes = 0;  // all outputs together; a session needs less where it reuses memory
  // One line each: filters and pools that leave pixels at the border unused, nodes that do not reach the output.
  std::vector<std::string> warnings;
};

Summary summarize(const Graph& graph);

// For people: columns within 100 characters, numbers with units (K, M, G: powers of 1000; KiB, MiB: of 1024), totals
// and warnings below.
std::string format_table(const Summary& summary);
// For programs, with exact numbers. A receptive field is a list of extents, or "all".
std::string to_json(const Summary& summary);
// The rows alone: node,op,options,output,parameters,multiply_adds,receptive_field,activation_bytes (RFC 4180).
std::string to_csv(const Summary& summary);

}  // namespace fovea
