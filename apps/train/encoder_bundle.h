// The encoder of a bundle, as a part of other training.
#pragma once

#include <memory>
#include <string>

#include "chiaro/networks/encoder.h"

namespace chiaro::apps {

/// The encoder of a bundle of kind "encode", built as the recipe in the bundle says, with the
/// bundle's weights. Errors: Input (missing), Usage (another kind of bundle), Bundle (damaged, no
/// recipe of an encoder, weights of other shapes).
std::shared_ptr<networks::Encoder> load_encoder(const std::string& file);

}  // namespace chiaro::apps
