// Trained networks as ONNX files.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/freeze/onnx_file.h"
#include "chiaro/networks/conditioner.h"
#include "chiaro/networks/encoder.h"
#include "chiaro/networks/network.h"

namespace chiaro::freeze {

/// Keys with values, in the order of the file.
using Metadata = std::vector<std::pair<std::string, std::string>>;

/// `half_weights` stores the parameters as half_weights.h says; they must have been rounded before.
///
/// What every file here has: operator set kOnnxOpset, no custom operators; initialisers keep the
/// names of parameters and buffers, all of which are in the file. float32 throughout.

/// Picture → picture: "input" (batch_size,3,height,width) → "output" (batch_size,3,scale·height,
/// scale·width), every size whose sides are multiples of the network's alignment. `conditioned`
/// adds the input "condition" (1,condition_width), which holds for all of the batch; without it the
/// network is told nothing. Errors: Usage (see trace and to_onnx).
std::vector<std::byte> export_onnx(networks::Network& network, const std::string& name,
                                   const Metadata& metadata = {}, bool conditioned = false,
                                   bool half_weights = false);

/// One picture's views → what is wrong with it: "views" (batch_size,3,S,S) and "whole"
/// (1,3,height,width) → "condition" (1,2K+E), "novelty" (1,1), "domain" (1,Nd). Errors: as above.
std::vector<std::byte> export_onnx(networks::Conditioner& conditioner, const std::string& name,
                                   const Metadata& metadata = {}, bool half_weights = false);

/// Pictures → codes: "input" (batch_size,3,height,width), sides multiples of kEncoderAlignmentPx →
/// "code" (batch_size,D). Errors: as above.
std::vector<std::byte> export_onnx(networks::Encoder& encoder, const std::string& name,
                                   const Metadata& metadata = {}, bool half_weights = false);

}  // namespace chiaro::freeze
