#pragma once

#include <string>

namespace chiaro {

/// The project's version, "major.minor.patch".
std::string version();

}  // namespace chiaro
