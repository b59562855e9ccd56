// What chiaro-train says of a wrong command line, and how it ends.
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/checkpoint/run_folder.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/train_cli/tiny_training.h"

namespace chiaro::command_line_test {
namespace {

namespace fs = std::filesystem;

class TrainCommandLine : public test::TinyTraining {
 protected:
  void expect_refused(const std::vector<std::string>& arguments, const std::string& sentence) {
    EXPECT_EQ(run(arguments), 2);
    EXPECT_EQ(log(), "error: " + sentence + "\n");
    EXPECT_EQ(out(), "");
  }
};

TEST_F(TrainCommandLine, SlipsAreNamedInOneLine) {
  expect_refused({"train", "--rsume"}, "unknown option '--rsume' (did you mean '--resume'?)");
  expect_refused({"train", "--quite"}, "unknown option '--quite' (did you mean '--quiet'?)");
  expect_refused({"trian"},
                 "there is no subcommand 'trian' (did you mean 'train'?); known: train, study, "
                 "freeze, describe");
  expect_refused({"freeze", "run"},
                 "--out is required: bundle to write: name.chiaro; for example: chiaro freeze "
                 "runs/mine -o mine.chiaro --license CC-BY-4.0");
  expect_refused({"describe", "resunet", "more"}, "unexpected argument 'more'");
}

// `chiaro describe` tells the degradations itself and lets chiaro-train tell the rest.
TEST_F(TrainCommandLine, EveryCatalogueIsDescribedAsEventsToo) {
  const auto described = [](std::vector<std::string> words) {
    words.insert(words.begin(), {CHIARO_PROGRAM, "describe", "--json"});
    return test::run_process(words);
  };
  for (const auto& [name, kind] :
       {std::pair{"rain", "degradation"}, {"resunet", "network"}, {"spn", "method"}}) {
    const auto events = test::events(described({name}).out);
    ASSERT_EQ(events.size(), 2U) << name;
    EXPECT_EQ(events[0]["kind"], kind);
    EXPECT_EQ(events[0]["name"], name);
    EXPECT_FALSE(events[0]["options"].empty());
    EXPECT_EQ(events[1], (nlohmann::json{{"event", "summary"}, {"done", 1}}));
  }
  const auto all = test::events(described({}).out);
  EXPECT_EQ(all.back()["done"], all.size() - 1);
  std::set<std::string> kinds;
  for (const auto& event : all)
    if (event["event"] == "entry") kinds.insert(event["kind"]);
  EXPECT_EQ(kinds, (std::set<std::string>{"degradation", "network", "method"}));
  const auto slip = described({"rian"});
  EXPECT_EQ(slip.status, 2);
  EXPECT_EQ(test::events(slip.out).size(), 1U);
  EXPECT_EQ(slip.err.find("error: "), slip.err.rfind("error: ")) << "said twice";
  EXPECT_NE(slip.err.find("did you mean 'rain'"), std::string::npos) << slip.err;
}

TEST_F(TrainCommandLine, ErrorsAreEventsToo) {
  EXPECT_EQ(run({"train", "--rsume", "--json"}), 2);
  const auto events = test::events(out());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["event"], "error");
  EXPECT_EQ(events[0]["exit_status"], 2);
  EXPECT_NE(log().find("error: unknown option"), std::string::npos) << log();
}

TEST_F(TrainCommandLine, TheEndIsAnEvent) {
  ASSERT_EQ(train("run", {"train.steps=20"}, {"--json", "--quiet"}), 0) << log();
  const auto trained = test::events(out());
  ASSERT_EQ(trained.size(), 1U) << out();
  EXPECT_EQ(trained[0]["event"], "trained");
  EXPECT_EQ(trained[0]["run"], path("run"));
  EXPECT_EQ(trained[0]["step"], 20);
  EXPECT_EQ(trained[0]["finished"], true);
  EXPECT_EQ(trained[0]["best"]["metric"], "psnr");
  EXPECT_EQ(trained[0]["best"]["value"], trained[0]["metrics"]["psnr"]);  // measured once
  ASSERT_EQ(train("short", {}, {"--json", "--stop-after", "3"}), 0) << log();
  EXPECT_EQ(test::events(out()).at(0)["finished"], false);
  EXPECT_FALSE(test::events(out()).at(0).contains("best"));

  ASSERT_EQ(run({"freeze", path("run"), "-o", path("tiny.chiaro"), "--certify", "0", "--json"}), 0)
      << log();
  const auto frozen = test::events(out());
  ASSERT_EQ(frozen.size(), 1U) << out();
  EXPECT_EQ(frozen[0]["event"], "frozen");
  EXPECT_EQ(frozen[0]["bundle"], path("tiny.chiaro"));
  EXPECT_EQ(frozen[0]["kind"], "restore");
  EXPECT_EQ(frozen[0]["bytes"], fs::file_size(folder_ / "tiny.chiaro"));
  const auto& parts = frozen[0]["member_bytes"];
  EXPECT_GT(parts["restore.onnx"], 1000);
  EXPECT_LT(parts["restore.onnx"], frozen[0]["bytes"]);
}

TEST_F(TrainCommandLine, TheDeviceIsThatOfTheRecipe) {
  ASSERT_EQ(train("run", {"train.device=cuda", "train.steps=1"}, {"--device", "cpu"}), 0) << log();
  EXPECT_NE(read_text(folder_ / "run" / "recipe.toml").find("device = \"cpu\""), std::string::npos);
  EXPECT_EQ(train("other", {}, {"--device", "tpu"}), 2);
  EXPECT_NE(log().find("error: --device: tpu not in {auto,cpu,cuda}"), std::string::npos) << log();
  EXPECT_FALSE(fs::exists(folder_ / "other"));

  // Before anything is read: libtorch looks for devices once, when the first tensor is made.
  if (fs::exists("/dev/nvidiactl")) return;
  EXPECT_EQ(train("other", {"train.device=cuda"}), 2);
  EXPECT_NE(log().find("error: [train.device] cuda was asked for"), std::string::npos) << log();
  EXPECT_EQ(log().find("training on"), std::string::npos) << log();
  EXPECT_FALSE(fs::exists(folder_ / "other"));
}

TEST_F(TrainCommandLine, TheStatusTellsTheSignal) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string name = std::to_string(signal);
    const test::Process child(
        words({"train", path("recipe.toml"), "--out", path(name), "--set", "train.steps=100000"}));
    const bool begun = test::within_a_minute([&] {
      const auto stored = checkpoint::list_checkpoints(folder_ / name);
      return !stored.empty() && stored.back().first > 0;
    });
    child.signal(signal);
    const auto ended = child.finish();
    ASSERT_TRUE(begun) << ended.err;
    EXPECT_TRUE(ended.exited);
    EXPECT_EQ(ended.status, 128 + signal) << ended.err;
    EXPECT_NE(ended.err.find("continue with --resume"), std::string::npos) << ended.err;
  }
}

}  // namespace
}  // namespace chiaro::command_line_test
