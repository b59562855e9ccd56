// A trained network as an ONNX file.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/freeze/onnx_file.h"
#include "chiaro/networks/network.h"

namespace chiaro::freeze {

/// Keys with values, in the order of the file.
using Metadata = std::vector<std::pair<std::string, std::string>>;

/// Picture → picture without condition: "input" (batch_size,3,height,width) → "output"
/// (batch_size,3,scale·height, scale·width), float32, every size whose sides are multiples of the
/// network's alignment. Operator set kOnnxOpset, no custom operators; initialisers keep the names
/// of parameters and buffers, all of which are in the file. Errors: Usage (see trace and to_onnx).
std::vector<std::byte> export_onnx(networks::Network& network, const std::string& name,
                                   const Metadata& metadata = {});

}  // namespace chiaro::freeze
