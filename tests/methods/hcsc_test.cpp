#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <cmath>

#include "chiaro/base/rng.h"
#include "chiaro/checkpoint/module_state.h"
#include "chiaro/losses/cluster_agreement.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/crop_pairs.h"
#include "chiaro/networks/encoder.h"
#include "tests/methods/named_losses.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::hcsc_test {
namespace {

using List = std::vector<std::int64_t>;

const std::vector<std::string> kKinds = {"clean", "noise", "dark", "flat"};

OptionTable small(OptionTable extra = {}) {
  OptionTable options = {{"width", std::int64_t{4}},
                         {"hidden", std::int64_t{32}},
                         {"dimension", std::int64_t{16}},
                         {"queue", std::int64_t{256}},
                         {"prototypes", List{16, 8, 4}},
                         {"tree_every", std::int64_t{10}},
                         {"momentum", 0.9},
                         {"health_every", std::int64_t{1}}};
  for (auto& [key, value] : extra) options[key] = value;
  return options;
}

std::unique_ptr<Method> made(const OptionTable& options, std::uint64_t seed = 1) {
  torch::manual_seed(seed);
  return hcsc().make({.network = nullptr, .tasks = {}, .seed = seed, .kinds = kKinds}, options);
}

/// Waves of random directions: undamaged, noisy, dark or of low contrast in turn, two samples in a
/// row of one kind, four of one scene by name. identical: one and the same picture in all samples
/// of all batches.
data::Batch batch_of(std::int64_t count, std::uint64_t seed, bool identical = false) {
  torch::manual_seed(identical ? 0 : seed);
  const auto x = at::arange(64, at::kFloat).view({1, 1, 1, 64});
  const auto y = at::arange(64, at::kFloat).view({1, 1, 64, 1});
  const auto wave = [&] { return 0.4 * at::rand({count, 3, 1, 1}); };
  at::Tensor clean = 0.5 + 0.2 * (wave() * x).sin() + 0.2 * (wave() * y).cos();
  const auto kind = at::arange(count, at::kLong).div(2, "floor") % 4;
  const auto is = [&](std::int64_t k) { return kind.eq(k).view({count, 1, 1, 1}); };
  data::Batch batch;
  batch.input = at::where(is(1), clean + 0.1 * at::randn_like(clean), clean);
  batch.input = at::where(is(2), 0.3 * clean, batch.input);
  batch.input = at::where(is(3), 0.5 + 0.15 * (clean - 0.5), batch.input).clamp(0, 1);
  if (identical) batch.input = batch.input[0].expand({count, 3, 64, 64}).contiguous();
  batch.context = batch.input;
  batch.kinds = at::one_hot(kind, 4).to(at::kBool);
  batch.severity = kind.gt(0).to(at::kFloat) * 0.5;
  batch.severities = batch.kinds.to(at::kFloat) * 0.5;
  batch.content = at::arange(count, at::kLong).div(4, "floor");
  for (std::int64_t i = 0; i < count; ++i) {
    batch.seeds.push_back(1000 * seed + static_cast<std::uint64_t>(i));
    batch.origins.emplace_back("made");
  }
  return batch;
}

/// Trains as the loop does; what the last step said.
Losses train(Method& method, std::int64_t steps, bool identical = false, std::int64_t batch = 16,
             double rate = 3e-3) {
  torch::optim::Adam optimizer(method.trainable("train"), torch::optim::AdamOptions(rate));
  Losses last;
  for (std::int64_t step = 0; step < steps; ++step) {
    StepInfo info{.step = step, .total_steps = steps, .phase = "train"};
    last = method.losses(batch_of(batch, static_cast<std::uint64_t>(step), identical), info);
    optimizer.zero_grad();
    total(last).backward();
    optimizer.step();
    ++info.step;
    const at::NoGradGuard no_grad;
    method.after_step(info);
  }
  return last;
}

/// How well the nodes of a level agree with the kinds of fresh pictures.
double agreement(Method& method, std::int64_t level) {
  const at::NoGradGuard no_grad;
  const auto batch = batch_of(160, 999);
  const Product product = method.product();
  const auto path = product.tree->path(product.encoder->encode(batch.input)).select(1, level);
  List nodes;
  List kinds;
  for (std::int64_t i = 0; i < 160; ++i) {
    nodes.push_back(path[i].item<std::int64_t>());
    kinds.push_back(i / 2 % 4);
  }
  return losses::adjusted_information(nodes, kinds);
}

/// InfoNCE of codes (N,D) with their keys against the queue, by its formula.
double plain_contrast(Method& method, const at::Tensor& queries, const at::Tensor& keys) {
  const auto encoder = method.product().encoder;  // of the keys; at first that of the queries too
  const at::NoGradGuard no_grad;
  const auto z = encoder->encode(queries).to(at::kDouble);
  const auto own = (z * encoder->encode(keys)).sum(1) / 0.2;
  const auto others =
      at::matmul(z, method.state().named_buffers()["queue.keys"].to(at::kDouble).t()) / 0.2;
  return ((own.exp() + others.exp().sum(1)).log() - own).mean().item<double>();
}

TEST(Hcsc, BeginsAsPlainContrastAgainstRandomKeys) {
  const auto method = made(small());
  const auto batch = batch_of(16, 0);
  const CropPairs pairs(batch, networks::kEncoderAlignmentPx, 1, Overlap::Allowed);
  const auto crops = pairs.cut(batch.input).chunk(2);
  const double expected = plain_contrast(*method, crops[0], crops[1]);
  const Losses losses = method->losses(batch, {.step = 0, .total_steps = 50});
  ASSERT_EQ(losses.terms.size(), 1U);
  EXPECT_NEAR(term(losses, "instance"), expected, 1e-4);
  EXPECT_NEAR(meter(losses, "contrast_collapsed"), std::log(257.0), 1e-9);
  EXPECT_FALSE(method->views().needs_target);
  EXPECT_EQ(method->product().restorer, nullptr);
  EXPECT_FALSE(method->product().tree->built());
}

TEST(Hcsc, TheTreeComesAfterTheWarmup) {
  const auto method = made(small({{"warmup", 0.5}}));
  train(*method, 8);
  EXPECT_TRUE(method->product().tree->built());
  const Losses before = method->losses(batch_of(16, 1), {.step = 3, .total_steps = 8});
  EXPECT_EQ(before.terms.size(), 1U);
  const Losses after = method->losses(batch_of(16, 1), {.step = 4, .total_steps = 8});
  EXPECT_EQ(after.terms.size(), 2U);
  EXPECT_TRUE(std::isfinite(term(after, "prototype")));
}

// warmup = 1 is MoCo: no other term, but the tree of what was learned is there in the end.
TEST(Hcsc, WarmupOfOneIsFlat) {
  const auto method = made(small({{"warmup", 1.0}}));
  EXPECT_EQ(train(*method, 20).terms.size(), 1U);
  EXPECT_TRUE(method->product().tree->built());
}

TEST(Hcsc, LearnsKindsWithoutLabels) {
  const auto method = made(small());
  train(*method, 120);
  const double leaves = agreement(*method, 1);
  const auto untrained = made(small(), 2);
  train(*untrained, 20, /*identical=*/false, 16, /*rate=*/0);
  EXPECT_GT(leaves, 0.3);
  EXPECT_GT(leaves, agreement(*untrained, 1));
}

// What probably belongs to the query's node goes: more of its own kind than of all.
TEST(Hcsc, SelectionDropsItsOwnKind) {
  const auto method = made(small());
  const Losses last = train(*method, 60);
  EXPECT_GT(meter(last, "dropped_same_kind"), 1.2 * meter(last, "dropped"));
  // Three of four keys are of other kinds; keys dropped at random would leave it so.
  EXPECT_GT(meter(last, "kept_other_kind"), 0.755);
}

TEST(Hcsc, MeasuringChangesNothing) {
  const auto method = made(small());
  train(*method, 12);
  checkpoint::Checkpoint before;
  checkpoint::put_module(before, "state", method->state());
  for (auto& [name, tensor] : before.tensors) tensor = tensor.clone();
  {
    const at::NoGradGuard no_grad;
    method->losses(batch_of(16, 70), {.step = 12, .total_steps = 20});
  }
  checkpoint::Checkpoint after;
  checkpoint::put_module(after, "state", method->state());
  for (const auto& [name, tensor] : before.tensors)
    EXPECT_TRUE(at::equal(tensor, after.tensors.at(name))) << name;
}

TEST(Hcsc, KeysLagAndTakeNoGradient) {
  const auto method = made(small({{"momentum", 0.75}}));
  const auto query = method->trainable("train");
  const auto key = method->product().encoder->parameters();
  ASSERT_EQ(query.size(), key.size());
  for (std::size_t i = 0; i < key.size(); ++i) {
    EXPECT_TRUE(at::equal(query[i], key[i])) << i;
    EXPECT_FALSE(key[i].requires_grad());
  }
  const at::NoGradGuard no_grad;
  const auto before = key[0].clone();
  query[0].add_(1);
  method->after_step({.step = 1, .total_steps = 100});
  EXPECT_TRUE(at::allclose(key[0], before + 0.25, 1e-5, 1e-6));
}

// Pictures that are all the same: codes coincide, the loss cannot fall, and that is said. The
// encoder stands still, because the age of a key would tell the keys of a moving one apart.
TEST(Hcsc, IdenticalPicturesAreNoticed) {
  const auto method = made(small({{"queue", std::int64_t{32}}}));
  const Losses last = train(*method, 20, /*identical=*/true, 16, /*rate=*/0);
  ASSERT_EQ(last.warnings.size(), 1U);
  EXPECT_TRUE(std::isfinite(total(last).item<double>()));
  for (std::int64_t l = 0; l < 3; ++l)
    EXPECT_LE(method->product().tree->prototypes(l).size(0), 16) << l;
}

TEST(Hcsc, SaysHowItsCodesLieAndWhichDamageIsFound) {
  const Losses losses = train(*made(small()), 12);
  EXPECT_GT(meter(losses, "contrast_alignment"), 0);
  EXPECT_LT(meter(losses, "contrast_alignment"), 2);  // nearer than chance would have them
  EXPECT_LT(meter(losses, "contrast_uniformity"), 0);
  EXPECT_GT(meter(losses, "contrast_rank"), 1);
  EXPECT_LE(meter(losses, "contrast_rank"), 16);
  EXPECT_NEAR(meter(losses, "contrast_collapsed"), std::log(1 + 256), 1e-9);
  double mean = 0;
  for (const auto& kind : kKinds) mean += meter(losses, "contrast_nearest_" + kind) / 4;
  EXPECT_NEAR(mean, meter(losses, "contrast_nearest"), 1e-9);  // four samples of each kind
}

TEST(Hcsc, FewerSamplesThanPrototypes) {
  const auto method = made(
      small({{"prototypes", List{200, 100, 50}}, {"queue", std::int64_t{400}}, {"warmup", 0.0}}));
  train(*method, 3, false, 4);
  EXPECT_LE(method->product().tree->prototypes(0).size(0), 6);
  EXPECT_TRUE(std::isfinite(total(train(*method, 6, false, 4)).item<double>()));
}

TEST(Hcsc, QueueLargerThanTheData) {
  const auto method = made(small({{"queue", std::int64_t{4096}}}));
  torch::optim::Adam optimizer(method->trainable("train"), torch::optim::AdamOptions(3e-3));
  const auto only = batch_of(4, 1);  // four pictures, again and again
  Losses last;
  for (std::int64_t step = 0; step < 30; ++step) {
    last = method->losses(only, {.step = step, .total_steps = 30});
    optimizer.zero_grad();
    total(last).backward();
    optimizer.step();
    const at::NoGradGuard no_grad;
    method->after_step({.step = step + 1, .total_steps = 30});
  }
  EXPECT_TRUE(std::isfinite(total(last).item<double>()));
  // All of the queue repels, but the tree is made of the keys that have been pushed: the random
  // ones carry no kinds, so a node with one among its members would have shares that sum to less.
  EXPECT_NEAR(meter(last, "contrast_collapsed"), std::log(1 + 4096.0), 1e-9);
  EXPECT_EQ(method->state().named_buffers()["queue.pushed"].item<std::int64_t>(), 30 * 4);
  const auto tree = method->product().tree;
  for (std::int64_t l = 0; l < tree->levels(); ++l) {
    const auto shares = tree->attributes(l).narrow(1, 0, 4).sum(1);
    EXPECT_TRUE(at::allclose(shares, at::ones_like(shares), 1e-4, 1e-5)) << l;
  }
}

TEST(Hcsc, DamagePairsAreContrastedAsTheyCome) {
  const auto method = made(small({{"positives", std::string("damage")}}));
  const auto batch = batch_of(16, 0);
  const double expected =
      plain_contrast(*method, batch.input.slice(0, 0, 16, 2), batch.input.slice(0, 1, 16, 2));
  EXPECT_NEAR(term(method->losses(batch, {}), "instance"), expected, 1e-4);
}

// With selection and prototypes at work, a step against the gradient makes the same loss smaller.
TEST(Hcsc, EveryOptionTrains) {
  for (const OptionTable& extra : {OptionTable{{"positives", std::string("damage")}},
                                   OptionTable{{"dropped", std::string("zeroed")},
                                               {"excluded", std::string("batch")},
                                               {"last_prototype", false}},
                                   OptionTable{{"scene_weight", 2.0}},
                                   OptionTable{{"temperatures", std::string("common")},
                                               {"least_members", std::int64_t{3}},
                                               {"instance_reduce", std::string("mean")}}}) {
    const auto method = made(small(extra));
    train(*method, 14);
    const auto batch = batch_of(16, 60);
    const StepInfo info{.step = 14, .total_steps = 20};
    const auto value = [&] {
      const at::NoGradGuard no_grad;  // the queue stays as it is
      return total(method->losses(batch, info)).item<double>();
    };
    const double before = value();
    auto buffers = method->state().named_buffers();
    const at::Tensor keys = buffers["queue.keys"].clone();
    for (const auto& parameter : method->trainable("train")) parameter.mutable_grad().reset();
    total(method->losses(batch, info)).backward();
    const at::NoGradGuard no_grad;
    buffers["queue.keys"].copy_(keys);
    EXPECT_EQ(value(), before);
    double slope = 0;  // of the loss along its gradient
    for (const auto& parameter : method->trainable("train"))
      slope += parameter.grad().square().sum().item<double>();
    constexpr double kStep = 1e-3;
    for (auto& parameter : method->trainable("train"))
      parameter.add_(parameter.grad(), -kStep / std::sqrt(slope));
    EXPECT_NEAR((before - value()) / (kStep * std::sqrt(slope)), 1, 0.3) << slope;
  }
}

/// What one draw of a purpose decides: the numbers that are compared with probabilities.
at::Tensor uniform(const char* purpose, std::int64_t step, const data::Batch& batch,
                   std::initializer_list<at::IntArrayRef> shapes, std::size_t which) {
  Rng rng(1, {stable_hash(purpose), static_cast<std::uint64_t>(step), batch.seeds.front()});
  auto generator = at::make_generator<at::CPUGeneratorImpl>(rng.next());
  std::vector<at::Tensor> drawn;
  for (const auto& shape : shapes)
    drawn.push_back(at::rand(shape, generator, at::TensorOptions(at::kFloat)));
  return drawn[which].to(at::kDouble);
}

// L_inst and L_proto, number by number from codes, queue and tree.
TEST(Hcsc, BothTermsEqualTheirDefinitionOverATree) {
  constexpr double kT = 0.2;
  constexpr std::int64_t kCount = 8;
  constexpr std::int64_t kQueue = 64;
  const StepInfo info{.step = 12, .total_steps = 20};
  const auto method = made(
      small({{"positives", std::string("damage")}, {"queue", kQueue}, {"prototypes", List{8, 3}}}));
  train(*method, 12);
  const auto batch = batch_of(2 * kCount, 60);
  const at::NoGradGuard no_grad;
  const auto buffers = method->state().named_buffers();
  const auto query = std::dynamic_pointer_cast<networks::DegradationEncoder>(
      method->state().named_children()["query"]);
  ASSERT_NE(query, nullptr);
  const auto z = query->encode(batch.input.slice(0, 0, 2 * kCount, 2)).to(at::kDouble);
  const auto k =
      method->product().encoder->encode(batch.input.slice(0, 1, 2 * kCount, 2)).to(at::kDouble);
  const auto q = buffers["queue.keys"].to(at::kDouble);
  const auto& tree = *method->product().tree;
  ASSERT_EQ(tree.levels(), 2);
  const std::vector<at::Tensor> c = {tree.prototypes(0).to(at::kDouble),
                                     tree.prototypes(1).to(at::kDouble)};
  const std::vector<at::Tensor> tau = {tree.temperatures(0).to(at::kDouble),
                                       tree.temperatures(1).to(at::kDouble)};
  const auto dot = [](const at::Tensor& a, const at::Tensor& b) {
    return (a * b).sum().item<double>();
  };
  // softmax_i( v·c_i^l / τ_i^l ) at a
  const auto membership = [&](const at::Tensor& v, std::size_t l, std::int64_t a) {
    double sum = 0;
    for (std::int64_t i = 0; i < c[l].size(0); ++i)
      sum += std::exp(dot(v, c[l][i]) / tau[l][i].item<double>());
    return std::exp(dot(v, c[l][a]) / tau[l][a].item<double>()) / sum;
  };
  const std::int64_t fine = c[0].size(0);
  double instance = 0;
  double prototype = 0;
  std::int64_t dropped = 0;
  for (std::int64_t n = 0; n < kCount; ++n) {
    std::int64_t a = 0;  // the finest node, the nearest; those above it are its own
    for (std::int64_t i = 1; i < fine; ++i)
      if (dot(k[n], c[0][i]) > dot(k[n], c[0][a])) a = i;
    const std::vector<std::int64_t> path = {
        a, tree.path(k.narrow(0, n, 1).to(at::kFloat))[0][1].item<std::int64_t>()};
    for (std::size_t l = 0; l < 2; ++l) {
      const auto chance =
          uniform("instances", info.step, batch, {{kCount, kQueue}, {kCount, kQueue}}, l)[n];
      const double own = std::exp(dot(z[n], k[n]) / kT);
      double sum = own;
      for (std::int64_t j = 0; j < kQueue; ++j) {
        if (chance[j].item<double>() < 1 - membership(q[j], l, path[l]))
          sum += std::exp(dot(z[n], q[j]) / kT);
        else
          ++dropped;
      }
      instance -= std::log(own / sum) / kCount;
    }
    const auto above = uniform("prototypes", info.step, batch, {{kCount, fine}}, 0)[n];
    for (std::size_t l = 0; l < 2; ++l) {
      const auto power = [&](std::int64_t i) {
        return std::exp(dot(z[n], c[l][i]) / tau[l][i].item<double>());
      };
      double sum = power(path[l]);
      for (std::int64_t i = 0; i < c[l].size(0); ++i) {
        const bool kept = l == 1 || above[i].item<double>() < 1 - membership(c[0][i], 1, path[1]);
        if (i != path[l] && kept) sum += power(i);
      }
      prototype -= std::log(power(path[l]) / sum) / kCount / 2;
    }
  }
  EXPECT_GT(dropped, 0);
  const Losses losses = method->losses(batch, info);
  EXPECT_NEAR(term(losses, "instance"), instance, 1e-4);
  EXPECT_NEAR(term(losses, "prototype"), prototype, 1e-4);
}

TEST(Hcsc, WeighsThePrototypeTermAsAsked) {
  const auto method = made(small({{"prototype_weight", 0.25}, {"warmup", 0.0}}));
  const Losses last = train(*method, 3);
  ASSERT_EQ(last.terms.size(), 2U);
  EXPECT_EQ(last.terms[0].weight, 1);
  EXPECT_EQ(last.terms[1].name, "prototype");
  EXPECT_EQ(last.terms[1].weight, 0.25);
}

// The sum of three levels against their mean, at the same step.
TEST(Hcsc, ReducesOverLevels) {
  const auto at_end = [](const char* reduce) {
    const auto method = made(small({{"instance_reduce", std::string(reduce)}}));
    train(*method, 12, false, 16, /*rate=*/0);
    const at::NoGradGuard no_grad;
    return term(method->losses(batch_of(16, 50), {.step = 12, .total_steps = 20}), "instance");
  };
  EXPECT_NEAR(at_end("sum"), 3 * at_end("mean"), 1e-4);
}

// Fewer negatives make a smaller loss; what is zeroed instead of removed still counts. Codes, tree
// and random numbers are the same in all of them.
TEST(Hcsc, OptionsSayWhatIsANegative) {
  const auto at_end = [](const OptionTable& extra) {
    const auto method = made(small(extra));
    train(*method, 12, false, 16, /*rate=*/0);
    const at::NoGradGuard no_grad;
    return method->losses(batch_of(16, 50), {.step = 12, .total_steps = 20});
  };
  const Losses plain = at_end({});
  const Losses batch = at_end({{"excluded", std::string("batch")}});
  EXPECT_LT(term(batch, "prototype"), term(plain, "prototype"));
  const Losses shorter = at_end({{"last_prototype", false}});
  EXPECT_LT(term(shorter, "prototype"), term(plain, "prototype"));
  const Losses zeroed = at_end({{"dropped", std::string("zeroed")}});
  EXPECT_GT(term(zeroed, "prototype"), term(plain, "prototype"));
  EXPECT_GT(term(zeroed, "instance"), term(plain, "instance"));
  const Losses common = at_end({{"temperatures", std::string("common")}});
  EXPECT_NE(term(common, "prototype"), term(plain, "prototype"));
}

// Of the scene of a sample the two that are damaged otherwise, by the formula; nothing of the
// queue.
TEST(Hcsc, SceneTermIsContrastWithinTheScene) {
  const auto method = made(small({{"scene_weight", 0.5}}));
  const auto batch = batch_of(8, 0);
  const CropPairs pairs(batch, networks::kEncoderAlignmentPx, 1, Overlap::Allowed);
  const auto crops = pairs.cut(batch.input).chunk(2);
  const auto encoder = method->product().encoder;
  double expected = 0;
  {
    const at::NoGradGuard no_grad;
    const auto z = encoder->encode(crops[0]).to(at::kDouble);
    const auto power = (at::matmul(z, encoder->encode(crops[1]).to(at::kDouble).t()) / 0.2).exp();
    for (std::int64_t i = 0; i < 8; ++i) {
      const std::int64_t rival = i / 4 * 4 + (i % 4 < 2 ? 2 : 0);  // and the one behind it
      const double own = power[i][i].item<double>();
      const double others = (power[i][rival] + power[i][rival + 1]).item<double>();
      expected -= std::log(own / (own + others)) / 8;
    }
  }
  const Losses losses = method->losses(batch, {.step = 0, .total_steps = 50});
  ASSERT_EQ(losses.terms.size(), 2U);
  EXPECT_EQ(losses.terms[1].weight, 0.5);
  EXPECT_NEAR(term(losses, "scene"), expected, 1e-5);
}

// Selection holds within the scene too: what probably lives under the same prototype is left out.
TEST(Hcsc, SelectionActsWithinTheScene) {
  const auto method = made(
      small({{"scene_weight", 1.0}, {"instance_reduce", std::string("mean")}, {"warmup", 0.5}}));
  train(*method, 20, false, 16, /*rate=*/0);
  const at::NoGradGuard no_grad;
  const auto at_step = [&](std::int64_t step) {
    return term(method->losses(batch_of(16, 50), {.step = step, .total_steps = 20}), "scene");
  };
  EXPECT_LT(at_step(12), at_step(3) - 0.01);
}

TEST(Hcsc, SceneTermWantsScenesShownMoreThanOnce) {
  const auto method = made(small({{"scene_weight", 1.0}}));
  auto batch = batch_of(8, 0);
  batch.content = at::arange(8, at::kLong);
  EXPECT_CHIARO_ERROR(method->losses(batch, {}), Usage, "data.variants");
  EXPECT_CHIARO_ERROR(made(small({{"scene_weight", 1.0}, {"positives", std::string("damage")}})),
                      Usage, "crops");
}

TEST(Hcsc, DamagePairsMustBePairs) {
  const auto method = made(small({{"positives", std::string("damage")}}));
  EXPECT_CHIARO_ERROR(method->losses(batch_of(7, 0), {}), Usage, "data.alike = 2");
  auto batch = batch_of(8, 0);
  batch.kinds = batch.kinds.roll(1, 0);
  EXPECT_CHIARO_ERROR(method->losses(batch, {}), Usage, "same damage");
}

TEST(Hcsc, RefusesTreesThatGrowAndPicturesWithoutRoom) {
  EXPECT_CHIARO_ERROR(made(small({{"prototypes", List{4, 8}}})), Usage, "(4, 8)");
  EXPECT_CHIARO_ERROR(made(small({{"view_px", std::int64_t{72}}})), Usage, "view_px = 72");
  auto batch = batch_of(4, 0);
  batch.input = batch.context = batch.input.slice(2, 0, 20);
  EXPECT_CHIARO_ERROR(made(small())->losses(batch, {}), Usage, "data.context_px");
  auto tight = batch_of(4, 0);  // crops of 48 px in windows of 64
  tight.input = tight.context.slice(2, 0, 48).slice(3, 0, 48);
  EXPECT_NO_THROW(made(small())->losses(tight, {}));
  const auto apart = made(small({{"overlap", std::string("forbidden")}}));
  EXPECT_CHIARO_ERROR(apart->losses(tight, {}), Usage, "overlap = \"allowed\"");
}

TEST(Hcsc, RefusesTreesThatNoRunCanHave) {
  const auto options = [](List prototypes, std::int64_t queue) {
    return small({{"prototypes", std::move(prototypes)}, {"queue", queue}});
  };
  EXPECT_CHIARO_ERROR(made(options({16, 8, 4}, 31)), Usage,
                      "got prototypes = [16, 8, 4] and queue = 31; expected at most 15 in the "
                      "place of 16");
  EXPECT_NO_THROW(made(options({16, 8, 4}, 32)));
  EXPECT_CHIARO_ERROR(made(options({16, 9, 4}, 256)), Usage, "at most 8 in the place of 9");
  EXPECT_CHIARO_ERROR(made(options({16, 8, 1}, 256)), Usage, "expected at least 2 on each level");
  // What was trained before can be frozen.
  EXPECT_NO_THROW(hcsc().make({.network = nullptr, .tasks = {}, .inference_only = true},
                              options({16, 8, 4}, 20)));
}

// What is poor and works is said once, in the first step, with the numbers.
TEST(Hcsc, SaysWhichSizesArePoor) {
  using Remarks = std::vector<std::string>;
  const auto remarks = [](const OptionTable& extra, std::int64_t steps, std::int64_t step = 0) {
    return made(small(extra))->losses(batch_of(8, 0), {.step = step, .total_steps = steps}).remarks;
  };
  EXPECT_EQ(remarks({}, 100), Remarks{});
  EXPECT_EQ(remarks({{"warmup", 1.0}}, 4), Remarks{}) << "asked for";
  const auto expect = [](const Remarks& said, const std::string& part) {
    ASSERT_EQ(said.size(), 1U) << part;
    EXPECT_NE(said[0].find(part), std::string::npos) << said[0];
  };
  expect(remarks({{"warmup", 0.96}}, 10), "the warm-up takes all of the 10 steps");
  expect(remarks({{"tree_every", std::int64_t{90}}}, 100), "made once, after step 10 of 100");
  EXPECT_EQ(remarks({{"tree_every", std::int64_t{89}}}, 100), Remarks{});
  expect(remarks({{"queue", std::int64_t{79}}}, 100), "4.9 keys for each of the 16 finest");
  EXPECT_EQ(remarks({{"queue", std::int64_t{80}}}, 100), Remarks{});
  const OptionTable narrow = {{"queue", std::int64_t{7}}, {"prototypes", List{2}}};
  EXPECT_EQ(remarks(narrow, 100, 1), Remarks{});
  const Remarks said = remarks(narrow, 100);
  ASSERT_EQ(said.size(), 2U);
  EXPECT_NE(said[0].find("of the 8 keys of a step the queue keeps 7"), std::string::npos);
}

}  // namespace
}  // namespace chiaro::methods::hcsc_test
