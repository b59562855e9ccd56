#include "chiaro/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "chiaro/base/rng.h"
#include "chiaro/data/loader.h"
#include "chiaro/image/codec.h"
#include "tests/support/expect_error.h"
#include "tests/support/log_capture.h"
#include "tests/support/occurrences.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::data::dataset_test {
namespace {

std::string name(const char* prefix, int i) {
  return fmt::format("{}{}.png", prefix, i);
}

/// A picture whose every crop is distinguishable.
image::Image pattern(int height, int width, int phase) {
  image::Image picture(3, height, width);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x)
        picture.at(c, y, x) =
            static_cast<float>((x * 7 + y * 13 + c * 50 + phase * 31) % 256) / 255.0F;
    }
  }
  return picture;
}

class DatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* folder : {"clean", "bad", "good"})
      std::filesystem::create_directories(folder_ / folder);
    for (int i = 0; i < 6; ++i) {
      image::write(folder_ / "clean" / name("c", i), pattern(40, 50, i));
      image::write(folder_ / "bad" / name("p", i), pattern(40, 40, 100 + i));
      image::write(folder_ / "good" / name("p", i), pattern(40, 40, 200 + i));
    }
  }

  std::string toml() const {
    return R"toml(
[data]
crop_px = 16
batch = 4
seed = 5
holdout = 0.3
[[source]]
name = "clean"
folders = ["clean"]
scale_max = 2.0
[[source]]
name = "pairs"
kind = "paired"
input = "bad"
target = "good"
task = "rain"
weight = 1.0
[[task]]
name = "noise"
spec = "noise(sigma_u8=10..20)"
weight = 3.0
)toml";
  }

  Recipe recipe(const std::string& extra = {}) const {
    return parse_recipe(toml() + extra, "test");
  }
  std::shared_ptr<Dataset> dataset(Recipe edited, Part part = Part::Training) const {
    return std::make_shared<Dataset>(edited, folder_.path(), part);
  }

  test::TemporaryFolder folder_;
};

bool equal(const Batch& a, const Batch& b) {
  return at::equal(a.input, b.input) && at::equal(a.target, b.target) &&
         at::equal(a.task, b.task) && a.origins == b.origins;
}

// Super-resolution: the clean crop is larger, and the damaged one is its reduction.
TEST_F(DatasetTest, ScaleMakesCleanCropsLarger) {
  Recipe enlarging = recipe();
  enlarging.tables["data"].values["scale"] = std::int64_t{2};
  enlarging.lists["task"][0].values["spec"] = std::string("clean");
  enlarging.lists["source"].pop_back();
  const Batch batch = dataset(enlarging)->batch(0, 6);
  EXPECT_EQ(batch.input.sizes(), (at::IntArrayRef{6, 3, 16, 16}));
  EXPECT_EQ(batch.target.sizes(), (at::IntArrayRef{6, 3, 32, 32}));
  // Cubic reduction keeps means, up to the rim's mirrored pixels.
  EXPECT_LT((batch.input.mean({2, 3}) - batch.target.mean({2, 3})).abs().max().item<float>(), 0.03);
  EXPECT_GT(
      (batch.input - batch.target.slice(2, 0, 32, 2).slice(3, 0, 32, 2)).abs().max().item<float>(),
      0.01)
      << "pixels were dropped instead of averaged";
}

TEST_F(DatasetTest, ScaleTakesPairsOfTheirSizes) {
  std::filesystem::create_directories(folder_ / "small");
  for (int i = 0; i < 6; ++i) {
    const auto large = image::read(folder_ / "good" / name("p", i));
    image::write(folder_ / "small" / name("p", i), image::reduce_area(large, 20, 20));
  }
  Recipe enlarging = recipe();
  enlarging.tables["data"].values["scale"] = std::int64_t{2};
  enlarging.tables["data"].values["crop_px"] = std::int64_t{12};
  enlarging.lists["source"].erase(enlarging.lists["source"].begin());
  enlarging.lists.erase("task");
  EXPECT_CHIARO_ERROR(dataset(enlarging)->batch(0, 1), Input, "2 times as large");
  enlarging.lists["source"][0].values["input"] = std::string("small");
  const Batch batch = dataset(enlarging)->batch(0, 8);
  EXPECT_EQ(batch.target.sizes(), (at::IntArrayRef{8, 3, 24, 24}));
  // Each damaged pixel is the mean of its four clean ones, within rounding: the crops belong
  // together.
  const auto means = at::avg_pool2d(batch.target, {2, 2});
  EXPECT_LT((batch.input - means).abs().max().item<float>(), 1.01F / 255);
}

TEST_F(DatasetTest, SamplesArePureInSeedAndIndex) {
  const auto first = dataset(recipe());
  const auto second = dataset(recipe());
  second->batch(0, 9);  // what was drawn before must not matter
  EXPECT_TRUE(equal(first->batch(20, 4), second->batch(20, 4)));
  Recipe other = recipe();
  set_recipe_value(other, "data.seed=6");
  EXPECT_FALSE(equal(first->batch(20, 4), dataset(other)->batch(20, 4)));
}

TEST_F(DatasetTest, LoaderGivesTheSameBatchesForAnyNumberOfWorkers) {
  Recipe many = recipe();
  set_recipe_value(many, "data.workers=4");
  Loader one(dataset(recipe()), 13);
  Loader four(dataset(many), 13);
  const auto plain = dataset(recipe());
  for (std::int64_t b = 0; b < 6; ++b) {
    const Batch expected = plain->batch(13 + b * 4, 4);
    EXPECT_TRUE(equal(one.next(), expected));
    EXPECT_TRUE(equal(four.next(), expected));
  }
}

TEST_F(DatasetTest, StreamsKeepTheirShares) {
  const auto set = dataset(recipe());
  ASSERT_EQ(set->tasks(), (std::vector<std::string>{"rain", "noise"}));
  const Batch batch = set->batch(0, 80);
  EXPECT_NEAR(batch.task.sum().item<double>(), 60, 1);  // noise has 3 of 4 parts
}

TEST_F(DatasetTest, PairsStayAlignedUnderCropScaleAndSymmetry) {
  for (int i = 0; i < 6; ++i) {  // target = 1 − input: any misalignment breaks the sum
    const auto input = image::read(folder_ / "bad" / name("p", i));
    image::Image target = input;
    for (float& value : target.pixels()) value = 1 - value;
    image::write(folder_ / "good" / name("p", i), target);
  }
  Recipe pairs_only = recipe();
  pairs_only.lists.erase("task");
  pairs_only.lists["source"][1].values["scale_max"] = 2.5;
  const Batch batch = dataset(pairs_only)->batch(0, 32);
  EXPECT_LT((batch.input + batch.target - 1).abs().max().item<double>(), 1e-5);
}

TEST_F(DatasetTest, HeldOutScenesAreNeverTrainedOn) {
  const auto names = [&](Part part) {
    const Batch batch = dataset(recipe(), part)->batch(0, 200);
    std::set<std::string> found;
    for (const auto& origin : batch.origins) found.insert(origin.substr(0, origin.find(' ')));
    return found;
  };
  const auto training = names(Part::Training);
  const auto validation = names(Part::Validation);
  EXPECT_EQ(training.size() + validation.size(), 12U);
  for (const auto& name : validation) EXPECT_FALSE(training.contains(name)) << name;
}

TEST_F(DatasetTest, ASourceWhoseScenesAreAllHeldOutElsewhereIsNamed) {
  // The two scenes that `clean` keeps for validation, once more: one of them has to be trained on.
  std::vector<std::string> scenes;
  for (int i = 0; i < 6; ++i) scenes.push_back(fmt::format("c{}", i));
  std::ranges::sort(scenes, {}, [](const std::string& scene) { return stable_hash(scene); });
  std::filesystem::create_directories(folder_ / "again");
  for (int i = 0; i < 2; ++i)
    std::filesystem::copy_file(folder_ / ("clean/" + scenes[static_cast<std::size_t>(i)] + ".png"),
                               folder_ / ("again/" + scenes[static_cast<std::size_t>(i)] + ".png"));
  const Recipe twice = recipe("[[source]]\nname = \"again\"\nfolders = [\"again\"]\n");
  const test::LogCapture log;
  (void)dataset(twice, Part::Validation);
  (void)dataset(recipe());
  EXPECT_EQ(log.text(), "");
  (void)dataset(twice);
  EXPECT_NE(log.text().find("again: other sources keep all its scenes for validation; it trains "
                            "on 1 of them"),
            std::string::npos)
      << log.text();
}

TEST_F(DatasetTest, SmallPicturesArePaddedByMirroring) {
  for (int i = 0; i < 6; ++i) image::write(folder_ / "clean" / name("c", i), pattern(5, 9, i));
  Recipe clean_only = recipe();
  clean_only.lists["source"].pop_back();
  EXPECT_EQ(dataset(clean_only)->batch(0, 4).input.sizes(), (at::IntArrayRef{4, 3, 16, 16}));
}

TEST_F(DatasetTest, BrokenFilesAreSkippedNamedAndCounted) {
  std::vector<std::string> scenes;
  for (int i = 0; i < 6; ++i) scenes.push_back(fmt::format("c{}", i));
  std::ranges::sort(scenes, {}, [](const std::string& scene) { return stable_hash(scene); });
  // One that would be held out, and one that would be trained on.
  const std::vector<std::string> broken{scenes.front() + ".png", scenes.back() + ".png"};
  for (const auto& file : broken) std::ofstream(folder_ / "clean" / file) << "not a picture";
  const test::LogCapture log;
  const auto training = dataset(recipe());
  const auto held_out = dataset(recipe(), Part::Validation);
  for (const auto& set : {training, held_out}) {
    for (const auto& origin : set->batch(0, 100).origins) {
      for (const auto& file : broken) EXPECT_NE(origin.substr(0, 6), file);
    }
  }
  for (const auto& file : broken) EXPECT_EQ(test::occurrences(log.text(), file), 1U) << log.text();
  EXPECT_EQ(training->unread().size(), 2U);
  ASSERT_EQ(held_out->unread().size(), 1U);
  EXPECT_EQ(held_out->unread().front().filename(), broken.front());
  EXPECT_EQ(held_out->files().size(), 6U);  // one of two, two pairs of six, and the broken one
}

TEST_F(DatasetTest, OnlyBrokenFilesIsAnError) {
  for (int i = 0; i < 6; ++i) std::ofstream(folder_ / "clean" / name("c", i)) << "broken";
  Recipe clean_only = recipe();
  clean_only.lists["source"].pop_back();
  EXPECT_CHIARO_ERROR(dataset(clean_only)->batch(0, 4), Input, "no picture can be read");
}

TEST_F(DatasetTest, BadRecipesAreRefusedWithTheirFault) {
  Recipe empty_folder = recipe();
  std::filesystem::create_directories(folder_ / "empty");
  empty_folder.lists["source"][0].values["folders"] = std::vector<std::string>{"empty"};
  EXPECT_CHIARO_ERROR(dataset(empty_folder), Input, "no pictures");

  Recipe missing = recipe();
  missing.lists["source"][0].values["folders"] = std::vector<std::string>{"nowhere"};
  EXPECT_CHIARO_ERROR(dataset(missing), Input, "nowhere");

  Recipe typo = recipe();
  typo.lists["source"][0].values["folder"] = std::string("clean");
  EXPECT_CHIARO_ERROR(dataset(typo), Usage, "did you mean 'folders'");

  Recipe nothing = recipe();
  nothing.lists.clear();
  EXPECT_CHIARO_ERROR(dataset(nothing), Usage, "[[source]]");

  Recipe reversed = recipe();
  reversed.lists["source"][0].values["scale_min"] = 3.0;
  EXPECT_CHIARO_ERROR(dataset(reversed), Usage, "scale_min");

  Recipe columns = recipe();
  columns.lists["source"][0].values["name"] = std::string("clean, sharp");
  EXPECT_CHIARO_ERROR(dataset(columns), Usage, "'clean, sharp'");
  columns = recipe();
  columns.lists["source"][1].values["task"] = std::string("rain,snow");
  EXPECT_CHIARO_ERROR(dataset(columns), Usage, "'rain,snow'");
  columns = recipe();
  columns.lists["task"][0].values["name"] = std::string("fine/coarse");
  EXPECT_CHIARO_ERROR(dataset(columns), Usage, "'fine/coarse'");

  std::filesystem::remove(folder_ / "good" / "p3.png");
  EXPECT_CHIARO_ERROR(dataset(recipe()), Input, "p3.png");
}

TEST_F(DatasetTest, PairsOfUnequalSizeAreRefused) {
  for (int i = 0; i < 6; ++i) image::write(folder_ / "good" / name("p", i), pattern(40, 38, i));
  Recipe pairs_only = recipe();
  pairs_only.lists.erase("task");
  EXPECT_CHIARO_ERROR(dataset(pairs_only)->batch(0, 4), Input, "40x40");
}

TEST_F(DatasetTest, LoaderPassesAFailureOn) {
  for (int i = 0; i < 6; ++i) image::write(folder_ / "good" / name("p", i), pattern(40, 38, i));
  Recipe pairs_only = recipe();
  pairs_only.lists.erase("task");
  Loader loader(dataset(pairs_only), 0);
  EXPECT_CHIARO_ERROR(loader.next(), Input, "40x40");
}

TEST_F(DatasetTest, LoaderGivesWhatComesBeforeAFailure) {
  for (int i = 0; i < 6; ++i) {  // take longer than the failure
    if (i != 3) image::write(folder_ / "bad" / name("p", i), pattern(400, 400, i));
    if (i != 3) image::write(folder_ / "good" / name("p", i), pattern(400, 400, i));
  }
  image::write(folder_ / "good" / name("p", 3), pattern(40, 38, 3));
  Recipe pairs_only = recipe();
  pairs_only.lists.erase("task");
  set_recipe_value(pairs_only, "data.cache_mb=0");
  set_recipe_value(pairs_only, "data.batch=1");
  set_recipe_value(pairs_only, "data.workers=3");
  const auto set = dataset(pairs_only);
  const auto fails = [&](std::int64_t index) {
    try {
      (void)set->sample(index);
      return false;
    } catch (const Error&) {
      return true;
    }
  };
  std::int64_t failing = 2;
  while (!fails(failing) || fails(failing - 1) || fails(failing - 2)) ++failing;
  for (int trial = 0; trial < 20; ++trial) {
    Loader loader(set, failing - 2);
    ASSERT_NO_THROW((void)loader.next());
    ASSERT_NO_THROW((void)loader.next());
    EXPECT_CHIARO_ERROR(loader.next(), Input, "40x40");
  }
}

TEST_F(DatasetTest, CropsAreCutFromTheContext) {
  Recipe wide = recipe();
  set_recipe_value(wide, "data.context_px=30");
  const Batch batch = dataset(wide)->batch(0, 6);
  ASSERT_EQ(batch.context.sizes(), (at::IntArrayRef{6, 3, 30, 30}));
  ASSERT_EQ(batch.context_target.sizes(), batch.context.sizes());
  ASSERT_EQ(batch.input.sizes(), (at::IntArrayRef{6, 3, 16, 16}));
  for (std::int64_t i = 0; i < 6; ++i) {
    bool found = false;
    for (std::int64_t y = 0; y <= 14; ++y) {
      for (std::int64_t x = 0; x <= 14; ++x) {
        const auto at_place = [&](const at::Tensor& whole) {
          return whole[i].narrow(1, y, 16).narrow(2, x, 16);
        };
        found = found || (at::equal(at_place(batch.context), batch.input[i]) &&
                          at::equal(at_place(batch.context_target), batch.target[i]));
      }
    }
    EXPECT_TRUE(found) << i;
  }
}

TEST_F(DatasetTest, WithoutMoreContextTheCropIsTheContext) {
  const Batch batch = dataset(recipe())->batch(0, 2);
  EXPECT_TRUE(at::equal(batch.context, batch.input));
  EXPECT_TRUE(at::equal(batch.context_target, batch.target));
}

TEST_F(DatasetTest, VariantsShareTheSceneButNotTheDamage) {
  Recipe grid = recipe("[[task]]\nname = \"jpeg\"\nspec = \"jpeg(quality=5..60)\"\nweight = 3.0\n");
  set_recipe_value(grid, "data.variants=3");
  set_recipe_value(grid, "data.context_px=16");
  const auto set = dataset(grid);
  int shared = 0;
  for (std::int64_t group = 0; group < 8; ++group) {
    const Batch batch = set->batch(3 * group, 3);
    for (std::int64_t i = 1; i < 3; ++i) {
      if (batch.source[0].item<std::int64_t>() == 1 || batch.source[i].item<std::int64_t>() == 1)
        continue;  // a real pair has a scene of its own
      EXPECT_TRUE(at::equal(batch.target[0], batch.target[i]));
      EXPECT_FALSE(at::equal(batch.input[0], batch.input[i]));
      ++shared;
    }
  }
  EXPECT_GT(shared, 4);
  EXPECT_FALSE(at::equal(set->batch(0, 1).target, set->batch(3, 1).target));
}

TEST_F(DatasetTest, KindsNameEveryDamageOfAChain) {
  Recipe chains = recipe(
      "[[task]]\nname = \"mixed\"\nspec = \"gaussian_blur(sigma_px=1)+poisson_gaussian+jpeg\"\n"
      "[[task]]\nname = \"untouched\"\nspec = \"clean\"\n");
  const auto set = dataset(chains);
  EXPECT_EQ(set->kinds(), (std::vector<std::string>{"clean", "noise", "blur", "jpeg", "rain"}));
  const auto number = [&](const char* task) {
    return std::ranges::find(set->tasks(), task) - set->tasks().begin();
  };
  const Batch batch = set->batch(0, 60);
  int mixed = 0;
  int paired = 0;
  int untouched = 0;
  for (std::int64_t i = 0; i < 60; ++i) {
    const auto kinds = batch.kinds[i];
    const auto severities = batch.severities[i];
    const auto task = batch.task[i].item<std::int64_t>();
    if (task == number("mixed")) {
      EXPECT_TRUE(at::equal(kinds, at::tensor({0, 1, 1, 1, 0}).to(at::kBool)));
      EXPECT_NEAR(severities.max().item<double>(), batch.severity[i].item<double>(), 1e-6);
      ++mixed;
    } else if (task == number("rain")) {  // a real pair: its severity is not known
      EXPECT_TRUE(at::equal(kinds, at::tensor({0, 0, 0, 0, 1}).to(at::kBool)));
      EXPECT_EQ(severities[4].item<double>(), -1);
      ++paired;
    } else if (task == number("untouched")) {
      EXPECT_TRUE(at::equal(kinds, at::tensor({1, 0, 0, 0, 0}).to(at::kBool)));
      ++untouched;
    }
  }
  EXPECT_GT(std::min({mixed, paired, untouched}), 0);
}

TEST_F(DatasetTest, WhatWasDamagedAtAnotherSizeHasItsKindsAndNoSeverity) {
  Recipe resized = recipe(
      "[[task]]\nname = \"noise\"\nspec = \"noise(sigma_u8=25)\"\nweight = 1000.0\n"
      "[[task]]\nname = \"untouched\"\nspec = \"clean\"\nweight = 1000.0\n");
  const auto plain = dataset(resized)->batch(0, 24);
  set_recipe_value(resized, "data.resized=1");
  const auto set = dataset(resized);
  const auto batch = set->batch(0, 24);
  ASSERT_TRUE(at::equal(plain.kinds, batch.kinds));
  int noisy = 0;
  for (std::int64_t i = 0; i < 24; ++i) {
    const bool changed = !at::equal(plain.input[i], batch.input[i]);
    const bool untouched = batch.kinds[i][0].item<bool>();
    EXPECT_NE(changed, untouched) << batch.origins[static_cast<std::size_t>(i)];
    if (untouched) continue;
    EXPECT_EQ(batch.severities[i].min().item<double>(), -1);
    EXPECT_EQ(batch.severity[i].item<double>(), 0.5);
    ++noisy;
  }
  EXPECT_GT(noisy, 0);
  EXPECT_LT(noisy, 24);
}

TEST_F(DatasetTest, InputsAreRoundedToEightBitsWhereAsked) {
  const Recipe blurred =
      recipe("[[task]]\nname = \"blur\"\nspec = \"gaussian_blur(sigma_px=1)\"\nweight = 1000.0\n");
  Recipe rounded = blurred;
  set_recipe_value(rounded, "data.input_u8=true");
  const auto off_grid = [&](const Recipe& made) {
    const auto levels = dataset(made)->batch(0, 8).input * 255;
    return (levels - levels.round()).abs().max().item<double>();
  };
  EXPECT_GT(off_grid(blurred), 0.1);
  EXPECT_LT(off_grid(rounded), 1e-4);
  // Pictures of files, too, that were reduced.
  std::string text = toml();
  text.replace(text.find("weight = 1.0\n"), 13,
               "weight = 1000.0\nscale_min = 1.5\nscale_max = 2.0\n");
  Recipe pairs = parse_recipe(text, "test");
  EXPECT_GT(off_grid(pairs), 0.1);
  set_recipe_value(pairs, "data.input_u8=true");
  EXPECT_LT(off_grid(pairs), 1e-4);
}

TEST_F(DatasetTest, InputsAreFiledAsJpegWhereAskedAndKeepTheirKinds) {
  const Recipe plain =
      recipe("[[task]]\nname = \"untouched\"\nspec = \"clean\"\nweight = 1000.0\n");
  Recipe filed = plain;
  set_recipe_value(filed, "data.filed_as_jpeg=1");
  const Batch before = dataset(plain)->batch(0, 8);
  const Batch after = dataset(filed)->batch(0, 8);
  EXPECT_TRUE(at::equal(before.kinds, after.kinds));
  EXPECT_TRUE(at::equal(before.target, after.target));
  for (std::int64_t i = 0; i < 8; ++i) {
    const auto error = (after.input[i] - after.target[i]).square().mean().item<double>();
    EXPECT_GT(error, 0);
    EXPECT_LT(error, 0.03);
  }
}

TEST_F(DatasetTest, OtherTonesChangeTargetAndInputAlike) {
  const std::string task = "[[task]]\nname = \"untouched\"\nspec = \"clean\"\nweight = 1000.0\n";
  const Batch plain = dataset(recipe(task))->batch(0, 8);
  const Batch toned = dataset(recipe(task + "tones = 1.0\n"))->batch(0, 8);
  for (std::int64_t i = 0; i < 8; ++i) {
    EXPECT_TRUE(at::equal(toned.input[i], toned.target[i]));
    EXPECT_GT((toned.target[i] - plain.target[i]).abs().max().item<double>(), 0.02);
  }
  EXPECT_LE(toned.target.max().item<double>(), 1);
  EXPECT_GE(toned.target.min().item<double>(), 0);
}

TEST_F(DatasetTest, ABackdropStandsBehindTargetAndInputAlike) {
  const std::string task = "[[task]]\nname = \"untouched\"\nspec = \"clean\"\nweight = 1000.0\n";
  const Batch plain = dataset(recipe(task))->batch(0, 8);
  const Batch behind = dataset(recipe(task + "backdrop = 1.0\n"))->batch(0, 8);
  EXPECT_TRUE(at::equal(behind.input, behind.target));
  EXPECT_GT((behind.target - plain.target).abs().mean().item<double>(), 0.05);
}

TEST_F(DatasetTest, MistBoundsTheBlackLevelOfOtherTones) {
  const auto darkest = [&](double mist, const std::string& of_the_task = "") {
    Recipe edited =
        recipe("[[task]]\nname = \"untouched\"\nspec = \"clean\"\nweight = 1000.0\ntones = 1.0\n" +
               of_the_task);
    set_recipe_value(edited, fmt::format("data.mist={}", mist));
    return dataset(edited)->batch(0, 64).target.flatten(1).amin(1);
  };
  const at::Tensor lifted = darkest(0.3) - darkest(0);
  EXPECT_GE(lifted.min().item<double>(), 0);
  EXPECT_LE(lifted.max().item<double>(), 0.3);
  EXPECT_GT(lifted.max().item<double>(), 0.15);
  // Half of the pictures keep their blacks.
  const auto count = lifted.gt(0).sum().item<std::int64_t>();
  EXPECT_GT(count, 16);
  EXPECT_LT(count, 48);
  // A task may say so for itself.
  EXPECT_TRUE(at::equal(darkest(0, "mist = 0.3\n"), darkest(0.3)));
  EXPECT_TRUE(at::equal(darkest(0.3, "mist = 0.0\n"), darkest(0)));
}

// Pairs in a row: the same kinds and options on different pictures, with grain of their own.
TEST_F(DatasetTest, AlikeSamplesShareTheDamageAndNothingElse) {
  Recipe edited = recipe();
  set_recipe_value(edited, "data.alike=2");
  const auto set = dataset(edited);
  int same_scene = 0;
  double other_severity = 0;
  for (std::int64_t i = 0; i < 40; i += 2) {
    const Sample one = set->sample(i);
    const Sample two = set->sample(i + 1);
    EXPECT_EQ(one.kinds, two.kinds) << i;
    EXPECT_EQ(one.task, two.task) << i;
    EXPECT_EQ(one.severity, two.severity) << i;
    same_scene += one.content == two.content ? 1 : 0;
    other_severity += std::abs(one.severity - set->sample(i + 2).severity);
    if (one.origin.find("noise") == std::string::npos) continue;
    EXPECT_EQ(one.origin.substr(one.origin.find(' ')), two.origin.substr(two.origin.find(' ')));
    double product = 0;  // of what the noise added
    for (std::size_t p = 0; p < one.input.pixels().size(); ++p)
      product += static_cast<double>(one.input.pixels()[p] - one.target.pixels()[p]) *
                 static_cast<double>(two.input.pixels()[p] - two.target.pixels()[p]);
    EXPECT_LT(std::abs(product) / static_cast<double>(one.input.pixels().size()), 0.0012) << i;
  }
  EXPECT_LT(same_scene, 15);
  EXPECT_GT(other_severity, 0);
  // What is done to the scene before is drawn for each by itself and leaves the damage as it is.
  const auto told = [&](const std::string& tones) {
    Recipe task = recipe("[[task]]\nname = \"noise\"\nspec = \"noise(sigma_u8=5..50)\"\n" + tones);
    set_recipe_value(task, "data.alike=2");
    return dataset(task)->batch(0, 24).origins;
  };
  EXPECT_EQ(told("tones = 1.0\n"), told(""));
  set_recipe_value(edited, "data.variants=2");
  EXPECT_CHIARO_ERROR(dataset(edited), Usage, "data.variants = 2 and data.alike = 2");
}

}  // namespace
}  // namespace chiaro::data::dataset_test
