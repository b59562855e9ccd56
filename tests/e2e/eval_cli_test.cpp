// `chiaro eval`, `score` and `describe --schema`: sets without clean pictures, the page of worst
// cases, and that the schema knows what the readers know.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/base/recipe.h"
#include "chiaro/image/codec.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/occurrences.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::eval_cli_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::ProcessResult;

class EvalCli : public testing::Test {
 protected:
  void SetUp() override {
    test::use_default_bundle(folder_ / "models", "stack");
    ::unsetenv("CHIARO_METRIC_DIR");
    for (int i = 0; i < 3; ++i) {
      image::Image picture(3, 24, 40);
      for (int y = 0; y < 24; ++y) {
        for (int x = 0; x < 40; ++x) {
          for (int c = 0; c < 3; ++c)
            picture.at(c, y, x) = static_cast<float>((7 * x + 5 * y + 40 * (c + i)) % 200) / 255.0F;
        }
      }
      fs::create_directories(folder_ / "clean");
      image::write(folder_ / ("clean/" + std::string(1, static_cast<char>('a' + i)) + ".png"),
                   picture);
    }
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  std::string file(const std::string& name) const { return folder_ / name; }

  static ProcessResult chiaro(std::vector<std::string> words) {
    words.insert(words.begin(), CHIARO_PROGRAM);
    return test::run_process(words);
  }

  test::TemporaryFolder folder_;
};

TEST_F(EvalCli, ThePageHoldsEachDegradationAndItsWorstPictures) {
  const auto made = chiaro({"eval", "--clean", file("clean"), "--degrade", "noise(sigma_u8=25)",
                            "--degrade", "noise(sigma_u8=25)+jpeg(quality=20)", "--name", "photos",
                            "--metric", "psnr", "--worst", "2", "--report", file("out.html")});
  ASSERT_EQ(made.status, 0) << made.err;
  const std::string page = read_text(file("out.html"));
  EXPECT_NE(page.find("<td class=\"name\">photos, noise(sigma_u8=25)</td>"), std::string::npos);
  EXPECT_NE(page.find("<td class=\"name\">photos, noise(sigma_u8=25)+jpeg(quality=20)</td>"),
            std::string::npos);
  EXPECT_NE(page.find("psnr/1 channel=rgb"), std::string::npos) << "the protocol is not said";
  EXPECT_NE(page.find("95 % interval"), std::string::npos);
  // Two pictures of each set: before, restored and clean; two frames each.
  EXPECT_EQ(test::occurrences(page, "src=\"data:image/png;base64,"), 12U);
  EXPECT_EQ(test::occurrences(page, " data-before=\"before"), 8U);
  const std::regex outside(R"((src|href)\s*=\s*"(?!data:))");
  EXPECT_FALSE(std::regex_search(page.substr(0, page.find("<script>")), outside));
  EXPECT_EQ(page.find("http:"), std::string::npos);
  EXPECT_EQ(page.find("https:"), std::string::npos);
}

TEST_F(EvalCli, OneDamageFindsItsLikeInAReportOfSeveral) {
  const auto saved = [&](const std::string& name, const std::vector<std::string>& damages) {
    std::vector<std::string> words{"eval", "--clean",     file("clean"), "--metric",
                                   "psnr", "--save-json", file(name)};
    for (const std::string& damage : damages) words.insert(words.end(), {"--degrade", damage});
    const auto result = chiaro(words);
    EXPECT_EQ(result.status, 0) << result.err;
    return file(name);
  };
  const auto several = saved("several.json", {"noise(sigma_u8=25)", "quantize"});
  const auto one = saved("one.json", {"noise(sigma_u8=25)"});
  const auto compared = chiaro({"compare", several, one});
  EXPECT_EQ(compared.status, 0) << compared.err;
  EXPECT_NE(compared.out.find("clean, noise(sigma_u8=25)"), std::string::npos) << compared.out;
  EXPECT_EQ(chiaro({"compare", saved("other.json", {"quantize"}), one}).status, 7);
}

TEST_F(EvalCli, APageThatCannotBeIsRefusedBeforeTheWork) {
  const auto text =
      chiaro({"eval", "--clean", file("clean"), "--degrade", "noise", "--report", file("out.txt")});
  EXPECT_EQ(text.status, 2);
  EXPECT_NE(text.err.find(".html"), std::string::npos);
  EXPECT_EQ(chiaro({"eval", "--clean", file("clean"), "--degrade", "noise", "--report",
                    file("gone/out.html")})
                .status,
            4);
}

TEST_F(EvalCli, MetricsSayWhatTheyLack) {
  const auto alone = chiaro({"score", "--input", file("clean/a.png"), "--metric", "psnr"});
  EXPECT_EQ(alone.status, 2);
  EXPECT_NE(alone.err.find("compares with clean pictures"), std::string::npos);
  const auto nowhere = chiaro({"score", "--input", file("clean"), "--metric", "niqe"});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_NE(nowhere.err.find("CHIARO_METRIC_DIR"), std::string::npos);
  const auto missing = chiaro({"score", "--input", file("clean"), "--metric", "niqe,brisque",
                               "--metric-files", file("clean")});
  EXPECT_EQ(missing.status, 3);
  EXPECT_NE(missing.err.find("lacks niqe_pris_params.npz, allmodel, allrange"), std::string::npos);
  const auto pair = chiaro({"score", "--input", file("clean/a.png"), "--target",
                            file("clean/b.png"), "--metric", "psnr"});
  EXPECT_EQ(pair.status, 0) << pair.err;
}

/// Every key of the recipe that the schema does not know, as "section.key".
std::vector<std::string> unknown_keys(const Recipe& recipe, const json& schema) {
  std::vector<std::string> unknown;
  const json& known = schema.at("properties");
  const auto look = [&](const std::string& where, const OptionTable& values, const json& keys) {
    for (const auto& [key, value] : values) {
      if (!keys.contains(key)) unknown.push_back(where + key);
    }
  };
  look("", recipe.values, known);
  for (const auto& [name, table] : recipe.tables)
    look(name + ".", table.values, known.at(name).at("properties"));
  for (const auto& [name, list] : recipe.lists) {
    for (const Recipe& entry : list)
      look(name + ".", entry.values, known.at(name).at("items").at("properties"));
  }
  return unknown;
}

TEST_F(EvalCli, TheSchemaKnowsSuitesAndNothingElse) {
  const auto described = chiaro({"describe", "--schema"});
  ASSERT_EQ(described.status, 0) << described.err;
  const json schema = json::parse(described.out);
  EXPECT_EQ(schema.at("additionalProperties"), false);
  const json& set = schema.at("properties").at("set").at("items");
  EXPECT_EQ(set.at("additionalProperties"), false);
  EXPECT_EQ(set.at("properties").at("seed").at("type"), "integer");
  EXPECT_EQ(set.at("properties").at("seed").at("minimum"), 0);
  for (const char* key : {"floor_db", "most_worse", "least_right"})
    EXPECT_FALSE(set.at("properties").at(key).contains("default")) << "JSON has no infinity";
  const json& protocol = schema.at("properties").at("protocol").at("properties");
  EXPECT_EQ(protocol.at("channel").at("enum"), json({"rgb", "y"}));
  EXPECT_TRUE(schema.at("$defs").at("noise").at("properties").contains("sigma_u8"));
  const std::string source = CHIARO_SOURCE_DIR;
  Recipe bench = load_recipe(source + "/recipes/eval/bench.toml");
  EXPECT_EQ(unknown_keys(bench, schema), std::vector<std::string>());
  bench.lists.at("set").at(0).values["flor_db"] = 30.0;
  EXPECT_EQ(unknown_keys(bench, schema), std::vector<std::string>{"set.flor_db"});
}

}  // namespace
}  // namespace chiaro::eval_cli_test
