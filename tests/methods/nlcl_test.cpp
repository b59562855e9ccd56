#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "chiaro/losses/patch_contrast.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/nn/patch_discriminator.h"
#include "tests/methods/gain.h"
#include "tests/methods/named_losses.h"
#include "tests/methods/nlcl_cases.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::nlcl_test {
namespace {

using namespace nlcl_cases;

std::unique_ptr<Method> made_of_gain(double factor, const OptionTable& options) {
  const Setting gain{.network = std::make_shared<Gain>(factor), .tasks = {}, .seed = 1};
  return find("nlcl").make(gain, options);
}

/// Which parts of the state a term has a gradient for.
std::map<std::string, bool> reached(Method& method, const std::string& term,
                                    const data::Batch& batch) {
  for (auto& parameter : method.state().parameters()) parameter.mutable_grad().reset();
  const auto losses = method.losses(batch, {});
  const Term* found = find_term(losses, term);
  EXPECT_NE(found, nullptr) << term;
  if (found != nullptr) found->value.backward();
  std::map<std::string, bool> result;
  for (const auto& item : method.state().named_parameters()) {
    const auto& grad = item.value().grad();
    bool& any = result[item.key().substr(0, item.key().find('.'))];
    any = any || (grad.defined() && grad.abs().max().item<double>() > 0);
  }
  return result;
}

// The minimax game in one backward pass: each loss moves its own side.
TEST(Nlcl, EachTermTeachesItsOwnPart) {
  const auto method = made(small({{"layers", std::string("two")}}));
  stir(*method);
  const auto batch = rainy();
  using Reached = std::map<std::string, bool>;
  const Reached none{{"network", false},     {"damage_network", false}, {"discriminator", false},
                     {"image_heads", false}, {"damage_heads", false},   {"location_heads", false}};
  const auto expect = [&](const std::string& term, std::initializer_list<const char*> parts) {
    Reached expected = none;
    for (const char* part : parts) expected[part] = true;
    EXPECT_EQ(reached(*method, term, batch), expected) << term;
  };
  expect("discriminator", {"discriminator"});
  expect("adversarial", {"network"});
  expect("layer", {"network", "damage_network", "image_heads", "damage_heads"});
  expect("location", {"network", "location_heads"});
  expect("consistency", {"network", "damage_network"});
  expect("sparsity", {"network"});
  for (const auto& parameter : method->trainable("train")) EXPECT_TRUE(parameter.requires_grad());
}

TEST(Nlcl, InputIsTheSumOfItsLayersByConstruction) {
  const auto method = made(small());
  stir(*method);
  const auto batch = rainy();
  const auto losses = method->losses(batch, {});
  EXPECT_EQ(find_term(losses, "consistency"), nullptr);
  const auto output = method->product().restorer->forward(batch.input);
  const auto removed = 2 * (batch.input - output);
  EXPECT_NEAR(meter(losses, "damage_mean"), removed.mean().item<double>(), 1e-6);
  EXPECT_NEAR(meter(losses, "damage_size"), removed.abs().mean().item<double>(), 1e-6);
  EXPECT_NEAR(find_term(losses, "sparsity")->value.item<double>(),
              removed.abs().mean().item<double>(), 1e-6);
  EXPECT_EQ(find_term(losses, "sparsity")->weight, 0.1);
}

TEST(Nlcl, TwoNetworksAreTiedByTheirSum) {
  const auto method = made(alone("consistency", {{"layers", std::string("two")}}));
  stir(*method);
  const auto batch = rainy();
  const auto f = method->product().restorer;
  const auto& modules = method->state().named_children();
  auto g = std::dynamic_pointer_cast<networks::Network>(modules["damage_network"]);
  const auto b = 2 * f->forward(batch.input) - 1;
  const auto r = 2 * (batch.input - g->forward(batch.input));
  const auto expected = (b + r - (2 * batch.input - 1)).square().mean().item<double>();
  const auto losses = method->losses(batch, {});
  ASSERT_EQ(losses.terms.size(), 1u);
  EXPECT_NEAR(losses.terms[0].value.item<double>(), expected, 1e-6);
  for (const char* of : {"implied", "layer", "both"}) {
    const auto sparse =
        made(alone("sparsity", {{"layers", std::string("two")}, {"sparsity_of", std::string(of)}}));
    stir(*sparse);
    const double value = sparse->losses(batch, {}).terms[0].value.item<double>();
    const double implied = ((2 * batch.input - 1) - b).abs().mean().item<double>();
    const double layer = r.abs().mean().item<double>();
    const std::string name = of;
    EXPECT_NEAR(value,
                name == "implied" ? implied
                : name == "layer" ? layer
                                  : (implied + layer) / 2,
                1e-6);
  }
}

TEST(Nlcl, RestIsTheSmallerHalf) {
  const auto method = made(alone("rest", {{"rest", 1.0}}));
  stir(*method);
  const auto batch = rainy();
  const auto removed = 2 * (batch.input - method->product().restorer->forward(batch.input));
  const auto sorted = std::get<0>(removed.abs().flatten(1).sort(1));
  EXPECT_NEAR(method->losses(batch, {}).terms[0].value.item<double>(),
              sorted.slice(1, 0, sorted.size(1) / 2).mean().item<double>(), 1e-6);
}

TEST(Nlcl, AdversarialTermsAreLeastSquares) {
  const auto method = made(alone("adversarial"));
  stir(*method);
  const auto batch = rainy();
  const auto losses = method->losses(batch, {});
  ASSERT_EQ(losses.terms.size(), 2u);
  const auto modules = method->state().named_children();
  const auto judge = std::dynamic_pointer_cast<nn::PatchDiscriminator>(modules["discriminator"]);
  const auto score = [&](const at::Tensor& picture) { return judge->look(2 * picture - 1).score; };
  const auto fake = score(method->product().restorer->forward(batch.input));
  const auto real = score(batch.unpaired);
  const auto mean = [](const at::Tensor& values) { return values.mean().item<double>(); };
  EXPECT_EQ(losses.terms[0].name, "discriminator");
  EXPECT_NEAR(losses.terms[0].value.item<double>(),
              0.5 * (mean(fake.square()) + mean((real - 1).square())), 1e-5);
  EXPECT_EQ(losses.terms[1].name, "adversarial");
  EXPECT_NEAR(losses.terms[1].value.item<double>(), mean((fake - 1).square()), 1e-5);
  EXPECT_NEAR(meter(losses, "score_restored"), mean(fake), 1e-5);
  EXPECT_NEAR(meter(losses, "score_clean"), mean(real), 1e-5);
}

TEST(Nlcl, DiscriminatorMayLead) {
  const auto method = made(small({{"lead", 0.25}}));
  const auto phases = method->phases();
  ASSERT_EQ(phases.size(), 2u);
  EXPECT_EQ(phases[0].share, 0.25);
  EXPECT_EQ(phases[1].share, 0.75);
  const auto batch = rainy();
  const auto losses = method->losses(batch, {.phase = phases[0].name});
  ASSERT_EQ(losses.terms.size(), 1u);
  const auto both = method->losses(batch, {.phase = phases[1].name});
  EXPECT_NEAR(losses.terms[0].value.item<double>(),
              find_term(both, "discriminator")->value.item<double>(), 1e-6);
  losses.terms[0].value.backward();
  std::size_t taught = 0;
  for (const auto& item : method->state().named_parameters()) {
    if (!item.value().grad().defined()) continue;
    EXPECT_TRUE(item.key().starts_with("discriminator.")) << item.key();
    ++taught;
  }
  EXPECT_EQ(method->trainable(phases[0].name).size(), taught);
  EXPECT_GT(method->trainable(phases[1].name).size(), taught);
  EXPECT_EQ(made(small())->phases().size(), 1u);
}

TEST(Nlcl, CleanPicturesAreLeftAsTheyAre) {
  const auto method = made_of_gain(0.5, alone("clean", {{"clean", 1.0}}));
  const auto batch = rainy();
  const auto losses = method->losses(batch, {});
  ASSERT_EQ(losses.terms.size(), 1u);
  EXPECT_NEAR(losses.terms[0].value.item<double>(), 0.5 * batch.unpaired.mean().item<double>(),
              1e-6);
  // The location contrast without its identity branch does not see them.
  const auto location = [&](double clean) {
    const auto both = made(alone("location", {{"identity", false}, {"clean", clean}}));
    stir(*both);
    return find_term(both->losses(batch, {}), "location")->value.item<double>();
  };
  EXPECT_NEAR(location(1.0), location(0.0), 1e-5);
}

// f(v) = v/2 takes X/2 off X. On y that makes Y + s X/2, of which f leaves (Y + s X/2)/2.
TEST(Nlcl, WhatIsTakenOffMustComeOffAnotherPicture) {
  constexpr double kX = 0.8;
  constexpr double kY = 0.1;
  std::vector<double> strengths;
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    const auto method = made_of_gain(0.5, alone("transfer", {{"transfer", 1.0}}));
    data::Batch batch;
    batch.input = at::full({1, 3, 8, 8}, kX);
    batch.unpaired = at::full({1, 3, 8, 8}, kY);
    batch.seeds = {seed};
    const auto losses = method->losses(batch, {});
    ASSERT_EQ(losses.terms.size(), 1u);
    const double value = losses.terms[0].value.item<double>();
    const double shown = 2 * (value + kY);  // the picture that f was shown
    strengths.push_back((shown - kY) / (kX / 2));
    EXPECT_GE(strengths.back(), 1 - 1e-5);
    EXPECT_LE(strengths.back(), 2 + 1e-5);
    // What is put on is given: the gradient is that of |factor·shown − Y| alone.
    losses.terms[0].value.backward();
    EXPECT_NEAR(method->state().parameters()[0].grad().item<double>(), shown, 1e-5);
  }
  const auto [least, most] = std::ranges::minmax(strengths);
  EXPECT_GT(most - least, 0.05);
}

TEST(Nlcl, HeadsMayBeShared) {
  const auto own = made(alone("layer"));
  const auto shared = made(alone("layer", {{"shared_heads", true}}));
  EXPECT_FALSE(shared->state().named_children().contains("damage_heads"));
  EXPECT_EQ(own->trainable("train").size() - shared->trainable("train").size(), 4u * 3u);
  stir(*shared);
  const auto taught = reached(*shared, "layer", rainy());
  EXPECT_TRUE(taught.at("network"));
  EXPECT_TRUE(taught.at("image_heads"));
  EXPECT_FALSE(taught.at("discriminator"));
}

// In the logarithm, a picture darkened evenly has the same layer of damage everywhere.
TEST(Nlcl, LogarithmTurnsFactorsIntoSums) {
  const auto size = [](const std::string& domain, double bright) {
    const auto method = made_of_gain(2.0, alone("sparsity", {{"domain", domain}}));
    auto batch = rainy();
    batch.input = at::full({1, 3, 16, 16}, bright);
    batch.seeds = {1};
    return meter(method->losses(batch, {}), "damage_mean");
  };
  EXPECT_NEAR(size("log", 0.4), size("log", 0.2), 2e-3);
  EXPECT_LT(size("log", 0.2), -0.2);  // darker than what is left
  EXPECT_NEAR(size("log", 0.2), -2 * std::log(103.0 / 52) / std::log(256.0), 1e-5);
  EXPECT_NEAR(size("additive", 0.4), 2 * size("additive", 0.2), 1e-6);
  EXPECT_TRUE(std::isfinite(size("log", -0.1)));
}

TEST(Nlcl, BaselinesAreOptions) {
  const auto cut = made(small({{"layer", 0.0}}));
  const auto losses = cut->losses(rainy(), {});
  EXPECT_EQ(find_term(losses, "layer"), nullptr);
  EXPECT_NE(find_term(losses, "location"), nullptr);
  EXPECT_FALSE(cut->state().named_children().contains("image_heads"));
  const auto value = [](const char* places) {
    const auto method = made(alone("layer", {{"places", std::string(places)}}));
    stir(*method);
    return method->losses(rainy(), {}).terms[0].value.item<double>();
  };
  EXPECT_NE(value("matched"), value("random"));
  const auto location = [](const char* places) {
    const auto method = made(alone("location", {{"location_places", std::string(places)}}));
    stir(*method);
    return method->losses(rainy(), {}).terms[0].value.item<double>();
  };
  EXPECT_NE(location("nearest"), location("farthest"));
  EXPECT_NE(location("nearest"), location("random"));
}

TEST(Nlcl, SlipsOfTheReleasedCodeAreOptions) {
  const auto count = [](const OptionTable& options) {
    return made(options)->trainable("train").size();
  };
  const auto all = count(small());
  EXPECT_EQ(all - count(small({{"train_location_heads", false}})), 4u * 3u);
  EXPECT_EQ(all - count(small({{"train_image_heads", false}})), 4u * 3u);  // pixels and two maps
  EXPECT_EQ(count(small({{"deepest_tap", true}})) - all, 2u * 4u);
}

// With it, L_loc is the mean of two halves: the one of the damaged pictures is what there is
// without it, so what remains must belong to the clean pictures alone.
TEST(Nlcl, IdentityBranchIsHalfOfTheLocationTerm) {
  const auto batch = rainy();
  const auto value = [&](bool identity, const at::Tensor& input, const at::Tensor& clean) {
    const auto method = made(alone("location", {{"identity", identity}}));
    stir(*method);
    auto changed = batch;
    changed.input = input;
    changed.unpaired = clean;
    return method->losses(changed, {}).terms[0].value.item<double>();
  };
  const auto clean_half = [&](const at::Tensor& input, const at::Tensor& clean) {
    return 2 * value(true, input, clean) - value(false, input, {});
  };
  const auto& x = batch.input;
  const auto& y = batch.unpaired;
  EXPECT_NEAR(clean_half(x, y), clean_half(y, y), 1e-4);
  EXPECT_NEAR(clean_half(x, x), clean_half(y, x), 1e-4);
  EXPECT_GT(std::abs(clean_half(x, y) - clean_half(x, x)), 2e-3);
  EXPECT_GT(std::abs(value(false, x, {}) - value(false, y, {})), 2e-3);
}

// L_layer is a weighted mean of the anchors of the image (4 of 20) and of the damage.
TEST(Nlcl, ImageShareWeighsTheAnchorsOfTheLayers) {
  const auto value = [](double share) {
    const auto method = made(alone("layer", {{"image_share", share}}));
    stir(*method);
    return method->losses(rainy(), {}).terms[0].value.item<double>();
  };
  const double damage = value(0);
  const double image = value(1);
  EXPECT_GT(std::abs(image - damage), 1e-2);
  EXPECT_NEAR(value(0.3), 0.3 * image + 0.7 * damage, 1e-5);
  EXPECT_NEAR(value(-1), 0.2 * image + 0.8 * damage, 1e-5);
}

// A window of 20 px has room for 9 places that keep 8 px apart, where 16 and 32 are asked for.
TEST(Nlcl, SpacingKeepsMatchedPlacesApart) {
  const auto compared = [](const char* term, std::int64_t spacing) {
    const auto method =
        made(alone(term, {{"spacing_px", spacing}, {"health_every", std::int64_t{1}}}));
    const auto losses = method->losses(rainy(), {});
    return std::exp(meter(losses, std::string(term) + "_collapsed"));
  };
  EXPECT_NEAR(compared("layer", 0), 4 + 16 - 1, 1e-6);
  EXPECT_NEAR(compared("location", 0), 32, 1e-6);
  EXPECT_LE(compared("layer", 8), 4 + 9 - 1 + 1e-6);
  EXPECT_LE(compared("location", 8), 9 + 1e-6);
  EXPECT_GE(compared("location", 8), 2 - 1e-6);
}

TEST(Nlcl, ReportsTheHealthOfBothContrasts) {
  const auto method = made(small({{"health_every", std::int64_t{2}}}));
  const auto losses = method->losses(rainy(), {});
  EXPECT_NEAR(meter(losses, "layer_collapsed"), std::log(19), 1e-6);
  EXPECT_NEAR(meter(losses, "location_collapsed"), std::log(32), 1e-6);
  EXPECT_GE(meter(losses, "image_dimension"), 1);
  EXPECT_EQ(meter(losses, "damage_dimension"), 0);  // an untrained restorer takes nothing off
  EXPECT_LE(std::abs(meter(losses, "shared_edges")), 1);
  const auto between = method->losses(rainy(), {.step = 1, .phase_step = 1});
  for (const auto& [name, number] : between.meters) EXPECT_NE(name, "layer_collapsed");
}

// Pictures without anything in them cannot be told apart by place.
TEST(Nlcl, EmptyPicturesAreFoundOut) {
  const auto method = made(small({{"health_every", std::int64_t{1}}}));
  auto batch = rainy();
  batch.input = at::full_like(batch.input, 0.5);
  batch.unpaired = batch.input;
  std::vector<std::string> warnings;
  for (std::int64_t step = 0; step < 6; ++step) {
    const auto losses = method->losses(batch, {.step = step});
    for (const auto& term : losses.terms)
      EXPECT_TRUE(std::isfinite(term.value.item<double>())) << term.name;
    warnings.insert(warnings.end(), losses.warnings.begin(), losses.warnings.end());
  }
  EXPECT_TRUE(std::ranges::any_of(warnings, [](const std::string& warning) {
    return warning.find("contrast of location: collapsed") != std::string::npos;
  }));
}

TEST(Nlcl, HeldOutBatchesChangeNothingThatIsRemembered) {
  const auto method = made(small({{"drift_limit", 0.1}, {"health_every", std::int64_t{1}}}));
  const c10::NoGradGuard no_grad;
  auto batch = rainy();
  batch.input = at::full_like(batch.input, 0.5);
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(method->losses(batch, {}).warnings.empty());
  EXPECT_EQ(method->state().named_buffers()["drift_guard.drift"].abs().sum().item<double>(), 0);
  for (const auto& parameter : method->state().parameters()) EXPECT_TRUE(parameter.requires_grad());
}

/// Steps of two micro-batches each.
void make_steps(Method& method, const data::Batch& batch, int count) {
  for (int i = 0; i < count; ++i) {
    method.losses(batch, {});
    method.losses(batch, {});
    method.after_step({});
  }
}

TEST(Nlcl, ADriftOfBrightnessStopsAnAdaptation) {
  const auto method = made(alone("layer", {{"drift_limit", 0.02}}));
  const auto batch = rainy();
  make_steps(*method, batch, 60);
  auto bias = method->state().named_parameters()["network.conv3.bias"];
  const auto shift = [&](double value) {
    const c10::NoGradGuard no_grad;
    bias.fill_(value);
  };
  shift(0.008);  // 0.016 on the scale of the layers
  make_steps(*method, batch, 60);
  shift(0.02);
  EXPECT_CHIARO_ERROR(make_steps(*method, batch, 60), CheckFailed, "method.drift_limit");
}

TEST(Nlcl, ADriftIsCountedInStepsNotMicroBatches) {
  const auto method = made(alone("layer", {{"drift_limit", 0.02}}));
  const auto batch = rainy();
  make_steps(*method, batch, 49);  // the fiftieth is believed
  auto bias = method->state().named_parameters()["network.conv3.bias"];
  {
    const c10::NoGradGuard no_grad;
    bias.fill_(0.5);
  }
  make_steps(*method, batch, 1);
  EXPECT_EQ(method->state().named_buffers()["drift_guard.drift"][2].item<double>(), 50);
}

TEST(Nlcl, AdaptsWithoutCleanPictures) {
  const auto method = made(alone("layer"));
  auto batch = rainy();
  batch.unpaired = at::Tensor();
  EXPECT_EQ(method->losses(batch, {}).terms.size(), 1u);
  const auto both = made(small({{"supervised", 1.0}}));
  batch = rainy();
  const auto losses = both->losses(batch, {});
  const auto output = both->product().restorer->forward(batch.input);
  EXPECT_NEAR(find_term(losses, "supervised")->value.item<double>(),
              (output - batch.target).abs().mean().item<double>(), 1e-6);
  batch.target = at::Tensor();
  EXPECT_EQ(find_term(both->losses(batch, {}), "supervised"), nullptr);
  EXPECT_CHIARO_ERROR(made(alone("supervised", {{"supervised", 1.0}}))->losses(batch, {}), Usage,
                      "pictures without targets");
}

TEST(Nlcl, RefusesWhatCannotWork) {
  auto batch = rainy();
  batch.unpaired = at::Tensor();
  EXPECT_CHIARO_ERROR(made(small())->losses(batch, {}), Usage, "kind 'unpaired'");
  EXPECT_CHIARO_ERROR(
      made(small({{"discriminator_halvings", std::int64_t{4}}}))->losses(rainy(), {}), Usage,
      "data.crop_px of at least 48");
  EXPECT_CHIARO_ERROR(made(small({{"patch_px", std::int64_t{32}}}))->losses(rainy(), {}), Usage,
                      "no room for patches");
  EXPECT_CHIARO_ERROR(made(small({{"location_patches", std::int64_t{5000}}}))->losses(rainy(), {}),
                      Usage, "too few candidates");
  EXPECT_CHIARO_ERROR(made(small({{"patch_px", std::int64_t{7}}})), Usage, "even number");
  EXPECT_CHIARO_ERROR(made(small({{"domain", std::string("linear")}})), Usage, "domain");
  EXPECT_CHIARO_ERROR(made(small({{"lead", 0.1}, {"adversarial", 0.0}})), Usage, "lead = 0.1");
  EXPECT_CHIARO_ERROR(made(small({{"transfer", 1.0}, {"domain", std::string("log")}})), Usage,
                      "transfer = 1");
  EXPECT_CHIARO_ERROR(made(alone("nothing")), Usage, "weight 0 for every term of one network");
  EXPECT_CHIARO_ERROR(made(alone("consistency")), Usage, "weight 0 for every term of one network");
  EXPECT_CHIARO_ERROR(made(alone("nothing", {{"layers", std::string("two")}})), Usage,
                      "every term of two networks");
  for (const double share : {-0.999, -0.5, -1e-9})
    EXPECT_CHIARO_ERROR(made(small({{"image_share", share}})), Usage, "image_share = -");
  EXPECT_CHIARO_ERROR(made(small({{"image_share", -1.5}})), Usage, "image_share");
  EXPECT_CHIARO_ERROR(made(small({{"image_share", 1.5}})), Usage, "image_share");
  Setting plain = setting();
  plain.network = networks::make("nafnet", {{"width", std::int64_t{8}}});
  EXPECT_CHIARO_ERROR(find("nlcl").make(plain, small()), Usage, "does not show its features");
  plain.network = networks::make("edsr", {});
  EXPECT_CHIARO_ERROR(find("nlcl").make(plain, small()), Usage, "scale");
}

/// Trains on batches of `make`, the discriminator alone at first; the mean of damage_mean over the
/// last 20 steps.
double teach(Method& method, std::int64_t steps,
             const std::function<data::Batch(std::uint64_t seed)>& make) {
  torch::optim::Adam optimizer(method.trainable("train"),
                               torch::optim::AdamOptions(2e-3).betas({0.5, 0.999}));
  double damage = 0;
  for (std::int64_t step = 0; step < steps; ++step) {
    const std::string phase = step < 60 ? "discriminator" : "train";
    const auto losses = method.losses(make(static_cast<std::uint64_t>(step + 1)),
                                      {.step = step, .phase = phase, .phase_step = step});
    at::Tensor total = at::zeros({});
    for (const auto& term : losses.terms) total = total + term.weight * term.value;
    optimizer.zero_grad();
    total.backward();
    optimizer.step();
    if (step >= steps - 20) damage += meter(losses, "damage_mean") / 20;
  }
  return damage;
}

std::unique_ptr<Method> remover_of_streaks() {
  return made(small({{"lead", 0.2},
                     {"location", 0.0},
                     {"layer", 0.2},
                     {"clean", 5.0},
                     {"transfer", 5.0},
                     {"discriminator_halvings", std::int64_t{1}}}),
              5);
}

// Streaks on soft pictures, clean soft pictures of something else: what is left is nearer to the
// truth than what came.
TEST(Nlcl, LearnsToTakeStreaksOff) {
  const auto method = remover_of_streaks();
  const auto error = [&] {
    const c10::NoGradGuard no_grad;
    const auto held_out = rainy(4, 32, 999);
    return (method->product().restorer->forward(held_out.input) - held_out.target)
        .square()
        .mean()
        .item<double>();
  };
  const double before = error();
  const double damage = teach(*method, 150, [](std::uint64_t seed) { return rainy(4, 32, seed); });
  EXPECT_LT(error(), 0.5 * before) << before;
  EXPECT_GT(damage, 0);
}

// Folders swapped: streaks are learned and put on, which shows in the sign of what is "taken off".
TEST(Nlcl, OfSwappedFoldersTheDamageIsNegative) {
  const double damage = teach(*remover_of_streaks(), 110, [](std::uint64_t seed) {
    auto batch = rainy(4, 32, seed);
    std::swap(batch.input, batch.unpaired);
    batch.context = batch.input;
    batch.target = at::Tensor();
    return batch;
  });
  EXPECT_LT(damage, 0);
}

}  // namespace
}  // namespace chiaro::methods::nlcl_test
