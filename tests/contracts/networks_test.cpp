// Laws for every network of the catalogue.
#include "chiaro/networks/network.h"

#include <ATen/autocast_mode.h>
#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/contracts/light_networks.h"
#include "tests/support/expect_error.h"
#include "tests/support/second_device.h"

namespace chiaro::networks::networks_test {
namespace {

/// A light network with a known seed.
std::shared_ptr<Network> seeded(const std::string& name, std::uint64_t seed = 1) {
  torch::manual_seed(seed);
  return make(name, light(name));
}

/// The picture as large as the network's output: every pixel repeated.
at::Tensor enlarged(const Network& network, const at::Tensor& x) {
  const auto scale = network.geometry().scale;
  return x.repeat_interleave(scale, 2).repeat_interleave(scale, 3);
}

/// Weights as after some training: nothing at zero any more, activations of moderate size.
void stir(Network& network) {
  torch::NoGradGuard no_grad;
  for (auto& parameter : network.parameters()) {
    const double fan_in = parameter.dim() > 1 ? static_cast<double>(parameter[0].numel()) : 1.0;
    parameter.add_(at::randn_like(parameter), 0.1 / std::sqrt(std::max(fan_in, 1.0)));
  }
}

class Networks : public testing::TestWithParam<std::string> {
 protected:
  /// A picture a little larger than the smallest, its sides unlike and odd multiples of the
  /// alignment.
  at::Tensor picture(const Network& network, std::int64_t count = 1) const {
    const std::int64_t unit = network.geometry().alignment_px;
    const std::int64_t least = (12 + unit - 1) / unit;
    const auto odd = [](std::int64_t n) { return n + (n + 1) % 2; };
    return at::rand({count, 3, odd(least) * unit, odd(least + 1) * unit});
  }
};

INSTANTIATE_TEST_SUITE_P(Catalogue, Networks, testing::ValuesIn(names()),
                         [](const auto& row) { return row.param; });

TEST_P(Networks, DescribesItself) {
  const auto& entry = find(GetParam());
  EXPECT_EQ(entry.name, GetParam());
  EXPECT_FALSE(entry.summary.empty());
  EXPECT_NE(entry.reference.find("https://"), std::string::npos);
  EXPECT_FALSE(entry.options.empty());
  for (const auto& option : entry.options) EXPECT_FALSE(option.help.empty()) << option.name;
}

// The sizes of the defaults; a change here breaks every bundle and checkpoint that relies on them.
TEST_P(Networks, HasTheKnownNumberOfParameters) {
  const std::map<std::string, std::int64_t> known{
      {"resunet", 1'807'331},    {"nafnet", 29'159'715},    {"dncnn", 557'443},
      {"mmf_unet", 2'008'019},   {"edsr", 1'369'859},       {"ffa_net", 4'455'913},
      {"swinir", 910'152},       {"dehazeformer", 687'404}, {"idt", 16'416'463},
      {"mosaic_unet", 1'808'780}};
  ASSERT_TRUE(known.contains(GetParam())) << "add it to the table";
  EXPECT_EQ(parameter_count(*make(GetParam())), known.at(GetParam()));
}

TEST_P(Networks, OutputHasTheStatedSize) {
  const auto network = seeded(GetParam());
  const auto scale = network->geometry().scale;
  torch::NoGradGuard no_grad;
  const auto x = picture(*network, 2);
  const auto y = network->forward(x);
  EXPECT_EQ(y.sizes(), (at::IntArrayRef{2, 3, scale * x.size(2), scale * x.size(3)}));
  EXPECT_EQ(y.scalar_type(), at::kFloat);
}

TEST_P(Networks, RunsOnAnotherDevice) {
  const auto network = seeded(GetParam());
  stir(*network);
  const at::Tensor x = picture(*network, 2);
  const at::Tensor expected = network->forward(x);
  network->to(second_device());
  const at::Tensor y = network->forward(x.to(second_device()));
  ASSERT_EQ(y.device(), second_device());
  EXPECT_TRUE(at::allclose(y.cpu(), expected, 1e-4, 1e-5));
  y.square().sum().backward();
  for (const auto& parameter : network->named_parameters()) {
    const at::Tensor gradient = parameter.value().grad();
    EXPECT_TRUE(!gradient.defined() || gradient.device() == second_device()) << parameter.key();
  }
}

TEST_P(Networks, OptionsSurviveAsText) {
  OptionTable table;
  for (const auto& option : find(GetParam()).options) table[option.name] = option.default_value;
  for (const auto& [key, value] : light(GetParam())) table[key] = value;
  for (auto& [key, value] : table) value = parse_value(to_text(value));
  torch::manual_seed(1);
  const auto spelled_out = make(GetParam(), table)->named_parameters();
  const auto direct = seeded(GetParam())->named_parameters();
  ASSERT_EQ(spelled_out.keys(), direct.keys());
  for (const auto& item : direct)
    EXPECT_TRUE(at::equal(item.value(), spelled_out[item.key()])) << item.key();
}

TEST_P(Networks, RefusesAnUnknownOption) {
  EXPECT_CHIARO_ERROR(make(GetParam(), {{"no_such_option", true}}), Usage, "no_such_option");
}

TEST_P(Networks, SeedDecidesTheWeights) {
  const auto first = seeded(GetParam(), 1)->parameters();
  const auto again = seeded(GetParam(), 1)->parameters();
  const auto other = seeded(GetParam(), 2)->parameters();
  bool differs = false;
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_TRUE(at::equal(first[i], again[i]));
    differs = differs || !at::equal(first[i], other[i]);
  }
  EXPECT_TRUE(differs);
}

TEST_P(Networks, EveryWeightGetsAFiniteGradient) {
  const auto network = seeded(GetParam());
  const auto x = picture(*network, 2);
  network->forward(x).square().mean().backward();
  for (const auto& item : network->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(at::isfinite(item.value().grad()).all().item<bool>()) << item.key();
  }
  // Zeros are fair only where a later layer starts at zero.
  network->zero_grad();
  stir(*network);
  Condition told;
  if (network->condition_width() > 0) told.code = at::rand({2, network->condition_width()});
  network->forward(x, told).square().mean().backward();
  for (const auto& item : network->named_parameters()) {
    EXPECT_TRUE(at::isfinite(item.value().grad()).all().item<bool>()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<float>(), 0) << item.key();
  }
}

TEST_P(Networks, OneByOneEqualsStacked) {
  const auto network = seeded(GetParam());
  stir(*network);
  network->eval();
  torch::NoGradGuard no_grad;
  const auto x = picture(*network, 3);
  const auto stacked = network->forward(x);
  for (std::int64_t n = 0; n < 3; ++n) {
    const auto alone = network->forward(x.narrow(0, n, 1));
    EXPECT_LT((alone - stacked.narrow(0, n, 1)).abs().max().item<float>(), 1e-4);
  }
}

TEST_P(Networks, ChannelsLastEqualsContiguous) {
  const auto network = seeded(GetParam());
  stir(*network);
  network->eval();
  torch::NoGradGuard no_grad;
  const auto x = picture(*network, 2);
  const auto expected = network->forward(x);
  for (auto& parameter : network->parameters()) {
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
  const auto last = network->forward(x.contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_LT((last - expected).abs().max().item<float>(), 1e-4);
}

TEST_P(Networks, AutocastToBfloat16IsClose) {
  const auto network = seeded(GetParam());
  stir(*network);
  const auto x = picture(*network, 2);
  at::Tensor expected;
  {
    torch::NoGradGuard no_grad;
    expected = network->forward(x);
  }
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  const auto y = network->forward(x);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  y.to(at::kFloat).square().mean().backward();
  EXPECT_EQ(y.scalar_type(), at::kFloat);
  // Relative to what the network adds to its input.
  const auto added = (expected - enlarged(*network, x)).square().mean().sqrt().item<float>();
  EXPECT_GT(added, 0);
  EXPECT_LT((y - expected).square().mean().sqrt().item<float>(), 0.05 * added);
  for (const auto& item : network->named_parameters()) {
    EXPECT_TRUE(at::isfinite(item.value().grad()).all().item<bool>()) << item.key();
  }
}

TEST_P(Networks, IgnoresAConditionItDoesNotTake) {
  const auto network = seeded(GetParam());
  if (network->condition_width() > 0) GTEST_SKIP() << "takes one";
  torch::NoGradGuard no_grad;
  const auto x = picture(*network);
  const Condition condition{at::rand({1, 8})};
  EXPECT_TRUE(at::equal(network->forward(x, condition), network->forward(x)));
}

/// Along one axis (2 or 3), the farthest input pixel with influence on an output pixel, over all
/// positions of the output pixel relative to the coarse grid. All weights are positive, so
/// influences cannot cancel.
std::int64_t measured_radius(Network& network, int axis) {
  const auto geometry = network.geometry();
  const std::int64_t unit = geometry.alignment_px;
  const std::int64_t middle =
      (geometry.receptive_field_px / 2 / unit + 2) * unit;  // farther from the rim than the radius
  std::vector<std::int64_t> shape{1, 3, unit, unit};
  shape[static_cast<std::size_t>(axis)] = 2 * middle;
  const std::vector<std::int64_t> others{0, 1, 5 - axis};
  std::int64_t radius = 0;
  for (std::int64_t phase = 0; phase < unit * geometry.scale; ++phase) {
    const auto x = at::rand(shape).requires_grad_(true);
    const std::int64_t at_px = middle + phase / geometry.scale;
    network.forward(x).select(axis, middle * geometry.scale + phase).sum().backward();
    const auto influence = x.grad().abs().amax(others);
    const auto touched = influence.nonzero().flatten();
    radius = std::max({radius, at_px - touched.min().item<std::int64_t>(),
                       touched.max().item<std::int64_t>() - at_px});
  }
  return radius;
}

TEST_P(Networks, ReceptiveFieldIsExactlyAsStated) {
  const auto network = seeded(GetParam());
  const auto geometry = network->geometry();
  EXPECT_EQ(geometry.receptive_field_px % 2, 1);
  if (geometry.global_statistics) GTEST_SKIP() << "depends on the whole picture";
  stir(*network);
  for (auto& parameter : network->parameters()) {
    // Positive, with sums near one for each channel: neither overflow nor underflow on the longest
    // path.
    parameter.set_requires_grad(false);
    parameter.abs_();
    parameter.div_(parameter.sum() / static_cast<double>(parameter.size(0)));
  }
  network->eval();
  for (const int axis : {2, 3})
    EXPECT_EQ(2 * measured_radius(*network, axis) + 1, geometry.receptive_field_px);
}

// The same promise as tiling uses it: whatever happens outside the field leaves an output pixel as
// it is, bit for bit.
TEST_P(Networks, PixelsOutsideTheReceptiveFieldDoNotMatter) {
  const auto network = seeded(GetParam());
  const auto geometry = network->geometry();
  if (geometry.global_statistics) GTEST_SKIP() << "depends on the whole picture";
  stir(*network);
  network->eval();
  torch::NoGradGuard no_grad;
  const std::int64_t unit = geometry.alignment_px;
  const std::int64_t radius = (geometry.receptive_field_px - 1) / 2;
  const std::int64_t side = (2 * radius / unit + 3) * unit;
  const std::int64_t centre = side / 2 + 1;
  const auto x = at::rand({1, 3, unit, side});
  auto changed = at::rand_like(x);
  changed.narrow(3, centre - radius, 2 * radius + 1)
      .copy_(x.narrow(3, centre - radius, 2 * radius + 1));
  const auto before = network->forward(x);
  const auto after = network->forward(changed);
  const auto seen = [&](const at::Tensor& y) {
    return y.narrow(3, centre * geometry.scale, geometry.scale);
  };
  EXPECT_TRUE(at::equal(seen(before), seen(after)));
  EXPECT_FALSE(at::equal(before, after));
}

TEST_P(Networks, LossFallsOverTwentySteps) {
  const auto network = seeded(GetParam());
  std::int64_t cell = 8;  // pixels of one colour, so many that the sides fit the alignment
  while (4 * cell % network->geometry().alignment_px != 0) ++cell;
  const auto clean = at::rand({2, 3, 4, 4}).repeat_interleave(cell, 2).repeat_interleave(cell, 3);
  const auto dark = 0.5 * clean;
  const auto target = enlarged(*network, clean);
  torch::optim::AdamW optimizer(network->parameters(), torch::optim::AdamWOptions(1e-3));
  double first = 0;
  double last = 0;
  for (int step = 0; step < 20; ++step) {
    optimizer.zero_grad();
    const auto loss = (network->forward(dark) - target).square().mean();
    loss.backward();
    optimizer.step();
    last = loss.item<double>();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, 0.8 * first);
}

TEST_P(Networks, MultiplicationsGrowWithThePicture) {
  const auto network = seeded(GetParam());
  const std::int64_t unit = std::max<std::int64_t>(8, network->geometry().alignment_px);
  const double once = multiplications(*network, unit, unit);
  EXPECT_GT(once, 0);
  EXPECT_NEAR(multiplications(*network, 2 * unit, 2 * unit) / once, 4.0, 0.2);
}

}  // namespace
}  // namespace chiaro::networks::networks_test
