#include "chiaro/engine/ncnn_reader.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <map>
#include <openvino/op/add.hpp>
#include <openvino/op/concat.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convolution.hpp>
#include <openvino/op/max_pool.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/relu.hpp>
#include <openvino/op/result.hpp>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::engine {
namespace {

using Blob = ov::Output<ov::Node>;

constexpr std::int64_t kMostOfALayer = std::int64_t{1} << 28;  // weights; no overflow below

/// A line: type, name, numbers of inputs and outputs, their blobs, then key=value.
struct NcnnLayer {
  std::string type;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::int64_t, std::int64_t> values;
  bool whole_numbers = true;  // whether all values are

  std::int64_t value(std::int64_t key, std::int64_t otherwise) const {
    const auto found = values.find(key);
    return found == values.end() ? otherwise : found->second;
  }
};

bool read_integer(std::string_view text, std::int64_t& value) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

class NcnnReader {
 public:
  NcnnReader(std::span<const std::byte> weights, const std::string& origin)
      : weights_(weights), origin_(origin) {}

  std::shared_ptr<ov::Model> read(std::string_view param, std::span<const std::string> wanted) {
    const auto lines = split(param, '\n');
    CHIARO_CHECK(!lines.empty() && trim(lines.front()) == "7767517", Bundle,
                 "[engine.read_ncnn] '{}' is no ncnn network; expected 7767517 in its first line",
                 origin_);
    const auto all_there = [&] {
      return std::ranges::all_of(wanted,
                                 [&](const std::string& name) { return blobs_.contains(name); });
    };
    for (std::size_t i = 2; i < lines.size() && !all_there(); ++i) {
      if (!trim(lines[i]).empty()) add(layer_of(lines[i]));
    }
    for (const std::string& name : wanted) {
      CHIARO_CHECK(blobs_.contains(name), Bundle, "[engine.read_ncnn] '{}' has no blob '{}'",
                   origin_, name);
    }
    ov::ResultVector results;
    for (const std::string& name : wanted) {
      Blob blob = blobs_.at(name);
      blob.get_tensor().add_names({name});
      results.push_back(std::make_shared<ov::op::v0::Result>(blob));
    }
    return std::make_shared<ov::Model>(results, inputs_, "ncnn");
  }

 private:
  [[noreturn]] void refuse(const NcnnLayer& layer, const char* why) const {
    fail(ErrorCode::Bundle, "[engine.read_ncnn] a layer '{}' of '{}' cannot be read: {}",
         layer.type, origin_, why);
  }

  /// Any other setting may change what the layer does.
  void expect_only(const NcnnLayer& layer, std::initializer_list<int> known) const {
    if (!layer.whole_numbers) refuse(layer, "a setting is no whole number");
    for (const auto& [key, value] : layer.values) {
      if (std::ranges::count(known, key) == 0) refuse(layer, "it has a setting that is not known");
    }
  }

  NcnnLayer layer_of(const std::string& line) const {
    std::vector<std::string> words;
    for (const std::string& word : split(line, ' ')) {
      if (!trim(word).empty()) words.emplace_back(trim(word));
    }
    NcnnLayer layer{words.front(), {}, {}, {}};
    std::int64_t inputs = 0;
    std::int64_t outputs = 0;
    const auto count = static_cast<std::int64_t>(words.size());
    if (count < 4 || !read_integer(words[2], inputs) || !read_integer(words[3], outputs) ||
        inputs < 0 || outputs < 0 || inputs > count || outputs > count ||
        4 + inputs + outputs > count) {
      refuse(layer, "its line is incomplete");
    }
    const auto first = words.begin() + 4;
    layer.inputs.assign(first, first + inputs);
    layer.outputs.assign(first + inputs, first + inputs + outputs);
    for (auto word = first + inputs + outputs; word != words.end(); ++word) {
      const auto equals = word->find('=');
      std::int64_t key = 0;
      std::int64_t value = 0;
      if (equals == std::string::npos || !read_integer(word->substr(0, equals), key)) continue;
      layer.whole_numbers &= read_integer(word->substr(equals + 1), value);
      layer.values[key] = value;
    }
    return layer;
  }

  Blob input_of(const NcnnLayer& layer, std::size_t index = 0) const {
    const auto found =
        index < layer.inputs.size() ? blobs_.find(layer.inputs[index]) : blobs_.end();
    if (found == blobs_.end()) refuse(layer, "nothing gives its input");
    return found->second;
  }

  void add(const NcnnLayer& layer) {
    if (layer.outputs.empty()) refuse(layer, "it gives nothing");
    Blob result;
    if (layer.type == "Input") {
      inputs_.push_back(
          std::make_shared<ov::op::v0::Parameter>(ov::element::f32, ov::PartialShape::dynamic(4)));
      result = inputs_.back();
      result.get_tensor().add_names({layer.outputs.front()});
    } else if (layer.type == "Convolution") {
      result = convolution(layer);
    } else if (layer.type == "Pooling") {
      result = pooling(layer);
    } else if (layer.type == "Concat") {
      ov::OutputVector parts;
      for (std::size_t i = 0; i < layer.inputs.size(); ++i) parts.push_back(input_of(layer, i));
      if (layer.value(0, 0) != 0 || parts.empty()) refuse(layer, "it joins something but channels");
      result = std::make_shared<ov::op::v0::Concat>(parts, 1);
    } else if (layer.type == "Split" || layer.type == "Dropout") {
      result = input_of(layer);
    } else {
      refuse(layer, "only convolutions and what stands between them are known here");
    }
    for (const std::string& name : layer.outputs) blobs_[name] = result;
  }

  Blob convolution(const NcnnLayer& layer) {
    expect_only(layer, {0, 1, 2, 3, 4, 5, 6, 9, 11, 12, 13, 14, 15, 16});
    const std::int64_t out = layer.value(0, 0);
    const std::int64_t side = layer.value(1, 0);
    const std::int64_t stride = layer.value(3, 1);
    const std::int64_t pad = layer.value(4, 0);
    const std::int64_t count = layer.value(6, 0);
    const bool sound = out > 0 && out < (1 << 20) && side > 0 && side < 1024 && count > 0 &&
                       count < kMostOfALayer && count % (out * side * side) == 0 && stride > 0 &&
                       stride < 1024 && pad >= 0 && pad < 1024;
    if (!sound) refuse(layer, "its numbers contradict each other");
    const bool known = layer.value(11, side) == side && layer.value(2, 1) == 1 &&
                       layer.value(13, stride) == stride && layer.value(14, pad) == pad &&
                       layer.value(12, 1) == 1 && layer.value(15, pad) == pad &&
                       layer.value(16, pad) == pad && layer.value(5, 0) == 1 &&
                       (layer.value(9, 0) == 0 || layer.value(9, 0) == 1);
    if (!known) refuse(layer, "expected a square kernel, a bias and at most a rectifier");
    const Blob source = input_of(layer);
    const auto in = static_cast<std::size_t>(count / (out * side * side));
    if (auto* input = dynamic_cast<ov::op::v0::Parameter*>(source.get_node())) {
      input->set_partial_shape({-1, static_cast<std::int64_t>(in), -1, -1});
      input->validate_and_infer_types();
    }
    const auto outs = static_cast<std::size_t>(out);
    const auto sides = static_cast<std::size_t>(side);
    const auto kernel = ov::op::v0::Constant::create(
        ov::element::f32, {outs, in, sides, sides}, marked(layer, static_cast<std::size_t>(count)));
    const auto bias =
        ov::op::v0::Constant::create(ov::element::f32, {1, outs, 1, 1}, plain(layer, outs));
    const auto strides = static_cast<std::size_t>(stride);
    const auto sum = std::make_shared<ov::op::v1::Add>(
        std::make_shared<ov::op::v1::Convolution>(source, kernel, ov::Strides{strides, strides},
                                                  ov::CoordinateDiff{pad, pad},
                                                  ov::CoordinateDiff{pad, pad}, ov::Strides{1, 1}),
        bias);
    if (layer.value(9, 0) == 0) return sum;
    return std::make_shared<ov::op::v0::Relu>(sum);
  }

  Blob pooling(const NcnnLayer& layer) const {
    expect_only(layer, {0, 1, 2, 3, 4, 5, 11, 12, 13, 14, 15});
    const std::int64_t side = layer.value(1, 0);
    const std::int64_t stride = layer.value(2, 1);
    const bool known = layer.value(0, 0) == 0 && side > 0 && side < 1024 && stride > 0 &&
                       stride <= side && layer.value(3, 0) == 0 && layer.value(4, 0) == 0 &&
                       layer.value(5, 0) == 0 && layer.value(11, side) == side &&
                       layer.value(12, stride) == stride && layer.value(13, 0) == 0 &&
                       layer.value(14, 0) == 0 && layer.value(15, 0) == 0;
    if (!known) refuse(layer, "expected the largest value of a square, without padding");
    const auto strides = static_cast<std::size_t>(stride);
    const auto sides = static_cast<std::size_t>(side);
    return std::make_shared<ov::op::v1::MaxPool>(
        input_of(layer), ov::Strides{strides, strides}, ov::Shape{0, 0}, ov::Shape{0, 0},
        ov::Shape{sides, sides}, ov::op::RoundingType::CEIL);
  }

  std::span<const std::byte> take(const NcnnLayer& layer, std::size_t count) {
    if (count > weights_.size() - at_) refuse(layer, "the file of its weights is too short");
    at_ += count;
    return weights_.subspan(at_ - count, count);
  }

  std::vector<float> plain(const NcnnLayer& layer, std::size_t count) {
    const auto raw = take(layer, count * sizeof(float));
    std::vector<float> values(count);
    std::memcpy(values.data(), raw.data(), raw.size());
    return values;
  }

  /// Behind a mark: float16, padded to four bytes, or float32.
  std::vector<float> marked(const NcnnLayer& layer, std::size_t count) {
    constexpr std::uint32_t kFloat16Mark = 0x01306B47;
    std::uint32_t mark = 0;
    std::memcpy(&mark, take(layer, sizeof mark).data(), sizeof mark);
    if (mark == 0) return plain(layer, count);
    if (mark != kFloat16Mark) refuse(layer, "its weights are neither float16 nor float32");
    const auto raw = take(layer, (count * sizeof(std::uint16_t) + 3) / 4 * 4);
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, raw.data() + i * sizeof bits, sizeof bits);
      values[i] = ov::float16::from_bits(bits);
    }
    return values;
  }

  std::span<const std::byte> weights_;
  std::string origin_;
  std::size_t at_ = 0;
  std::map<std::string, Blob, std::less<>> blobs_;
  ov::ParameterVector inputs_;
};

}  // namespace

std::shared_ptr<ov::Model> read_ncnn(std::string_view param, std::span<const std::byte> weights,
                                     std::span<const std::string> blobs,
                                     const std::string& origin) {
  return NcnnReader(weights, origin).read(param, blobs);
}

}  // namespace chiaro::engine
