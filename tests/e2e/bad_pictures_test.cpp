// Files that are no pictures, or no longer, through each door of `chiaro restore`: one sentence,
// the status that the help names, and no file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/bad_pictures.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/events.h"
#include "tests/support/nobody.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::bad_pictures_test {
namespace {

namespace fs = std::filesystem;
using test::BadPicture;
using Words = std::vector<std::string>;

class BadPictures : public testing::Test {
 protected:
  void SetUp() override {
    test::use_default_bundle(folder_ / "models", "stack");
    fs::create_directories(in_ / "folder.png");
    test::put_bad_pictures(in_);
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  static test::ProcessResult restore(Words words, const std::string& stdin_file = "/dev/null") {
    words.insert(words.begin(), {CHIARO_PROGRAM, "restore"});
    return test::run_process(words, stdin_file);
  }

  void expect_refused(const test::ProcessResult& result, int status, const std::string& part) {
    EXPECT_TRUE(result.exited);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_TRUE(result.err.starts_with("error: ")) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      EXPECT_FALSE(entry.path().filename().string().starts_with("out")) << entry.path();
  }

  test::TemporaryFolder folder_;
  fs::path in_ = folder_ / "in";
  std::string out_ = folder_ / "out.png";
};

TEST_F(BadPictures, ByName) {
  for (const BadPicture& bad : test::bad_pictures()) {
    const auto result = restore({in_ / bad.name, "-o", out_});
    expect_refused(result, 3, bad.says);
    EXPECT_NE(result.err.find(bad.name), std::string::npos) << result.err;
  }
  expect_refused(restore({in_ / "folder.png", "-o", out_}), 2, "name of one picture");
}

TEST_F(BadPictures, ThroughAPipe) {
  for (const BadPicture& bad : test::bad_pictures()) {
    for (const std::string& output : {out_, std::string("-")})
      expect_refused(restore({"-", "-o", output, "--format", "png"}, in_ / bad.name), 3, bad.says);
  }
  expect_refused(restore({"-", "-o", out_}, in_ / "folder.png"), 3, "cannot read standard input");
}

TEST_F(BadPictures, AmongGoodOnes) {
  for (const std::string name : {"a.png", "good.jpg", "z.tif"})
    image::write(in_ / name, image::Image(3, 20, 30, 0.5F));
  const fs::path out = folder_ / "out";
  const auto result = restore({in_, "-o", out, "--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  for (const std::string name : {"a.png", "good.jpg", "z.tif"})
    EXPECT_EQ(image::read(out / name).width(), 30) << name;
  EXPECT_EQ(std::distance(fs::directory_iterator(out), fs::directory_iterator()), 3);
  const std::string head = fmt::format("error: {} pictures not done:", test::bad_pictures().size());
  const auto at = result.err.find(head);
  ASSERT_NE(at, std::string::npos) << result.err;
  const std::string summary = result.err.substr(at);
  const auto said = test::events(result.out);
  for (const BadPicture& bad : test::bad_pictures()) {
    EXPECT_NE(summary.find(bad.name), std::string::npos) << summary;
    const auto event = std::ranges::find_if(said, [&](const nlohmann::json& one) {
      return one["event"] == "failed" && one["file"] == (in_ / bad.name).string();
    });
    ASSERT_NE(event, said.end()) << bad.name;
    EXPECT_EQ((*event)["exit_status"], 3);
    EXPECT_NE((*event)["message"].get<std::string>().find(bad.says), std::string::npos) << *event;
  }
  EXPECT_EQ(said.back()["done"], 3);
  EXPECT_EQ(said.back()["failed"], test::bad_pictures().size());
}

TEST_F(BadPictures, NoneButBadOnes) {
  const fs::path out = folder_ / "out";
  const auto result = restore({in_, "-o", out, "--quiet"});
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_TRUE(!fs::exists(out) || fs::is_empty(out));
}

TEST_F(BadPictures, ThatMayNotBeRead) {
  image::write(in_ / "secret.png", image::Image(3, 20, 30, 0.5F));
  fs::permissions(in_ / "secret.png", fs::perms::none);
  fs::permissions(folder_.path(), fs::perms::all);
  const test::AsNobody nobody;
  if (!nobody.holds() || test::run_process({CHIARO_PROGRAM, "--version"}).status != 0)
    GTEST_SKIP() << "needs a user whom permissions stop and who may start the program";
  const auto result = restore({in_ / "secret.png", "-o", out_});
  expect_refused(result, 3, "ermission denied");
  EXPECT_NE(result.err.find("secret.png"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace chiaro::bad_pictures_test
