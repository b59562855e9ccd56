// What of a method beside the restoration network starts from earlier training: the conditioner, or
// encoder and tree that it goes by.
#pragma once

#include <string>
#include <vector>

#include "apps/train/trained_run.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/methods/method.h"

namespace chiaro::apps {

/// From a bundle: of kind "encode" the encoder and its tree go to the method's conditioner, which
/// has to be of that sort; of a restorer the conditioner, where both have one, save tensors that
/// differ and whose names match `allow_missing`. Errors: Usage (the method takes no encoder; other
/// kinds of damage or views), Bundle (no tree; shapes that differ).
void start_method(const bundle::Bundle& from, methods::Method& method,
                  const std::vector<std::string>& allow_missing = {});

/// The same from a run; `origin` names it in messages.
void start_method(const TrainedRun& from, const std::string& origin, methods::Method& method);

/// Errors: Usage, if the method's conditioner goes by a tree that has not been loaded.
void check_started(methods::Method& method);

}  // namespace chiaro::apps
