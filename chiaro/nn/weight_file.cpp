#include "chiaro/nn/weight_file.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <charconv>
#include <cstring>
#include <sstream>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/safetensors.h"

namespace chiaro::nn {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostWeights = std::int64_t{1} << 30;  // of one layer: no overflow below

std::string shape_text(at::IntArrayRef sizes) {
  std::ostringstream text;
  text << sizes;
  return text.str();
}

/// Values that lie somewhere, as a float32 tensor of its own.
at::Tensor widened(std::span<const std::byte> bytes, at::IntArrayRef shape, at::ScalarType type) {
  at::Tensor stored = at::empty(shape, type);
  if (!bytes.empty()) std::memcpy(stored.mutable_data_ptr(), bytes.data(), bytes.size());
  return stored.to(at::kFloat);
}

/// "6=1728" of a layer's line → 1728.
std::int64_t ncnn_value(const std::vector<std::string>& words, std::string_view key,
                        std::int64_t otherwise) {
  for (const auto& word : words) {
    if (!word.starts_with(key) || word.size() <= key.size() || word[key.size()] != '=') continue;
    std::int64_t value = 0;
    const char* end = word.data() + word.size();
    const auto read = std::from_chars(word.data() + key.size() + 1, end, value);
    if (read.ec == std::errc() && read.ptr == end) return value;
  }
  return otherwise;
}

/// Reads a file of weights from front to back.
class NcnnWeights {
 public:
  NcnnWeights(std::vector<std::byte> bytes, std::string origin)
      : bytes_(std::move(bytes)), origin_(std::move(origin)) {}

  /// Values with their mark in front: float16 padded to 4 bytes, or float32.
  at::Tensor marked(at::IntArrayRef shape, std::int64_t count) {
    constexpr std::uint32_t kFloat16Mark = 0x01306B47;
    std::uint32_t mark = 0;
    std::memcpy(&mark, take(4).data(), 4);
    CHIARO_CHECK(mark == kFloat16Mark || mark == 0, Bundle,
                 "[nn.read_ncnn_convolutions] '{}' stores weights in a way not known here; got the "
                 "mark {:#010x} at byte {}; expected float16 ({:#010x}) or float32 (0)",
                 origin_, mark, position_ - 4, kFloat16Mark);
    if (mark == 0) return plain(shape, count);
    const auto values = take(2 * count);
    take(2 * (count % 2));
    return widened(values, shape, at::kHalf);
  }

  at::Tensor plain(at::IntArrayRef shape, std::int64_t count) {
    return widened(take(4 * count), shape, at::kFloat);
  }

  std::size_t left() const { return bytes_.size() - position_; }

 private:
  std::span<const std::byte> take(std::int64_t count) {
    const auto size = static_cast<std::size_t>(count);
    CHIARO_CHECK(
        size <= left(), Bundle,
        "[nn.read_ncnn_convolutions] '{}' is too short; got {} bytes; expected at least {}",
        origin_, bytes_.size(), position_ + size);
    position_ += size;
    return std::span<const std::byte>(bytes_).subspan(position_ - size, size);
  }

  std::vector<std::byte> bytes_;
  std::string origin_;
  std::size_t position_ = 0;
};

}  // namespace

NamedWeights read_safetensors_weights(const fs::path& file) {
  const auto stored = bundle::Safetensors::read(file);
  NamedWeights weights;
  for (const auto& [name, tensor] : stored.tensors()) {
    switch (tensor.dtype) {
      case bundle::Dtype::F32:
        weights[name] = widened(tensor.bytes, tensor.shape, at::kFloat);
        break;
      case bundle::Dtype::F16:
        weights[name] = widened(tensor.bytes, tensor.shape, at::kHalf);
        break;
      case bundle::Dtype::Bf16:
        weights[name] = widened(tensor.bytes, tensor.shape, at::kBFloat16);
        break;
      default:
        break;
    }
  }
  return weights;
}

void fill_weights(torch::nn::Module& module, const NamedWeights& weights,
                  const std::string& origin) {
  std::vector<std::string> known;
  for (const auto& [name, tensor] : weights) known.push_back(name);
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;  // to, from
  for (const auto& item : module.named_parameters()) {
    const auto found = weights.find(item.key());
    CHIARO_CHECK(
        found != weights.end(), Bundle,
        "[nn.fill_weights] '{}' lacks a tensor; got {} others; expected '{}' of shape {}{}", origin,
        weights.size(), item.key(), shape_text(item.value().sizes()),
        did_you_mean(item.key(), known));
    CHIARO_CHECK(found->second.sizes() == item.value().sizes(), Bundle,
                 "[nn.fill_weights] a tensor of '{}' has the wrong shape; got '{}' of {}; expected "
                 "{}",
                 origin, item.key(), shape_text(found->second.sizes()),
                 shape_text(item.value().sizes()));
    copies.emplace_back(item.value(), found->second);
  }
  const at::NoGradGuard no_grad;
  for (auto& [to, from] : copies) to.copy_(from);
}

std::vector<NcnnConvolution> read_ncnn_convolutions(const fs::path& param_file) {
  const std::string origin = param_file.string();
  const auto lines = split(read_text(param_file), '\n');
  CHIARO_CHECK(!lines.empty() && trim(lines.front()) == "7767517", Bundle,
               "[nn.read_ncnn_convolutions] '{}' is no ncnn network; got '{}' in its first line; "
               "expected 7767517",
               origin, lines.empty() ? "" : lines.front().substr(0, 40));
  fs::path weight_file = param_file;
  weight_file.replace_extension(".bin");
  NcnnWeights weights(read_file(weight_file), weight_file.string());
  std::vector<NcnnConvolution> convolutions;
  for (const auto& line : lines) {
    std::vector<std::string> words;
    for (auto& word : split(line, ' ')) {
      if (!word.empty()) words.push_back(std::move(word));
    }
    if (words.size() < 4 || words[0] != "Convolution") continue;
    const std::int64_t out = ncnn_value(words, "0", 0);
    const std::int64_t kernel = ncnn_value(words, "1", 0);
    const std::int64_t count = ncnn_value(words, "6", 0);
    const bool sound = out > 0 && out < (1 << 20) && kernel > 0 && kernel < 1024 && count > 0 &&
                       count < kMostWeights && count % (out * kernel * kernel) == 0 &&
                       ncnn_value(words, "5", 0) == 1;
    CHIARO_CHECK(
        sound, Bundle,
        "[nn.read_ncnn_convolutions] a layer of '{}' contradicts itself; got '{}'; expected "
        "outputs (0=), kernel (1=), a bias (5=1) and a fitting number of weights (6=)",
        origin, line);
    const std::int64_t in = count / (out * kernel * kernel);
    // Weights first, then the bias: one after the other in the file.
    at::Tensor weight = weights.marked({out, in, kernel, kernel}, count);
    at::Tensor bias = weights.plain({out}, out);
    convolutions.push_back({words[1], std::move(weight), std::move(bias)});
  }
  CHIARO_CHECK(weights.left() == 0, Bundle,
               "[nn.read_ncnn_convolutions] '{}' holds more than '{}' describes; {} bytes are left",
               weight_file.string(), origin, weights.left());
  return convolutions;
}

}  // namespace chiaro::nn
