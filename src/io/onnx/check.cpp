// ONNX's backend tests.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "io/onnx/array.h"
#include "ops/checks.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;

// prefix_0.pb, prefix_1.pb ... as many as there are.
std::vector<fs::path> numbered(const fs::path& folder, const char* prefix) {
  std::vector<fs::path> files;
  while (fs::exists(folder / fmt::format("{}_{}.pb", prefix, files.size()))) {
    files.push_back(folder / fmt::format("{}_{}.pb", prefix, files.size()));
  }
  return files;
}

// bfloat16 has 8 bits: whoever rounds and whoever cuts off are one step apart.
double relative_tolerance(DType type) { return type == DType::bf16 ? 0x1p-7 : 1e-3; }

bool close(double got, double expected, double relative) {
  if (std::isnan(expected) || std::isnan(got)) return std::isnan(expected) && std::isnan(got);
  if (std::isinf(expected)) return got == expected;
  return std::fabs(got - expected) <= 1e-7 + relative * std::fabs(expected);
}

// What is wrong with an output; empty when nothing is.
std::string difference(const OnnxArray& got, const OnnxArray& expected) {
  if (got.type != expected.type) return fmt::format("type {}, not {}", to_string(got.type), to_string(expected.type));
  if (got.shape != expected.shape) {
    return fmt::format("shape {}, not {}", to_string(got.shape), to_string(expected.shape));
  }
  for (int64_t i = 0; i < got.size(); ++i) {
    const auto at = static_cast<size_t>(i);
    if (got.is_float() && !close(got.floats[i], expected.floats[i], relative_tolerance(got.type))) {
      return fmt::format("element {} is {}, not {}", i, got.floats[i], expected.floats[i]);
    }
    if (!got.is_float() && got.integers[at] != expected.integers[at]) {
      return fmt::format("element {} is {}, not {}", i, got.integers[at], expected.integers[at]);
    }
  }
  return {};
}

// Test files store bfloat16 as the whole numbers of its bits.
OnnxArray read_as(const fs::path& file, DType type) {
  OnnxArray array = read_onnx_array(file);
  if (type != DType::bf16 || array.type != DType::u16) return array;
  OnnxArray result = make_array(DType::bf16, array.shape);
  for (int64_t i = 0; i < array.size(); ++i) {
    result.floats[i] = std::bit_cast<float>(static_cast<uint32_t>(array.integers[static_cast<size_t>(i)]) << 16U);
  }
  return result;
}

std::string check_data_set(const fs::path& model, const fs::path& folder) {
  const std::vector<OnnxInput> inputs = onnx_inputs(model);
  const std::vector<fs::path> given = numbered(folder, "input");
  require(given.size() <= inputs.size(), "{} input files for {} inputs", given.size(), inputs.size());
  OnnxImportOptions options;
  std::map<std::string, OnnxArray> values;
  for (size_t i = 0; i < given.size(); ++i) {
    OnnxArray array = read_as(given[i], inputs[i].type);
    if (inputs[i].needs_value) {
      options.values.emplace(inputs[i].name, std::move(array));
    } else {
      options.shapes.emplace(inputs[i].name, array.shape);
      values.emplace(inputs[i].name, std::move(array));
    }
  }
  OnnxNetwork network = import_onnx(model, options);
  const std::vector<OnnxArray> outputs = run_onnx(network, values);
  const std::vector<fs::path> expected = numbered(folder, "output");
  require(expected.size() == outputs.size(), "{} output files for {} outputs", expected.size(), outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string wrong = difference(outputs[i], read_as(expected[i], outputs[i].type));
    if (!wrong.empty()) return fmt::format("output '{}': {}", network.outputs[i].name, wrong);
  }
  return {};
}

}  // namespace

OnnxCheck check_onnx(const fs::path& folder) {
  using Outcome = OnnxCheck::Outcome;
  try {
    std::vector<fs::path> sets;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (entry.path().filename().string().starts_with("test_data_set_")) sets.push_back(entry.path());
    }
    std::ranges::sort(sets);
    if (sets.empty()) return {Outcome::failed, "there is no test_data_set_0"};
    for (const fs::path& set : sets) {
      const std::string wrong = check_data_set(folder / "model.onnx", set);
      if (!wrong.empty()) return {Outcome::failed, fmt::format("{}: {}", set.filename().string(), wrong)};
    }
    return {};
  } catch (const OnnxUnsupported& error) {
    return {Outcome::unsupported, error.what()};
  } catch (const Error& error) {
    return {Outcome::failed, error.what()};
  } catch (const fs::filesystem_error& error) {
    return {Outcome::failed, error.code().message()};
  }
}

}  // namespace fovea
