// `chiaro restore` leaves the file of a picture in which nothing is to change as it is.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::untouched_test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

class Untouched : public testing::Test {
 protected:
  void SetUp() override {
    test::use_default_bundle(folder_ / "models", "unet");
    image::Image picture(3, 60, 80);
    Rng rng(3);
    for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
    fs::create_directories(folder_ / "photos");
    image::WriteOptions coded;
    coded.quality = 71;
    image::write(photo_, picture, coded);
    // Turned by a quarter, which a file that is written anew no longer says.
    auto bytes = read_file(photo_);
    const std::string exif(
        "\xff\xe1\0\x22"
        "Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0",
        36);
    const auto view = std::as_bytes(std::span(exif));
    bytes.insert(bytes.begin() + 2, view.begin(), view.end());
    write_file_atomically(photo_, bytes);
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  static test::ProcessResult restore(Words words) {
    words.insert(words.begin(), {CHIARO_PROGRAM, "restore"});
    return test::run_process(words);
  }
  bool is_copy(const std::string& result) const { return read_file(result) == read_file(photo_); }

  test::TemporaryFolder folder_;
  std::string photo_ = folder_ / "photos/a.jpg";
};

TEST_F(Untouched, TheFileOfAPictureThatStaysIsCopied) {
  const std::string out = folder_ / "out.jpg";
  const auto result = restore({photo_, "-o", out, "--strength", "0", "--audit", "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(is_copy(out));
  EXPECT_NE(result.out.find("\"copied\":true"), std::string::npos) << result.out;
  EXPECT_EQ(image::read(out).height(), 80);  // still turned
}

TEST_F(Untouched, InAFolderToo) {
  const std::string out = folder_ / "out";
  const auto result =
      restore({folder_ / "photos", "-o", out, "--strength", "0", "--audit", "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(is_copy(out + "/a.jpg"));
  EXPECT_NE(result.out.find("\"copied\":true"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("\"copied\":1"), std::string::npos) << result.out;
}

TEST_F(Untouched, NotWhereTheNetworkChangesSomething) {
  const std::string out = folder_ / "out.jpg";
  const auto result = restore({photo_, "-o", out, "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_FALSE(is_copy(out));
  EXPECT_NE(result.out.find("\"copied\":false"), std::string::npos) << result.out;
}

TEST_F(Untouched, NotWhereTheFileIsAskedToDiffer) {
  int number = 0;
  for (const Words& more : std::vector<Words>{{"--quality", "71"},
                                              {"--strip"},
                                              {"--format", "png"},
                                              {"--alpha", "drop"},
                                              {"--region", "0,0,60,80"}}) {
    const std::string out = folder_ / fmt::format("{}.jpg", ++number);
    Words words{photo_, "-o", out, "--strength", "0"};
    words.insert(words.end(), more.begin(), more.end());
    const auto result = restore(words);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_FALSE(is_copy(out)) << more.front();
  }
}

TEST_F(Untouched, PicturesThatComeThroughAPipeAreWrittenAsTheyCame) {
  const std::string out = folder_ / "piped.jpg";
  const auto result = test::run_process({"/bin/sh", "-c",
                                         std::string(CHIARO_PROGRAM) + " restore - -o '" + out +
                                             "' --strength 0 < '" + photo_ + "'"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(is_copy(out));
}

}  // namespace
}  // namespace chiaro::untouched_test
