#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <string>

#include "chiaro/networks/network.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::idt_test {
namespace {

using List = std::vector<std::int64_t>;

const OptionTable kTiny = {{"width", std::int64_t{4}},
                           {"blocks", List{1, 0, 2, 0, 1, 0, 1, 0, 1}},
                           {"heads", List{1, 2, 2, 4, 4, 4, 2, 2, 1}},
                           {"window", std::int64_t{2}},
                           {"expansion", std::int64_t{2}}};

TEST(Idt, HasThePublishedNumberOfParameters) {
  const auto count = parameter_count(*make("idt"));
  EXPECT_EQ(count, 16'416'463);
  EXPECT_NEAR(static_cast<double>(count) / 1e6, 16.4, 0.05);
}

/// Multiply-accumulates of the default's widths for one square of 128 × 128 px.
double expected_cost(double width, double window, const List& blocks, const List& heads) {
  const double side = 16 * window;
  const double area = window * window;
  const auto attention = [](double tokens, double together, double channels, double kernel,
                            double count) {
    return tokens * (5 * channels * channels + 2 * together * channels + kernel * channels +
                     channels * channels / count);
  };
  const auto feed = [](double pixels, double channels, double hidden) {
    return pixels * hidden * (2 * channels + 9);
  };
  double cost = side * side * (27 * width + 27 * 2 * width);
  for (int i = 0; i < 9; ++i) {
    const int level = i < 5 ? i : 8 - i;
    const double channels = width * std::pow(2, i < 5 ? level : level + 1);
    const double pixels = std::pow(side / std::pow(2, level), 2);
    const auto count = static_cast<double>(heads[static_cast<std::size_t>(i)]);
    const double kernel = window > 2 ? 25 : 9;
    cost +=
        static_cast<double>(blocks[static_cast<std::size_t>(i)]) *
        (attention(pixels, area, channels, kernel, count) + feed(pixels, channels, 4 * channels));
    if (i == 4) continue;
    const double windows = std::pow(2, 4 - level);
    cost +=
        attention(pixels / area * channels, windows * windows, area, windows > 2 ? 25 : 9, count);
    cost += feed(pixels, channels, 4 * area);
    // Down: kernel 4 at half the side; up: every pixel makes 2 × 2 with half of the next channels.
    if (i < 4) cost += pixels / 4 * 16 * channels * 2 * channels;
    if (i > 4) cost += pixels / 4 * 4 * (i == 5 ? channels : 2 * channels) * channels / 2;
  }
  return cost;
}

TEST(Idt, CostsWhatItsLayersImply) {
  const List blocks = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  const List heads = {1, 2, 2, 4, 4, 4, 2, 2, 1};
  const auto network = make("idt", {{"width", std::int64_t{8}},
                                    {"blocks", blocks},
                                    {"heads", heads},
                                    {"window", std::int64_t{2}}});
  EXPECT_DOUBLE_EQ(multiplications(*network, 32, 96), 3 * expected_cost(8, 2, blocks, heads));
  // 62 G for 256 × 256 px at the published sizes.
  const double published =
      expected_cost(32, 8, {3, 3, 2, 2, 1, 1, 2, 2, 3}, {1, 2, 4, 8, 16, 16, 8, 4, 2});
  EXPECT_NEAR(4 * published / 1e9, 62, 0.2);
}

/// The layers of one network by their names, on single pictures (C,H,W).
class PlainIdt {
 public:
  explicit PlainIdt(const Network& network) : parameters_(network.named_parameters()) {}

  at::Tensor conv(const std::string& name, const at::Tensor& x, std::int64_t padding,
                  std::int64_t groups = 1, std::int64_t stride = 1) const {
    const List pads = {padding, padding};
    return at::conv2d(x.unsqueeze(0), weight(name), bias(name), stride, pads, 1, groups)[0];
  }

  at::Tensor up(const std::string& name, const at::Tensor& x) const {
    return at::conv_transpose2d(x.unsqueeze(0), weight(name), bias(name), 2)[0];
  }

  at::Tensor window_block(const std::string& name, const at::Tensor& x, std::int64_t heads) const {
    at::Tensor y = x.clone();
    const at::Tensor normed = norm(name + ".norm", x);
    for (std::int64_t top = 0; top < x.size(1); top += 2) {
      for (std::int64_t left = 0; left < x.size(2); left += 2) {
        const at::Tensor tokens = normed.narrow(1, top, 2).narrow(2, left, 2);
        y.narrow(1, top, 2).narrow(2, left, 2).add_(attention(name + ".attention", tokens, heads));
      }
    }
    return y + feed(name + ".feed", y);
  }

  /// `square`: side of the squares, in which windows of 2 × 2 pixels are the tokens.
  at::Tensor spatial_block(const std::string& name, const at::Tensor& x, std::int64_t square,
                           std::int64_t heads) const {
    at::Tensor y = x.clone();
    for (std::int64_t c = 0; c < x.size(0); ++c) {
      for (std::int64_t top = 0; top < x.size(1); top += square) {
        for (std::int64_t left = 0; left < x.size(2); left += square) {
          const auto cut = [&](const at::Tensor& map) {
            return map[c].narrow(0, top, square).narrow(1, left, square);
          };
          // Feature 2·i + j of a token is the pixel in row i, column j of its window.
          std::vector<at::Tensor> features;
          for (std::int64_t i = 0; i < 2; ++i) {
            for (std::int64_t j = 0; j < 2; ++j)
              features.push_back(cut(x).slice(0, i, square, 2).slice(1, j, square, 2));
          }
          const at::Tensor seen = attention(name + ".attention", at::stack(features), heads);
          for (std::int64_t k = 0; k < 4; ++k)
            cut(y).slice(0, k / 2, square, 2).slice(1, k % 2, square, 2).add_(seen[k]);
        }
      }
    }
    return y + feed(name + ".feed", y);
  }

 private:
  const at::Tensor& weight(const std::string& name) const { return parameters_[name + ".weight"]; }
  const at::Tensor& bias(const std::string& name) const { return parameters_[name + ".bias"]; }

  at::Tensor linear(const std::string& name, const at::Tensor& x) const {
    return at::einsum("oi,ihw->ohw", {weight(name), x}) + bias(name).view({-1, 1, 1});
  }

  at::Tensor norm(const std::string& name, const at::Tensor& x) const {
    const at::Tensor centred = x - x.mean(0, true);
    return centred / (centred.square().mean(0, true) + 1e-5).sqrt() *
               weight(name).view({-1, 1, 1}) +
           bias(name).view({-1, 1, 1});
  }

  static at::Tensor gelu(const at::Tensor& x) {
    return x * 0.5 * (1 + at::erf(x / std::sqrt(2.0)));
  }

  at::Tensor feed(const std::string& name, const at::Tensor& x) const {
    const at::Tensor hidden = gelu(linear(name + ".widen", norm(name + ".norm", x)));
    const at::Tensor local = gelu(conv(name + ".local", hidden, 1, hidden.size(0)));
    return linear(name + ".narrow", hidden + local);
  }

  /// All places of the map look at each other: (C,side,side) → the same.
  at::Tensor attention(const std::string& name, const at::Tensor& x, std::int64_t heads) const {
    const auto side = x.size(1);
    const auto channels = x.size(0);
    const auto width = channels / heads;
    const at::Tensor query = linear(name + ".query", x).flatten(1);
    const at::Tensor rest = linear(name + ".rest", x);
    const at::Tensor key = rest.narrow(0, 0, channels).flatten(1);
    const at::Tensor value = rest.narrow(0, channels, channels).flatten(1);
    // What the table says of every pair of places, (heads,side²,side²).
    const at::Tensor place = at::arange(side * side, at::kLong);
    const auto apart = [&](const at::Tensor& of) {
      return of.unsqueeze(1) - of.unsqueeze(0) + side - 1;
    };
    const at::Tensor row = apart(place.floor_divide(side));
    const at::Tensor column = apart(place.remainder(side));
    const at::Tensor offsets = parameters_[name + ".bias.table"]
                                   .view({2 * side - 1, 2 * side - 1, heads})
                                   .index({row, column})
                                   .permute({2, 0, 1});
    std::vector<at::Tensor> seen;
    for (std::int64_t head = 0; head < heads; ++head) {
      const auto of = [&](const at::Tensor& map) { return map.narrow(0, head * width, width); };
      const at::Tensor logits =
          at::mm(of(query).t(), of(key)) / std::sqrt(static_cast<double>(width)) + offsets[head];
      const at::Tensor weights = (logits - logits.amax(1, true)).exp();
      seen.push_back(at::mm(of(value), (weights / weights.sum(1, true)).t()));
    }
    const auto reach = std::min<std::int64_t>(side - 1, 2);
    const at::Tensor places = conv(
        name + ".mix",
        conv(name + ".place", rest.narrow(0, 2 * channels, channels), reach, channels), 0, heads);
    return linear(name + ".proj", at::cat(seen).view_as(x) + places);
  }

  torch::OrderedDict<std::string, at::Tensor> parameters_;
};

TEST(Idt, ComputesThePublishedLayers) {
  torch::manual_seed(4);
  torch::NoGradGuard no_grad;
  const auto network = make("idt", kTiny);
  for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.1);
  const PlainIdt plain(*network);
  const List blocks = {1, 0, 2, 0, 1, 0, 1, 0, 1};
  const List heads = {1, 2, 2, 4, 4, 4, 2, 2, 1};
  const auto stage = [&](std::size_t i, at::Tensor x) {
    const std::string name = std::to_string(i);
    for (std::int64_t b = 0; b < blocks[i]; ++b)
      x = plain.window_block("stage" + name + "_" + std::to_string(b), x, heads[i]);
    if (i == 4) return x;
    return plain.spatial_block("spatial" + name, x, 32 >> (i < 4 ? i : 8 - i), heads[i]);
  };
  const at::Tensor x = at::rand({1, 3, 32, 64});
  at::Tensor deep = plain.conv("head", x[0], 1);
  deep = deep.clamp_min(0) + 0.01 * deep.clamp_max(0);
  std::vector<at::Tensor> skips;
  for (std::size_t i = 0; i < 4; ++i) {
    skips.push_back(stage(i, deep));
    deep = plain.conv("down" + std::to_string(i), skips[i], 1, 1, 2);
  }
  deep = stage(4, deep);
  for (std::size_t i = 4; i-- > 0;)
    deep = stage(8 - i, at::cat({plain.up("up" + std::to_string(7 - i), deep), skips[i]}));
  const at::Tensor expected = x[0] + plain.conv("outro", deep, 1);
  const at::Tensor got = network->forward(x)[0];
  EXPECT_TRUE(at::allclose(got, expected, 1e-3, 1e-3)) << (got - expected).abs().max();
}

TEST(Idt, StatesItsGeometry) {
  const auto geometry = make("idt")->geometry();
  EXPECT_EQ(geometry.scale, 1);
  EXPECT_EQ(geometry.alignment_px, 128);
  EXPECT_EQ(geometry.receptive_field_px, 2613);  // some ten squares to each side
  EXPECT_TRUE(geometry.global_statistics);
  EXPECT_EQ(make("idt", kTiny)->geometry().alignment_px, 32);
}

// A change reaches over the squares, but not farther than stated.
TEST(Idt, PassesContentOnToNeighbouringSquares) {
  torch::manual_seed(4);
  torch::NoGradGuard no_grad;
  const auto network = make("idt", kTiny);
  for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.1);
  const auto radius = network->geometry().receptive_field_px / 2;
  const auto squares = radius / 32 + 2;
  const auto x = at::rand({1, 3, 32, 32 * squares});
  auto changed = x.clone();
  changed.narrow(3, 32 * squares - 1, 1).add_(0.5);
  const auto difference = (network->forward(changed) - network->forward(x)).abs().amax({0, 1, 2});
  EXPECT_GT(difference.narrow(0, 32 * (squares - 3), 64).min().item<float>(), 0);
  EXPECT_EQ(difference.narrow(0, 0, 32 * squares - 1 - radius).max().item<float>(), 0);
}

TEST(Idt, RefusesImpossibleOptions) {
  EXPECT_CHIARO_ERROR(make("idt", {{"blocks", List{1, 1}}}), Usage,
                      "blocks needs one number for each stage; got 2; expected 9");
  EXPECT_CHIARO_ERROR(make("idt", {{"heads", List{}}}), Usage, "heads needs one number");
  EXPECT_CHIARO_ERROR(make("idt", {{"heads", List{1, 3, 4, 8, 16, 16, 8, 4, 2}}}), Usage,
                      "heads of stage 1; got 64 and 64 for 3 heads");
  EXPECT_CHIARO_ERROR(make("idt", {{"window", std::int64_t{6}}}), Usage,
                      "heads of stage 3; got 256 and 36 for 8 heads");
  EXPECT_CHIARO_ERROR(make("idt", {{"widht", std::int64_t{8}}}), Usage, "did you mean 'width'");
}

}  // namespace
}  // namespace chiaro::networks::idt_test
