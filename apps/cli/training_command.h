// The sibling program of the training wing.
#pragma once

#include <filesystem>
#include <string_view>

namespace chiaro::cli {

/// Where chiaro-train lies, or an empty path if it is not installed.
std::filesystem::path training_program();

/// True for train, study and freeze.
bool belongs_to_training(std::string_view subcommand);

/// Replaces this process by chiaro-train with the same arguments (argv with its closing null). Does
/// not return. Errors: Usage (not installed), Internal.
[[noreturn]] void become_training_program(char** arguments);

}  // namespace chiaro::cli
