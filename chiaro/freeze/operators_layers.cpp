// Convolutions, pools, resizing, normalisation.
#include <algorithm>

#include "chiaro/freeze/operators.h"

namespace chiaro::freeze {
namespace {

using Integers = std::vector<std::int64_t>;

// One number stands for all axes.
Integers per_axis(Integers values, std::size_t axes) {
  if (values.size() == 1) values.resize(axes, values[0]);
  return values;
}

// ONNX wants all beginnings, then all ends.
Integers both_ends(const Integers& padding) {
  Integers pads = padding;
  pads.insert(pads.end(), padding.begin(), padding.end());
  return pads;
}

// input, weight, bias, stride, padding, dilation, transposed,
// output_padding, groups.
void convolution(Call& call) {
  Integers kernel;
  for (std::size_t i = 2; i < call.shape(1).size(); ++i)
    kernel.push_back(call.shape(1)[i].constant());
  const std::size_t axes = kernel.size();
  std::vector<OnnxAttribute> attributes = {{"kernel_shape", kernel},
                                           {"strides", per_axis(call.integers(3), axes)},
                                           {"pads", both_ends(per_axis(call.integers(4), axes))},
                                           {"dilations", per_axis(call.integers(5), axes)},
                                           {"group", call.integer(8)}};
  std::vector<std::string> inputs = {call.tensor(0), call.tensor(1)};
  if (call.has(2)) inputs.push_back(call.tensor(2));
  const bool transposed = call.flag(6);
  if (transposed) attributes.push_back({"output_padding", per_axis(call.integers(7), axes)});
  call.give(call.build.node(transposed ? "ConvTranspose" : "Conv", inputs, attributes));
}

// kernel, stride (empty: the kernel), padding; the rest differs.
std::vector<OnnxAttribute> pool_attributes(Call& call, bool ceil_mode) {
  const Integers kernel = per_axis(call.integers(1), 2);
  const Integers stride = call.has(2) ? call.integers(2) : Integers{};
  return {{"kernel_shape", kernel},
          {"strides", stride.empty() ? kernel : per_axis(stride, 2)},
          {"pads", both_ends(per_axis(call.integers(3), 2))},
          {"ceil_mode", std::int64_t{ceil_mode}}};
}

void max_pool(Call& call) {
  auto attributes = pool_attributes(call, call.flag(5));
  attributes.push_back({"dilations", per_axis(call.integers(4), 2)});
  call.give(call.build.node("MaxPool", {call.tensor(0)}, attributes));
}

void average_pool(Call& call) {
  call.require(!call.has(6), "no divisor_override");
  auto attributes = pool_attributes(call, call.flag(4));
  attributes.push_back({"count_include_pad", std::int64_t{call.flag(5)}});
  call.give(call.build.node("AveragePool", {call.tensor(0)}, attributes));
}

void adaptive_average_pool(Call& call) {
  const Integers size = call.integers(1);
  call.require(std::all_of(size.begin(), size.end(), [](std::int64_t s) { return s == 1; }),
               "an output of one pixel");
  call.give(call.build.node("GlobalAveragePool", {call.tensor(0)}));
}

// The factors as constants where the sides grow in proportion, the sides themselves otherwise.
void resize(Call& call, std::vector<OnnxAttribute> attributes) {
  const auto& from = call.shape(0);
  const auto& to = call.result_shape();
  const double vertical = constant_ratio(to[2], from[2]);
  const double horizontal = constant_ratio(to[3], from[3]);
  if (vertical > 0 && horizontal > 0) {
    const std::string factors =
        call.build.numbers({1, 1, static_cast<float>(vertical), static_cast<float>(horizontal)});
    call.give(call.build.node("Resize", {call.tensor(0), "", factors}, std::move(attributes)));
  } else {
    call.give(call.build.node("Resize", {call.tensor(0), "", "", call.build.extents(to)},
                              std::move(attributes)));
  }
}

void nearest(Call& call) {
  resize(call, {{"mode", std::string("nearest")},
                {"coordinate_transformation_mode", std::string("asymmetric")},
                {"nearest_mode", std::string("floor")}});
}

void interpolate(Call& call, const char* mode) {
  const bool corners = call.flag(2);
  std::vector<OnnxAttribute> attributes = {
      {"mode", std::string(mode)},
      {"coordinate_transformation_mode", std::string(corners ? "align_corners" : "half_pixel")}};
  if (std::string(mode) == "cubic") attributes.push_back({"cubic_coeff_a", -0.75F});
  resize(call, std::move(attributes));
}

void batch_norm(Call& call) {
  call.require(call.has(3) && call.has(4) && !call.flag(5), "stored statistics");
  const auto channels = static_cast<std::size_t>(call.shape(3)[0].constant());
  const std::string scale =
      call.has(1) ? call.tensor(1) : call.build.numbers(std::vector<float>(channels, 1));
  const std::string shift =
      call.has(2) ? call.tensor(2) : call.build.numbers(std::vector<float>(channels, 0));
  call.give(call.build.node("BatchNormalization",
                            {call.tensor(0), scale, shift, call.tensor(3), call.tensor(4)},
                            {{"epsilon", static_cast<float>(call.real(7))}}));
}

// layer_norm and native_layer_norm: input, normalized_shape, weight, bias, eps.
void layer_norm(Call& call) {
  const Integers normalized = call.integers(1);
  std::size_t elements = 1;
  for (const std::int64_t side : normalized) elements *= static_cast<std::size_t>(side);
  std::string scale;
  if (call.has(2)) {
    scale = call.tensor(2);
  } else {
    scale = call.build.numbers(std::vector<float>(elements, 1));
    if (normalized.size() > 1)
      scale = call.build.node("Reshape", {scale, call.build.integers(normalized)});
  }
  std::vector<std::string> inputs = {call.tensor(0), scale};
  if (call.has(3)) inputs.push_back(call.tensor(3));
  call.give(call.build.node("LayerNormalization", inputs,
                            {{"axis", -static_cast<std::int64_t>(normalized.size())},
                             {"epsilon", static_cast<float>(call.real(4))}}));
}

// (C) → (C,1,…,1), to stand beside (N,C,…).
std::string beside_channels(Call& call, std::size_t i) {
  Integers shape(static_cast<std::size_t>(call.rank(0) - 1), 1);
  shape[0] = -1;
  return call.build.node("Reshape", {call.tensor(i), call.build.integers(shape)});
}

// Wu & He 2018: instance normalisation of (N,G,everything else).
void group_norm(Call& call) {
  OnnxBuilder& b = call.build;
  const std::int64_t groups = call.integer(1);
  const auto count = static_cast<std::size_t>(groups);
  const std::string shape = b.node("Shape", {call.tensor(0)});
  const std::string grouped = b.node("Reshape", {call.tensor(0), b.integers({0, groups, -1})});
  const std::string normal = b.node(
      "InstanceNormalization",
      {grouped, b.numbers(std::vector<float>(count, 1)), b.numbers(std::vector<float>(count, 0))},
      {{"epsilon", static_cast<float>(call.real(4))}});
  std::string out = b.node("Reshape", {normal, shape});
  if (call.has(2)) out = b.node("Mul", {out, beside_channels(call, 2)});
  if (call.has(3)) out = b.node("Add", {out, beside_channels(call, 3)});
  call.give(out);
}

void instance_norm(Call& call) {
  call.require(call.flag(5), "statistics of the input");
  const auto channels = static_cast<std::size_t>(call.shape(0)[1].constant());
  const std::string scale =
      call.has(1) ? call.tensor(1) : call.build.numbers(std::vector<float>(channels, 1));
  const std::string shift =
      call.has(2) ? call.tensor(2) : call.build.numbers(std::vector<float>(channels, 0));
  call.give(call.build.node("InstanceNormalization", {call.tensor(0), scale, shift},
                            {{"epsilon", static_cast<float>(call.real(7))}}));
}

void pixel_shuffle(Call& call) {
  call.give(call.build.node("DepthToSpace", {call.tensor(0)},
                            {{"blocksize", call.integer(1)}, {"mode", std::string("CRD")}}));
}

// SpaceToDepth puts the place in the block before the channel, libtorch after it.
void pixel_unshuffle(Call& call) {
  const std::int64_t block = call.integer(1);
  const std::int64_t channels = call.shape(0)[1].constant();
  Integers order;
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t place = 0; place < block * block; ++place)
      order.push_back(place * channels + c);
  }
  const std::string deep =
      call.build.node("SpaceToDepth", {call.tensor(0)}, {{"blocksize", block}});
  call.give(
      call.build.node("Gather", {deep, call.build.integers(order)}, {{"axis", std::int64_t{1}}}));
}

}  // namespace

void add_layers(OperatorTable& table) {
  table["_convolution"] = convolution;
  table["max_pool2d"] = max_pool;
  table["avg_pool2d"] = average_pool;
  table["adaptive_avg_pool2d"] = adaptive_average_pool;
  table["upsample_nearest2d"] = nearest;
  table["upsample_bilinear2d"] = [](Call& c) { interpolate(c, "linear"); };
  table["upsample_bicubic2d"] = [](Call& c) { interpolate(c, "cubic"); };
  table["batch_norm"] = batch_norm;
  table["layer_norm"] = table["native_layer_norm"] = layer_norm;
  table["group_norm"] = group_norm;
  table["instance_norm"] = instance_norm;
  table["pixel_shuffle"] = pixel_shuffle;
  table["pixel_unshuffle"] = pixel_unshuffle;
}

}  // namespace chiaro::freeze
