// The page about a bundle that people read.
#pragma once

#include <string>

#include "chiaro/bundle/manifest.h"

namespace chiaro::freeze {

/// Markdown: what it is, how to use it, what it was trained on, what was measured, then `notes`.
std::string write_card(const bundle::Manifest& manifest, const std::string& notes);

}  // namespace chiaro::freeze
