#pragma once

#include <stdexcept>
#include <string>

namespace fovea {

// What went wrong, coarsely. The program maps each kind to its exit code.
enum class ErrorKind {
  failure = 1,  // the work itself failed (training diverged, out of memory)
  usage = 2,    // a value the caller chose makes no sense
  data = 3,     // a data set, picture or folder cannot be read or written
  format = 4,   // a network or a model file is wrong
  device = 5,   // the machine cannot do what was asked
};

// Every error the library reports. what() is one line that names the thing, what was expected,
// what was got and, where it helps, what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace fovea
