// The libraries behind the engines of a process, loaded once.
#pragma once

#include <memory>

namespace chiaro::engine {

class Runtime;

/// Begins to load them in a thread of its own, unless they are there. All engines made while the
/// result lives use the same; each keeps it as long as it needs it. Nothing fails here: what does
/// is told by the engines.
std::shared_ptr<Runtime> start_runtime();

}  // namespace chiaro::engine
