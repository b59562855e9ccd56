// Parameters stored in half the bytes.
#pragma once

#include <torch/nn/module.h>

#include "chiaro/freeze/onnx_file.h"

namespace chiaro::freeze {

/// Where the parameters of a graph are kept in float16, and where not: small ones cost nothing.
inline constexpr std::int64_t kLeastHalfElements = 256;

/// Rounds the parameters of at least kLeastHalfElements values to what float16 can hold (relative
/// step 2⁻¹¹), in place. Errors: Usage, naming a parameter that float16 cannot hold (above 65504).
void round_weights_to_half(torch::nn::Module& module);

/// Keeps the named initialisers that round_weights_to_half rounds as float16, each behind a Cast to
/// float32, which engines fold when they load the graph: the arithmetic stays float32.
void store_weights_as_half(OnnxModel& model);

}  // namespace chiaro::freeze
