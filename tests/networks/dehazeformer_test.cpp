#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <array>
#include <cmath>
#include <string>

#include "chiaro/networks/network.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::dehazeformer_test {
namespace {

using List = std::vector<std::int64_t>;

OptionTable sized(const List& blocks, const List& attention) {
  return {{"blocks", blocks}, {"attention", attention}};
}

const OptionTable kTiny = {{"width", std::int64_t{4}},         {"blocks", List{1, 1, 2, 1, 1}},
                           {"attention", List{0, 1, 2, 0, 0}}, {"heads", List{1, 2, 2, 1, 1}},
                           {"expansion", List{2, 2, 2, 2, 2}}, {"window", std::int64_t{3}}};

/// Scalars, and those of them that weigh and shift what the norms have normalised.
std::array<std::int64_t, 2> counts(const OptionTable& options) {
  const auto network = make("dehazeformer", options);
  std::int64_t of_norms = 0;
  for (const auto& item : network->named_parameters()) {
    const std::string& name = item.key();
    if (name.ends_with(".norm.weight") || name.ends_with(".norm.bias"))
      of_norms += item.value().numel();
  }
  return {parameter_count(*network), of_norms};
}

// The paper's table has 0.686, 1.283 and 2.514 M for -T, -S and -B, from a tool that counts modules
// and so leaves out the parameters that a norm holds itself.
TEST(Dehazeformer, HasThePublishedNumberOfParameters) {
  const std::array<OptionTable, 3> sizes = {OptionTable{}, sized({8, 8, 8, 4, 4}, {2, 4, 6, 0, 0}),
                                            sized({16, 16, 16, 8, 8}, {4, 8, 12, 0, 0})};
  const std::array<std::int64_t, 3> exact = {687'404, 1'284'884, 2'517'612};
  const std::array<std::int64_t, 3> published_k = {686, 1283, 2514};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto [all, of_norms] = counts(sizes[i]);
    EXPECT_EQ(all, exact[i]);
    EXPECT_EQ((all - of_norms) / 1000, published_k[i]);
  }
}

/// Multiply-accumulates of the default network on side × side pixels, layer by layer.
double expected_cost(double side) {
  const double c[] = {24, 48, 96, 48, 24};
  const double ratio[] = {2, 4, 4, 2, 2};
  const double count[] = {4, 4, 4, 2, 2};
  const double first[] = {4, 2, 0, 2, 2};  // block with attention
  const double heads[] = {2, 4, 6, 1, 1};
  const double sides[] = {side, side / 2, side / 4, side / 2, side};
  double cost = 27 * 24 * side * side + 9 * 24 * 4 * side * side;  // first and last convolution
  for (int i = 0; i < 5; ++i) {
    const double pixels = sides[i] * sides[i];
    for (int b = 0; b < count[i]; ++b) {
      cost += pixels * (2 * c[i] * c[i] + 25 * c[i] + 2 * c[i] * ratio[i] * c[i]);
      if (b < first[i]) continue;
      const double windows = std::pow(sides[i] / 8 + b % 2, 2);
      cost += pixels * c[i] * 2 * c[i] + windows * 2 * 64 * 64 * c[i];
      cost += 64 * 64 * (2 * 256 + 256 * heads[i]) + 2 * c[i];  // bias; scale and shift
    }
  }
  for (int level = 0; level < 2; ++level) {
    const double wide = c[level];
    const double fine = sides[level] * sides[level];
    cost += fine / 4 * (4 * wide * 2 * wide) + fine / 4 * (2 * wide * 4 * wide);  // down, up
    cost += fine * wide * wide + 3 * wide * std::max(std::floor(wide / 8), 4.0);  // skip, fusion
  }
  return cost;
}

TEST(Dehazeformer, CostsWhatItsLayersImply) {
  EXPECT_DOUBLE_EQ(multiplications(*make("dehazeformer"), 64, 64), expected_cost(64));
  // Published: 6.658 G for 256 × 256 px.
  EXPECT_NEAR(expected_cost(256) / 1e9, 6.658, 0.02);
}

/// The layers of one network by their names, on single pictures (C,H,W).
class Plain {
 public:
  explicit Plain(const Network& network) : parameters_(network.named_parameters()) {}

  at::Tensor conv(const std::string& name, const at::Tensor& x, std::int64_t radius = 0,
                  std::int64_t groups = 1, std::int64_t stride = 1) const {
    const auto* bias = parameters_.find(name + ".bias");
    at::Tensor planes = x.unsqueeze(0);
    if (radius > 0) planes = at::reflection_pad2d(planes, {radius, radius, radius, radius});
    const std::vector<std::int64_t> no_padding = {0, 0};
    return at::conv2d(planes, parameters_[name + ".weight"], bias ? *bias : at::Tensor(), stride,
                      no_padding, 1, groups)[0];
  }

  at::Tensor block(const std::string& name, const at::Tensor& x, std::int64_t heads,
                   std::int64_t shift) const {
    at::Tensor inner = x;
    const double mean = x.mean().item<double>();
    const double deviation = std::sqrt((x - mean).square().mean().item<double>() + 1e-5);
    if (heads > 0) {
      inner = (x - mean) / deviation * parameters_[name + ".norm.weight"][0] +
              parameters_[name + ".norm.bias"][0];
    }
    const at::Tensor value = conv(name + ".value", inner);
    at::Tensor mixed = conv(name + ".local", value, 2, x.size(0));
    if (heads > 0) mixed = mixed + attention(name + ".attention", inner, value, heads, shift);
    mixed = conv(name + ".proj", mixed);
    if (heads > 0) {
      const auto affine = [&](const std::string& map, double of) {
        return parameters_[name + ".norm." + map + ".weight"].view({-1, 1, 1}) * of +
               parameters_[name + ".norm." + map + ".bias"].view({-1, 1, 1});
      };
      mixed = mixed * affine("scale", deviation) + affine("shift", mean);
    }
    const at::Tensor y = x + mixed;
    return y + conv(name + ".narrow", conv(name + ".widen", y).clamp_min(0));
  }

  at::Tensor fused(const std::string& name, const at::Tensor& deep, const at::Tensor& skip) const {
    const at::Tensor means = (deep + skip).mean(at::IntArrayRef{1, 2}, true);
    const at::Tensor scores =
        conv(name + ".excite", conv(name + ".squeeze", means).clamp_min(0)).view({2, -1, 1, 1});
    const at::Tensor share = at::sigmoid(scores[0] - scores[1]);  // softmax of two
    return share * deep + (1 - share) * skip + deep;
  }

 private:
  // Pixel by pixel: the window of a pixel, whose places outside the map are mirrored into it.
  at::Tensor attention(const std::string& name, const at::Tensor& x, const at::Tensor& value,
                       std::int64_t heads, std::int64_t shift) const {
    constexpr std::int64_t kWindow = 3;
    const at::Tensor query_key = conv(name + ".query_key", x);
    const auto width = x.size(0) / heads;
    const auto mirror = [](std::int64_t place, std::int64_t size) {
      if (place < 0) return -place;
      return place < size ? place : 2 * size - 2 - place;
    };
    const auto bias = [&](std::int64_t row, std::int64_t column, std::int64_t head) {
      const auto squash = [](std::int64_t d) {
        return std::copysign(std::log(1.0 + static_cast<double>(std::abs(d))),
                             static_cast<double>(d));
      };
      const at::Tensor hidden =
          (parameters_[name + ".hidden.weight"].select(1, 0) * squash(row) +
           parameters_[name + ".hidden.weight"].select(1, 1) * squash(column) +
           parameters_[name + ".hidden.bias"])
              .clamp_min(0);
      return ((parameters_[name + ".bias.weight"][head] * hidden).sum() +
              parameters_[name + ".bias.bias"][head])
          .item<double>();
    };
    at::Tensor result = at::zeros_like(value);
    for (std::int64_t y = 0; y < x.size(1); ++y) {
      for (std::int64_t z = 0; z < x.size(2); ++z) {
        const auto top = (y + shift) / kWindow * kWindow - shift;
        const auto left = (z + shift) / kWindow * kWindow - shift;
        for (std::int64_t head = 0; head < heads; ++head) {
          const auto from = head * width;
          const at::Tensor query = query_key.narrow(0, from, width).select(2, z).select(1, y);
          at::Tensor sum = at::zeros({width});
          double total = 0;
          for (std::int64_t row = top; row < top + kWindow; ++row) {
            for (std::int64_t column = left; column < left + kWindow; ++column) {
              const auto r = mirror(row, x.size(1));
              const auto c = mirror(column, x.size(2));
              const at::Tensor key =
                  query_key.narrow(0, x.size(0) + from, width).select(2, c).select(1, r);
              const double match = (query * key).sum().item<double>();
              const double weight = std::exp(match / std::sqrt(static_cast<double>(width)) +
                                             bias(y - row, z - column, head));
              total += weight;
              sum = sum + weight * value.narrow(0, from, width).select(2, c).select(1, r);
            }
          }
          result.narrow(0, from, width).select(2, z).select(1, y).copy_(sum / total);
        }
      }
    }
    return result;
  }

  torch::OrderedDict<std::string, at::Tensor> parameters_;
};

TEST(Dehazeformer, ComputesThePublishedLayers) {
  torch::manual_seed(4);
  torch::NoGradGuard no_grad;
  const auto network = make("dehazeformer", kTiny);
  for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.3);
  const Plain plain(*network);
  const auto up = [&](const std::string& name, const at::Tensor& x) {
    return at::pixel_shuffle(plain.conv(name, x).unsqueeze(0), 2)[0];
  };
  const at::Tensor x = at::rand({1, 3, 12, 24});
  const at::Tensor first = plain.block("stage0_0", plain.conv("head", x[0], 1), 0, 0);
  const at::Tensor second = plain.block("stage1_0", plain.conv("down0", first, 0, 1, 2), 2, 0);
  at::Tensor deep = plain.conv("down1", second, 0, 1, 2);
  deep = plain.block("stage2_1", plain.block("stage2_0", deep, 2, 0), 2, 1);
  deep = plain.fused("fusion1", up("up1", deep), plain.conv("skip1", second));
  deep = plain.block("stage3_0", deep, 0, 0);
  deep = plain.fused("fusion0", up("up0", deep), plain.conv("skip0", first));
  const at::Tensor last = plain.conv("outro", plain.block("stage4_0", deep, 0, 0), 1);
  const at::Tensor expected = last[0] * x[0] - last.narrow(0, 1, 3) + x[0];
  EXPECT_TRUE(at::allclose(network->forward(x)[0], expected, 1e-3, 1e-3));
}

TEST(Dehazeformer, StatesItsGeometry) {
  const auto geometry = make("dehazeformer")->geometry();
  EXPECT_EQ(geometry.scale, 1);
  EXPECT_EQ(geometry.alignment_px, 32);
  EXPECT_TRUE(geometry.global_statistics);
  // Without attention, one convolution of 5×5 in stages 0, 2 and 4 beside the first and the last of
  // 3×3: pixel 2 sees −1 on the finest level, which is −1 on the coarsest, and there −3, which
  // begins at −12, and 3 px more.
  OptionTable options = sized({1, 0, 1, 0, 1}, {0, 0, 0, 0, 0});
  EXPECT_EQ(make("dehazeformer", options)->geometry().receptive_field_px, 2 * (2 + 12 + 3) + 1);
  // With attention in stage 2 alone: pixel 0 sees −1, so the whole window of 8 · 4 px beside its
  // own.
  options = sized({0, 0, 1, 0, 0}, {0, 0, 1, 0, 0});
  EXPECT_EQ(make("dehazeformer", options)->geometry().receptive_field_px, 2 * (32 + 1) + 1);
}

TEST(Dehazeformer, EveryPixelDependsOnTheWholePicture) {
  torch::manual_seed(4);
  torch::NoGradGuard no_grad;
  const auto network = make("dehazeformer", kTiny);
  for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.3);
  const auto x = at::rand({1, 3, 12, 240});
  auto changed = x.clone();
  changed.narrow(3, 228, 12).add_(0.5);
  const auto field = network->geometry().receptive_field_px;
  ASSERT_LT(field, 200);
  const auto difference = (network->forward(changed) - network->forward(x)).abs();
  EXPECT_GT(difference.narrow(3, 0, 228 - field).amax(1).min().item<float>(), 0);
}

TEST(Dehazeformer, RefusesImpossibleOptions) {
  EXPECT_CHIARO_ERROR(make("dehazeformer", {{"blocks", List{4, 4, 4}}}), Usage,
                      "blocks needs one number for each stage; got 3; expected 5");
  EXPECT_CHIARO_ERROR(make("dehazeformer", {{"heads", List{}}}), Usage, "heads needs one number");
  EXPECT_CHIARO_ERROR(make("dehazeformer", {{"attention", List{0, 5, 4, 0, 0}}}), Usage,
                      "in stage 1; got 5; expected at most 4");
  EXPECT_CHIARO_ERROR(make("dehazeformer", {{"heads", List{2, 5, 6, 1, 1}}}), Usage,
                      "stage 1 are shared out among its heads; got 48 for 5 heads");
  EXPECT_CHIARO_ERROR(make("dehazeformer", {{"window", std::int64_t{2}}}), Usage, "window");
  EXPECT_CHIARO_ERROR(make("dehazeformer", {{"widht", std::int64_t{8}}}), Usage,
                      "did you mean 'width'");
}

}  // namespace
}  // namespace chiaro::networks::dehazeformer_test
