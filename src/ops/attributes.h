#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/op.h"

namespace fovea {

// Reads an op's serialised options. Every getter throws Error(format) naming the attribute when it is missing or of
// another kind; finish() throws when attributes are left that nobody read.
class AttributeReader {
 public:
  explicit AttributeReader(const Attributes& attributes) : attributes_(attributes) {}

  int64_t integer(const std::string& name);
  double number(const std::string& name);
  bool boolean(const std::string& name);
  std::vector<int64_t> integers(const std::string& name);
  void finish() const;

 private:
  const Attribute& get(const std::string& name);

  const Attributes& attributes_;
  std::set<std::string> read_;
};

}  // namespace fovea
