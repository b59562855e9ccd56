// The subcommands of `chiaro`: each file adds one to the root. An `add_` function declares options
// and a callback; the callback throws chiaro::Error, which main turns into an exit status.
#pragma once

#include <CLI/CLI.hpp>

namespace chiaro::cli {

void add_restore(CLI::App& root);
void add_inspect(CLI::App& root);
void add_retrieve(CLI::App& root);
void add_models(CLI::App& root);
void add_export(CLI::App& root);
void add_bench(CLI::App& root);
void add_describe(CLI::App& root);
void add_training(CLI::App& root);  ///< train, study, freeze: for chiaro-train
void add_degrade(CLI::App& root);
void add_eval(CLI::App& root);
void add_score(CLI::App& root);
void add_compare(CLI::App& root);
void add_serve(CLI::App& root);
void add_report(CLI::App& root);
void add_try(CLI::App& root);

}  // namespace chiaro::cli
