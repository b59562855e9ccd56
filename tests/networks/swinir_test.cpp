#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "chiaro/networks/network.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::swinir_test {
namespace {

using List = std::vector<std::int64_t>;

std::shared_ptr<Network> at_scale(std::int64_t scale) {
  return make("swinir", {{"scale", scale}});
}

OptionTable small(std::int64_t scale) {
  return {{"scale", scale},
          {"blocks", List{2, 1}},
          {"channels", std::int64_t{6}},
          {"heads", std::int64_t{2}},
          {"window", std::int64_t{4}}};
}

// Those of the released code. The paper's table states 878, 886 and 897 k, which leaves out one
// convolution of 60 · 60 · 9 + 60 parameters.
TEST(Swinir, HasThePublishedNumberOfParameters) {
  const std::int64_t left_out = 60 * 60 * 9 + 60;
  const std::int64_t paper_k[] = {878, 886, 897};
  const std::int64_t released[] = {910'152, 918'267, 929'628};
  for (const std::int64_t scale : {2, 3, 4}) {
    const std::int64_t count = parameter_count(*at_scale(scale));
    EXPECT_EQ(count, released[scale - 2]);
    EXPECT_EQ(std::lround(static_cast<double>(count - left_out) / 1000), paper_k[scale - 2]);
  }
  // Without a shuffle the last convolution has three channels.
  EXPECT_EQ(parameter_count(*at_scale(1)), 910'152 - 60 * 9 * 9 - 9);
}

TEST(Swinir, CostsWhatItsLayersImply) {
  const double block = 4 * 60 * 60 + 2 * 64 * 60 + 2 * 60 * 120;  // a pixel
  const double conv = 9 * 60 * 60;
  const double each = 9 * 3 * 60 + 24 * block + 5 * conv + 9 * 60 * 48;
  EXPECT_DOUBLE_EQ(multiplications(*at_scale(4), 16, 24), each * 16 * 24);
}

/// Attention of one pixel to the pixels of its window, the latter found by their places.
at::Tensor attention_by_pixels(const at::Tensor& query, const at::Tensor& key,
                               const at::Tensor& value, const at::Tensor& table,
                               std::int64_t window, std::int64_t shift) {
  // A window begins at a multiple of w, shifted by s; at the rims it is cut off.
  const auto window_of = [&](std::int64_t place) { return (place + window - shift) / window; };
  const std::int64_t height = query.size(0);
  const std::int64_t width = query.size(1);
  const std::int64_t width_of_head = query.size(2) / table.size(1);
  at::Tensor result = at::zeros_like(query);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t head = 0; head < table.size(1); ++head) {
        const auto part = [&](const at::Tensor& map, std::int64_t row, std::int64_t column) {
          return map[row][column].narrow(0, head * width_of_head, width_of_head);
        };
        at::Tensor sum = at::zeros({width_of_head});
        double total = 0;
        for (std::int64_t row = 0; row < height; ++row) {
          for (std::int64_t column = 0; column < width; ++column) {
            if (window_of(row) != window_of(y) || window_of(column) != window_of(x)) continue;
            const std::int64_t place =
                (y - row + window - 1) * (2 * window - 1) + x - column + window - 1;
            const double match = (part(query, y, x) * part(key, row, column)).sum().item<double>();
            const double weight = std::exp(match / std::sqrt(static_cast<double>(width_of_head)) +
                                           table[place][head].item<double>());
            total += weight;
            sum = sum + weight * part(value, row, column);
          }
        }
        result[y][x].narrow(0, head * width_of_head, width_of_head).copy_(sum / total);
      }
    }
  }
  return result;
}

TEST(Swinir, ComputesThePublishedLayers) {
  torch::manual_seed(4);
  torch::NoGradGuard no_grad;
  for (const std::int64_t scale : {1, 3}) {
    const auto network = make("swinir", small(scale));
    for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.3);
    const auto parameters = network->named_parameters();
    const auto conv = [&](const std::string& name, const at::Tensor& map) {  // (H,W,C)
      const at::Tensor planes = map.permute({2, 0, 1}).unsqueeze(0);
      return at::conv2d(planes, parameters[name + ".weight"], parameters[name + ".bias"], 1, 1)[0]
          .permute({1, 2, 0});
    };
    const auto linear = [&](const std::string& name, const at::Tensor& map) {
      return at::matmul(map, parameters[name + ".weight"].t()) + parameters[name + ".bias"];
    };
    const auto norm = [&](const std::string& name, const at::Tensor& map) {
      const at::Tensor centred = map - map.mean(2, true);
      const at::Tensor deviation = (centred.square().mean(2, true) + 1e-5).sqrt();
      return centred / deviation * parameters[name + ".weight"] + parameters[name + ".bias"];
    };
    const auto block = [&](const std::string& name, const at::Tensor& x, std::int64_t shift) {
      const at::Tensor qkv = linear(name + ".qkv", norm(name + ".norm1", x));
      const at::Tensor seen =
          attention_by_pixels(qkv.narrow(2, 0, 6), qkv.narrow(2, 6, 6), qkv.narrow(2, 12, 6),
                              parameters[name + ".bias.table"], 4, shift);
      const at::Tensor y = x + linear(name + ".proj", seen);
      const at::Tensor wide = linear(name + ".widen", norm(name + ".norm2", y));
      return y + linear(name + ".narrow", wide * 0.5 * (1 + at::erf(wide / std::sqrt(2.0))));
    };
    const at::Tensor mean = at::tensor({0.4488F, 0.4371F, 0.4040F});
    const at::Tensor x = at::rand({1, 3, 8, 12});
    const at::Tensor picture = x[0].permute({1, 2, 0});
    const at::Tensor first = conv("head", picture - mean);
    at::Tensor features = norm("first_norm", first);
    features = features + conv("group0_end", block("group0_1", block("group0_0", features, 0), 2));
    features = features + conv("group1_end", block("group1_0", features, 0));
    const at::Tensor last = conv("outro", first + conv("tail", norm("last_norm", features)));
    // A shuffle by hand: channel c·f² + i·f + j becomes row i, column j of the block.
    at::Tensor expected = last.view({8, 12, 3, scale, scale})
                              .permute({2, 0, 3, 1, 4})
                              .reshape({3, 8 * scale, 12 * scale});
    expected = scale == 1 ? expected + x[0] : expected + mean.view({3, 1, 1});
    const at::Tensor y = network->forward(x);
    ASSERT_EQ(y.sizes(), (at::IntArrayRef{1, 3, 8 * scale, 12 * scale}));
    EXPECT_TRUE(at::allclose(y[0], expected, 1e-3, 1e-3)) << scale;
  }
}

TEST(Swinir, StatesItsGeometry) {
  for (const std::int64_t scale : {1, 2, 3, 4}) {
    const auto geometry = at_scale(scale)->geometry();
    EXPECT_EQ(geometry.scale, scale);
    EXPECT_EQ(geometry.alignment_px, 8);
    EXPECT_FALSE(geometry.global_statistics);
  }
  // One block: three convolutions (outro, tail, the group's) reach 3 px, at worst the last pixel of
  // the next window, of which all 8 are seen; the first convolution reaches 1 px further.
  const auto one = make("swinir", {{"blocks", List{1}}})->geometry();
  EXPECT_EQ(one.receptive_field_px, 2 * (3 + 7 + 1) + 1);
  EXPECT_EQ(at_scale(2)->geometry().receptive_field_px, 207);
}

TEST(Swinir, RefusesImpossibleOptions) {
  EXPECT_CHIARO_ERROR(at_scale(0), Usage, "scale");
  EXPECT_CHIARO_ERROR(at_scale(5), Usage, "scale");
  EXPECT_CHIARO_ERROR(make("swinir", {{"blocks", List{}}}), Usage, "got 0 groups");
  EXPECT_CHIARO_ERROR(make("swinir", {{"blocks", List(33, 1)}}), Usage, "got 33 groups");
  EXPECT_CHIARO_ERROR(make("swinir", {{"heads", std::int64_t{7}}}), Usage,
                      "got 60 for 7 heads; expected a multiple");
  EXPECT_CHIARO_ERROR(make("swinir", {{"window", std::int64_t{1}}}), Usage, "window");
  EXPECT_CHIARO_ERROR(make("swinir", {{"windows", std::int64_t{8}}}), Usage,
                      "did you mean 'window'");
}

}  // namespace
}  // namespace chiaro::networks::swinir_test
