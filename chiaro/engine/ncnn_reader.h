// Reads ncnn's text and weights into the form of the runtime.
#pragma once

#include <cstddef>
#include <memory>
#include <openvino/core/model.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chiaro::engine {

/// The part of an ncnn network that leads from its input to these blobs, which become the outputs,
/// in this order. `param` is the text (NAME.param), `weights` the bytes of NAME.bin, as float16 or
/// float32. Known layers: Input, Convolution (square, with bias, perhaps with its rectifier),
/// Pooling (largest value, sides rounded up), Concat of channels, Split, Dropout. Errors: Bundle
/// (anything else, too few weights, no such blob).
std::shared_ptr<ov::Model> read_ncnn(std::string_view param, std::span<const std::byte> weights,
                                     std::span<const std::string> blobs, const std::string& origin);

}  // namespace chiaro::engine
