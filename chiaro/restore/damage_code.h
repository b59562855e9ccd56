// Codes of damage by a bundle's controller: what it says of a picture, as a direction, so that
// pictures can be compared by what was done to them.
#pragma once

#include <string>
#include <vector>

#include "chiaro/bundle/bundle.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/code_index.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/picture_encoder.h"

namespace chiaro::restore {

/// The one part that such codes have.
inline constexpr const char* kDamagePart = "degradation";

/// Of K types with probabilities p and severities s in [0,1] the 2K values p_k cos(s_k π/2) and
/// p_k sin(s_k π/2), brought to length 1. So the cosine of two pictures that surely have the same
/// type is the cosine of the difference of their severities times π/2, and 0 where they have no
/// type in common. The circle is a choice: any curve with severity would do.
std::vector<float> damage_code(const Inspection& seen);

/// The views that Inspector shows a controller of the picture: hidden colours filled, values
/// outside [0,1] seen through RangeCurve. Called from any thread. Errors: Usage (empty picture).
CodeViews damage_views(image::Image picture, const bundle::ConditionInfo& info);

/// The layout of these codes: the digest is over condition.onnx and what the manifest says of it.
/// Errors: Bundle (no controller).
CodeLayout damage_layout(const bundle::Manifest& manifest, const std::string& origin);

}  // namespace chiaro::restore
