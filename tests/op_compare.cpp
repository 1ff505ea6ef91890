#include "op_compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea::testing {

double largest(const std::vector<double>& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

void expect_close(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance,
                  const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  const double bound = tolerance * largest(expected);
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_TRUE(std::abs(static_cast<double>(actual[i]) - expected[i]) <= bound)
        << what << "[" << i << "] is " << actual[i] << ", expected " << expected[i] << " within " << bound;
  }
}

void expect_close(const OpResults<float>& actual, const OpResults<double>& expected, double tolerance) {
  const auto compare = [&](const auto& tensors, const auto& references, const std::string& what) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (!tensors[i].empty()) expect_close(tensors[i], references.at(i), tolerance, what + " " + std::to_string(i));
    }
  };
  expect_close(actual.output, expected.output, tolerance, "output");
  compare(actual.parameters, expected.parameters, "parameter");
  compare(actual.input_gradients, expected.input_gradients, "gradient of input");
  compare(actual.parameter_gradients, expected.parameter_gradients, "gradient of parameter");
}

}  // namespace fovea::testing
