// Subcommands of the training wing: handed to the sibling program chiaro-train, as git does.
#include "apps/cli/training_command.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include "apps/cli/commands.h"
#include "chiaro/base/error.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

struct Handed {
  std::string_view name;
  const char* help;
};

constexpr std::array<Handed, 3> kHanded = {
    {{"train", "Train a network by a recipe (starts chiaro-train)"},
     {"study", "Compare ways to train over seeds, with intervals (starts chiaro-train)"},
     {"freeze", "Make a bundle of a checkpoint (starts chiaro-train)"}}};

}  // namespace

fs::path training_program() {
  std::error_code failed;
  const fs::path here = fs::read_symlink("/proc/self/exe", failed).parent_path();
  // Installed side by side, or in neighbouring folders of a build tree.
  for (const fs::path& candidate :
       {here / "chiaro-train", here / ".." / "train" / "chiaro-train"}) {
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.lexically_normal();
  }
  return {};
}

bool belongs_to_training(std::string_view subcommand) {
  return std::any_of(kHanded.begin(), kHanded.end(),
                     [&](const Handed& entry) { return entry.name == subcommand; });
}

void become_training_program(char** arguments) {
  const fs::path program = training_program();
  CHIARO_CHECK(!program.empty(), Usage,
               "[cli.{}] this installation restores only; `chiaro {}` needs the program "
               "chiaro-train beside chiaro; in a checkout of the source `./run {} …` builds it",
               arguments[1], arguments[1], arguments[1]);
  std::string name = program.string();
  arguments[0] = name.data();
  ::execv(name.c_str(), arguments);
  fail(ErrorCode::Internal, "[cli.{}] cannot start '{}': {}", arguments[1], name,
       std::strerror(errno));
}

void add_training(CLI::App& root) {
  // Only for the list in --help: main hands these over before the command line is parsed.
  for (const Handed& entry : kHanded) root.add_subcommand(std::string(entry.name), entry.help);
}

}  // namespace chiaro::cli
