// A restorer told by an encoder of damage, from a plain folder, by the recipes that ship.
#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/self_test.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::told_restorer_test {
namespace {

namespace fs = std::filesystem;

const std::string kRoot = CHIARO_SOURCE_DIR;

/// What makes both recipes tiny.
const std::vector<std::string> kTiny = {
    "train.steps=6",          "method.width=4",      "method.hidden=16",
    "method.dimension=8",     "method.view_px=32",   "method.prototypes=[6, 2]",
    "data.crop_px=32",        "data.context_px=64",  "data.batch=4",
    "train.validate_every=6", "train.log_every=2",   "train.checkpoint_every=3",
    "validate.samples=8",     "validate.crop_px=32", "train.device=cpu",
    "train.threads=1"};
const std::vector<std::string> kTinyEncoder = {"method.queue=32", "method.tree_every=2"};
const std::vector<std::string> kTinyRestorer = {
    "network.channels=[4, 8]", "network.encoder_blocks=[1]", "network.decoder_blocks=[1]",
    "network.embedding=16", "train.sample_every=0"};

class ToldRestorer : public ::testing::Test {
 protected:
  static test::ProcessResult run(std::vector<std::string> words) {
    words.insert(words.begin(), CHIARO_TRAIN_PROGRAM);
    return test::run_process(words);
  }

  test::ProcessResult train(const std::string& recipe, const std::string& out,
                            const std::vector<std::string>& settings,
                            const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"train",  kRoot + "/recipes/" + recipe,    "--out", path(out),
                                   "--data", kRoot + "/examples/photos/clean"};
    for (const auto* list : {&kTiny, &settings}) {
      for (const auto& setting : *list) words.insert(words.end(), {"--set", setting});
    }
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  test::ProcessResult told(const std::string& out, const std::vector<std::string>& more) const {
    return train("told.toml", out, kTinyRestorer, more);
  }

  /// A bundle of an encoder of damage.
  std::string encoder() const {
    const auto trained = train("hcsc.toml", "encoder", kTinyEncoder);
    EXPECT_EQ(trained.status, 0) << trained.err;
    const auto frozen =
        run({"freeze", path("encoder"), "-o", path("damage.chiaro"), "--certify", "0"});
    EXPECT_EQ(frozen.status, 0) << frozen.err;
    return path("damage.chiaro");
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  test::TemporaryFolder folder_;
};

void expect_refusal(const test::ProcessResult& result, int status, const std::string& part) {
  EXPECT_EQ(result.status, status) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

/// `psnr` is the mean over the kinds of damage: not over undamaged pictures, although their input
/// differs from the target by its rounding to 8 bit (data.input_u8).
void expect_undamaged_left_out(const std::string& validation) {
  std::istringstream names(validation);
  std::string line;
  std::getline(names, line);
  names = std::istringstream(line);
  std::istringstream values(validation.substr(validation.find('\n') + 1));
  std::map<std::string, double> row;
  for (std::string name, value; std::getline(names, name, ',');) {
    std::getline(values, value, ',');
    row[name] = std::stod(value);
  }
  ASSERT_TRUE(row.contains("psnr_rain") && row.contains("psnr_clean")) << validation;
  double sum = 0;
  int count = 0;
  for (const auto& [name, value] : row) {
    if (!name.starts_with("psnr_") || name == "psnr_clean") continue;
    sum += value;
    ++count;
  }
  EXPECT_NEAR(row["psnr"], sum / count, 1e-6) << validation;
}

TEST_F(ToldRestorer, TrainsFromTheEncodersBundleFreezesAndLooksAtPictures) {
  const std::string damage = encoder();
  const auto trained = told("run", {"--from", damage, "--set", "validate.samples=24"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  expect_undamaged_left_out(read_text(folder_ / "run" / "validation.csv"));
  const auto frozen = run({"freeze", path("run"), "-o", path("told.chiaro"), "--data",
                           kRoot + "/examples/photos/clean", "--certify", "0"});
  ASSERT_EQ(frozen.status, 0) << frozen.err;
  const auto bundle = bundle::read_bundle(folder_ / "told.chiaro");
  EXPECT_EQ(bundle.manifest.method, "told");
  ASSERT_TRUE(bundle.manifest.condition.has_value());
  EXPECT_EQ(bundle.manifest.condition->types.size(), 8U);
  EXPECT_EQ(bundle.manifest.condition->embedding, 16);
  EXPECT_TRUE(restore::verify(bundle, 1).first_difference.empty());
  restore::Inspector inspector(bundle, {.threads = 1});
  const auto found = inspector.inspect(image::read(kRoot + "/examples/photos/dogs_noisy.jpg"));
  EXPECT_EQ(found.probabilities.size(), 8U);

  const auto proof = told("proof", {"--from", damage, "--prove-resume", "3"});
  EXPECT_EQ(proof.status, 0) << proof.err;
}

TEST_F(ToldRestorer, WithoutAnEncoderThatFitsNothingBegins) {
  const std::string damage = encoder();
  expect_refusal(told("run", {}), 2, "no encoder of damage");
  expect_refusal(told("run", {"--from", damage, "--set", "method.width=8"}), 5,
                 "the weights do not fit");
  expect_refusal(told("run", {"--from", damage, "--set", "method.view_px=48"}), 2,
                 "method.view_px = 48");
  expect_refusal(told("run", {"--from", damage, "--set", "method.prototypes=[5, 2]"}), 5,
                 "prototypes on level 1");
  expect_refusal(told("run", {"--from", damage, "--set", "method.condition=none"}), 2,
                 "goes by no encoder");
  expect_refusal(run({"train", kRoot + "/recipes/toy.toml", "--out", path("run"), "--from", damage,
                      "--set", "train.steps=2"}),
                 2, "goes by no encoder");
  EXPECT_FALSE(fs::exists(folder_ / "run")) << "an empty run is left";
}

TEST_F(ToldRestorer, ArmsOfAStudyStartFromArmsThatTrainedAnEncoder) {
  std::string study =
      "name = \"s\"\nbase = \"" + kRoot + "/recipes/told.toml\"\nseeds = [1]\nset = [";
  for (const auto& setting : kTiny) study += "\"" + setting + "\", ";
  study += "]\n";
  const auto arm = [&](const std::string& name, const std::vector<std::string>& settings,
                       const std::string& more) {
    study += "[[arm]]\nname = \"" + name + "\"\n" + more + "set = [";
    for (const auto& setting : settings) study += "\"" + setting + "\", ";
    study += "]\n";
  };
  auto nothing = kTinyRestorer;
  nothing.emplace_back("method.condition=none");
  arm("nothing", nothing, "control = true\n");
  arm("encoder", kTinyEncoder, "measured = false\nrecipe = \"" + kRoot + "/recipes/hcsc.toml\"\n");
  arm("path", kTinyRestorer, "from = \"arm:encoder\"\n");
  write_file_atomically(folder_ / "s.toml", study);
  const auto made = run(
      {"study", path("s.toml"), "--out", path("s"), "--data", kRoot + "/examples/photos/clean"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_NE(read_text(folder_ / "s" / "report.md").find("path"), std::string::npos);
}

}  // namespace
}  // namespace chiaro::told_restorer_test
