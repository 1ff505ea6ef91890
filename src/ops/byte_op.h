#pragma once

#include <memory>
#include <vector>

#include "fovea/op.h"

namespace fovea {

// Beside Op, for ops with kernels for whole numbers from 0 to 255 held as bytes, which is how quantised networks become
// fast. As far as graphs and references go such numbers are floating point numbers as all others. In memory of bytes
// element i is byte i, and byte_slack bytes behind the last can be read.
class ByteOp {
 public:
  ByteOp() = default;
  ByteOp(const ByteOp&) = delete;
  ByteOp& operator=(const ByteOp&) = delete;
  virtual ~ByteOp() = default;

  // Which values the kernel takes and gives as bytes; one of the first two inputs or the output, if any.
  virtual bool byte_input(size_t input) const = 0;
  virtual bool byte_output() const = 0;
  // Whether there is such a kernel for any numbers, which only moves them: it is used where all inputs are bytes.
  virtual bool moves_bytes() const { return false; }
  virtual std::unique_ptr<Kernel> prepare_bytes(const Signature& shapes, const PrepareOptions& options) const = 0;
};

// The op's side for bytes; null when it has none.
const ByteOp* as_byte_op(const Op& op);

// Where a node's values lie: as bytes, or as floats.
struct Storage {
  std::vector<bool> inputs;
  bool output = false;
};

// The kernel of prepare_bytes for values stored otherwise: those that are floats are converted on the way in and out.
std::unique_ptr<Kernel> prepare_bytes_for(const ByteOp& op, const Storage& storage, const Signature& shapes,
                                          const PrepareOptions& options);

// The same for values that are all floats, in a plan for which nothing else has been said.
std::unique_ptr<Kernel> prepare_bytes_for_floats(const ByteOp& op, const Signature& shapes,
                                                 const PrepareOptions& options);

}  // namespace fovea
