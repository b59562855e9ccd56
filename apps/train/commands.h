// The subcommands of chiaro-train, which `chiaro train|study|freeze|describe` start.
#pragma once

namespace CLI {
class App;
}

namespace chiaro::apps {

void add_train(CLI::App& root);
void add_study(CLI::App& root);
void add_freeze(CLI::App& root);
void add_describe(CLI::App& root);

}  // namespace chiaro::apps
