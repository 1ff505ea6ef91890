#pragma once

#include <functional>

namespace CLI {
class App;
}

// One file per command: each function adds its subcommand and options to the program and returns what to do when it is
// chosen.
namespace fovea::cli {

using Run = std::function<void()>;

Run add_train(CLI::App& program);
Run add_eval(CLI::App& program);
Run add_report(CLI::App& program);
Run add_predict(CLI::App& program);
Run add_explain(CLI::App& program);
Run add_look(CLI::App& program);
Run add_features(CLI::App& program);
Run add_search_images(CLI::App& program);
Run add_compress(CLI::App& program);
Run add_quantize(CLI::App& program);
Run add_search(CLI::App& program);
Run add_filter(CLI::App& program);
Run add_fool(CLI::App& program);
Run add_dream(CLI::App& program);
Run add_style(CLI::App& program);
Run add_segment(CLI::App& program);
Run add_embed(CLI::App& program);
Run add_shape_bias(CLI::App& program);
Run add_summary(CLI::App& program);
Run add_zoo(CLI::App& program);
Run add_check(CLI::App& program);
Run add_data(CLI::App& program);
Run add_bench(CLI::App& program);
Run add_doctor(CLI::App& program);
Run add_inspect(CLI::App& program);
Run add_convert(CLI::App& program);
Run add_run(CLI::App& program);

}  // namespace fovea::cli
