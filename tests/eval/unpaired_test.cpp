// Sets without clean pictures, and metrics where lower is better.
#include <gtest/gtest.h>

#include <cmath>

#include "chiaro/base/files.h"
#include "chiaro/eval/evaluate.h"
#include "chiaro/eval/metric_files.h"
#include "chiaro/eval/report.h"
#include "tests/eval/measures.h"
#include "tests/eval/pictures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::eval::unpaired_test {
namespace {

using image::Image;

/// Gives what a BRISQUE model of one support vector in the origin gives: larger for pictures whose
/// features are closer to it.
metrics::Learned plain_brisque() {
  metrics::BrisqueRegression fitted;
  fitted.low.fill(-1);
  fitted.high.fill(1);
  fitted.gamma = 0.01;
  fitted.weights = {100};
  fitted.vectors = {{}};
  metrics::Learned learned;
  learned.brisque = {fitted, "0123456789ab"};
  return learned;
}

TEST(Unpaired, AFolderOrOnePictureIsScoredAlone) {
  const test::TemporaryFolder folder;
  for (const char* name : {"a.png", "b.png"})
    save(folder / (std::string("in/") + name), test_picture(40, 50, name[0]));
  const PairSet set = unpaired("alone", folder / "in");
  ASSERT_EQ(set.entries.size(), 2U);
  EXPECT_FALSE(has_targets(set));
  EXPECT_EQ(unpaired("one", folder / "in/b.png").entries.at(0).name, "b.png");
  EXPECT_CHIARO_ERROR(unpaired("none", folder / "in/c.png"), Input, "c.png");
  const metrics::Learned learned = plain_brisque();
  EvaluateOptions options;
  options.learned = &learned;
  EXPECT_CHIARO_ERROR(evaluate(set, {}, measures_named({"brisque", "ssim"}), options), Usage,
                      "ssim compares with clean pictures");
  const auto restore = [](const Image& input) { return image::dihedral(input, 1); };
  const Report report = evaluate(set, restore, measures_named({"brisque"}), options);
  EXPECT_NE(report.fingerprints[0].find("files=0123456789ab"), std::string::npos);
  EXPECT_NE(report_text(std::vector<Report>{report}).find("lower is better"), std::string::npos);
  const Report finished = evaluate(set, {}, measures_named({"brisque"}), options);
  EXPECT_EQ(finished.pictures[0].restored[0], report.pictures[0].input[0]);
  EXPECT_EQ(finished.targets_hash, report.targets_hash) << "names make sets alike";
}

TEST(Unpaired, OnePairIsASet) {
  const test::TemporaryFolder folder;
  save(folder / "a.png", test_picture(16, 20, 0));
  save(folder / "b.png", moved(test_picture(16, 20, 0), 4));
  save(folder / "c.png", test_picture(16, 21, 0));
  const PairSet set = one_pair("pair", folder / "a.png", folder / "b.png");
  const Report report = evaluate(set, {}, measures_named({"psnr"}));
  EXPECT_NEAR(report.pictures.at(0).restored[0], 20 * std::log10(255 / 4.0), 1e-4);
  EXPECT_CHIARO_ERROR(one_pair("pair", folder / "a.png", folder / "c.png"), Input,
                      "differ in size");
}

TEST(Summarize, CountsRisesAsLossesWhereLowerIsBetter) {
  Report report;
  report.labels = {"niqe"};
  report.fingerprints = {"niqe/1 luma=studio"};
  report.pictures = {{"a", "a", {3}, {4}, 0}, {"b", "b", {6}, {4}, 0}, {"c", "c", {4}, {4}, 0}};
  const Summary summary = summarize(report, 0);
  EXPECT_NEAR(summary.gain, 1.0 / 3, 1e-12);
  EXPECT_NEAR(summary.worse_share, 1.0 / 3, 1e-12);
  EXPECT_DOUBLE_EQ(summary.worst_loss, 2);
  EXPECT_EQ(summary.worst_name, "b");
}

TEST(MetricFiles, AreNamedWhereTheyAreMissing) {
  const test::TemporaryFolder folder;
  EXPECT_NO_THROW(read_metric_files(measures_named({"psnr", "ssim"}), {}));
  EXPECT_CHIARO_ERROR(read_metric_files(measures_named({"niqe"}), {}), Usage, "CHIARO_METRIC_DIR");
  EXPECT_CHIARO_ERROR(read_metric_files(measures_named({"niqe", "brisque"}), folder.path()), Input,
                      "niqe_pris_params.npz, allmodel, allrange");
  for (const char* name : {"squeezenet_v1.1.ncnn.param", "squeezenet_v1.1.ncnn.bin"})
    write_file_atomically(folder / name, std::string_view("no network"));
  EXPECT_CHIARO_ERROR(read_metric_files(measures_named({"lpips_squeeze"}), folder.path()), Input,
                      "lacks squeeze.pth");
}

}  // namespace
}  // namespace chiaro::eval::unpaired_test
