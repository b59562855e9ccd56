// Whether a graph's result may lie where its input lay. For the room alone.
#pragma once

#include <openvino/core/model.hpp>

namespace chiaro::engine {

/// True where the only output is the picture, the only input of four sides, with something added
/// or the like, and nobody can read the picture at another place than the one that is being
/// written: on all other ways between them lie at least two convolutions, of which no runtime makes
/// one operator unless the second works by groups. It is the runtime that sees to it that only its
/// last operator writes there: OpenVINO copies the result where anything before shares its memory.
bool can_give_in_place(const ov::Model& graph);

}  // namespace chiaro::engine
