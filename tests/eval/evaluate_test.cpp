#include "chiaro/eval/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include "chiaro/base/files.h"
#include "tests/eval/measures.h"
#include "tests/eval/pictures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::eval::evaluate_test {
namespace {

using image::Image;
using test::TemporaryFolder;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Inputs lie 4 levels above their targets.
PairSet four_levels_up(const TemporaryFolder& folder, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string name = std::to_string(i) + ".png";
    save(folder / ("gt/" + name), test_picture(16, 20, i));
    save(folder / ("in/" + name), moved(test_picture(16, 20, i), 4));
  }
  return paired_folders("moved", folder / "in", folder / "gt");
}

double psnr_of_levels(double levels) {
  return 20 * std::log10(255 / levels);
}

TEST(Evaluate, ScoresRestoredAndInput) {
  const TemporaryFolder folder;
  const PairSet set = four_levels_up(folder, 3);
  const auto restore = [](const Image& input) { return moved(input, -2); };
  const Report report =
      evaluate(set, restore, measures_named({"psnr", "ssim"}), {.restorer = "half"});
  ASSERT_EQ(report.pictures.size(), 3U);
  EXPECT_EQ(report.restorer, "half");
  EXPECT_EQ(report.labels, (std::vector<std::string>{"psnr", "ssim"}));
  EXPECT_NEAR(report.pictures[1].restored[0], psnr_of_levels(2), 1e-4);
  EXPECT_NEAR(report.pictures[1].input[0], psnr_of_levels(4), 1e-4);
  const Summary summary = summarize(report, 0);
  EXPECT_NEAR(summary.restored, psnr_of_levels(2), 1e-4);
  EXPECT_NEAR(*summary.input, psnr_of_levels(4), 1e-4);
  EXPECT_NEAR(summary.gain, 20 * std::log10(2.0), 1e-3);
  EXPECT_EQ(summary.worse_share, 0);
  EXPECT_EQ(summary.worst_name, "");
  EXPECT_GT(summarize(report, 1).restored, *summarize(report, 1).input);
}

TEST(Evaluate, CountsPicturesMadeWorseAndNamesTheWorst) {
  const TemporaryFolder folder;
  const PairSet set = four_levels_up(folder, 4);
  int call = 0;
  const auto restore = [&call](const Image& input) {
    const int levels[] = {-2, 4, 0, 12};  // better, worse, as it was, much worse
    return moved(input, levels[call++]);
  };
  const Summary summary = summarize(evaluate(set, restore, measures_named({"psnr"})), 0);
  EXPECT_DOUBLE_EQ(summary.worse_share, 0.5);
  EXPECT_EQ(summary.worst_name, "3.png");
  EXPECT_NEAR(summary.worst_loss, 20 * std::log10(4.0), 1e-3);
}

TEST(Evaluate, MeanIsOfDecibelsNotOfErrors) {
  const TemporaryFolder folder;
  save(folder / "gt/a.png", test_picture(16, 20, 0));
  save(folder / "in/a.png", moved(test_picture(16, 20, 0), 1));
  save(folder / "gt/b.png", test_picture(16, 20, 1));
  save(folder / "in/b.png", moved(test_picture(16, 20, 1), 16));
  const PairSet set = paired_folders("s", folder / "in", folder / "gt");
  const Summary summary = summarize(evaluate(set, {}, measures_named({"psnr"})), 0);
  EXPECT_NEAR(summary.restored, (psnr_of_levels(1) + psnr_of_levels(16)) / 2, 1e-3);
}

TEST(Evaluate, WithoutRestoringTheInputsAreScored) {
  const TemporaryFolder folder;
  const Report report = evaluate(four_levels_up(folder, 2), {}, measures_named({"psnr"}));
  EXPECT_NEAR(report.pictures[0].restored[0], psnr_of_levels(4), 1e-3);
  EXPECT_TRUE(report.pictures[0].input.empty());
  EXPECT_EQ(report.inputs_hash, "");
  EXPECT_FALSE(summarize(report, 0).input);
}

TEST(Evaluate, CleanPicturesLeftAloneAreInfinite) {
  const TemporaryFolder folder;
  save(folder / "a.png", test_picture(16, 20, 0));
  save(folder / "b.png", test_picture(16, 20, 1));
  const PairSet set = degraded_folder("clean", folder.path(), "clean", 0);
  const auto leave = [](const Image& input) { return input; };
  const Summary summary = summarize(evaluate(set, leave, measures_named({"psnr"})), 0);
  EXPECT_EQ(summary.restored, kInfinity);
  EXPECT_EQ(summary.gain, 0);
  EXPECT_EQ(summary.worse_share, 0);
}

TEST(Evaluate, ErrorsNameSetAndPicture) {
  const TemporaryFolder folder;
  const PairSet set = four_levels_up(folder, 2);
  const auto crop = [](const Image& input) { return image::crop(input, 0, 0, 5, 5); };
  EXPECT_CHIARO_ERROR(evaluate(set, crop, measures_named({"psnr"})), Input, "'moved'");
  EXPECT_CHIARO_ERROR(evaluate(set, crop, measures_named({"psnr"})), Input, "'0.png'");
  const auto spoil = [](Image input) {
    input.at(0, 0, 0) = std::numeric_limits<float>::quiet_NaN();
    return input;
  };
  EXPECT_CHIARO_ERROR(evaluate(set, spoil, measures_named({"psnr"})), Input, "NaN");
  EXPECT_CHIARO_ERROR(evaluate(PairSet{}, {}, measures_named({"psnr"})), Input, "no pictures");
  EXPECT_CHIARO_ERROR(evaluate(set, {}, {}), Usage, "nothing to measure");
}

TEST(Evaluate, ABrokenPictureIsNamedAndTheOthersAreScored) {
  const TemporaryFolder folder;
  four_levels_up(folder, 4);
  write_file_atomically(folder / "in/1.png", std::string_view("no picture at all"));
  write_file_atomically(folder / "gt/2.png", std::string_view("neither"));
  const PairSet set = paired_folders("moved", folder / "in", folder / "gt");
  int restored = 0;
  const auto leave = [&](const Image& input) {
    ++restored;
    return input;
  };
  std::vector<double> seen;
  const Report report = evaluate(set, leave, measures_named({"psnr"}), {}, [&](double done) {
    seen.push_back(done);
    return true;
  });
  EXPECT_EQ(restored, 2);
  ASSERT_EQ(report.pictures.size(), 2U);
  EXPECT_EQ(report.pictures[0].name, "0.png");
  EXPECT_EQ(report.pictures[1].name, "3.png");
  EXPECT_NE(report.pictures[0].scene, report.pictures[1].scene);
  EXPECT_NEAR(summarize(report, 0).restored, psnr_of_levels(4), 1e-4);
  ASSERT_EQ(report.failed.size(), 2U);
  EXPECT_EQ(report.failed[0].name, "1.png");
  EXPECT_EQ(report.failed[0].code, ErrorCode::Input);
  EXPECT_NE(report.failed[0].reason.find("not a picture"), std::string::npos)
      << report.failed[0].reason;
  EXPECT_EQ(report.failed[1].name, "2.png");
  EXPECT_EQ(scored_text(report), "2 of 4");
  EXPECT_EQ(seen, (std::vector<double>{0.25, 0.5, 0.75, 1}));
}

TEST(Evaluate, WhatConcernsEveryPictureStopsAtTheFirst) {
  const TemporaryFolder folder;
  const PairSet set = four_levels_up(folder, 3);
  int calls = 0;
  const auto failing = [&](ErrorCode code) {
    return [&calls, code](const Image&) -> Restored {
      ++calls;
      throw Error(code, "cannot");
    };
  };
  for (const ErrorCode code : {ErrorCode::Bundle, ErrorCode::Usage, ErrorCode::Internal}) {
    calls = 0;
    EXPECT_THROW(evaluate(set, failing(code), measures_named({"psnr"})), Error);
    EXPECT_EQ(calls, 1);
  }
  calls = 0;
  EXPECT_CHIARO_ERROR(evaluate(set, failing(ErrorCode::CheckFailed), measures_named({"psnr"})),
                      CheckFailed, "'0.png': cannot");
  EXPECT_EQ(calls, 3);
}

TEST(Evaluate, StopsWhenToldTo) {
  const TemporaryFolder folder;
  const PairSet set = four_levels_up(folder, 3);
  std::vector<double> seen;
  const auto stop_at_second = [&](double done) {
    seen.push_back(done);
    return seen.size() < 2;
  };
  EXPECT_CHIARO_ERROR(evaluate(set, {}, measures_named({"psnr"}), {}, stop_at_second), Interrupted,
                      "stopped");
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_NEAR(seen[0], 1.0 / 3, 1e-9);
}

TEST(ScoreDifference, TakesEqualInfinitiesAsZero) {
  EXPECT_EQ(score_difference(kInfinity, kInfinity), 0);
  EXPECT_EQ(score_difference(kInfinity, 40), kInfinity);
  EXPECT_EQ(score_difference(41, 40), 1);
}

}  // namespace
}  // namespace chiaro::eval::evaluate_test
