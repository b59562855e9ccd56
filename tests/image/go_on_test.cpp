// Reading and writing that is told to stop.
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "chiaro/image/codec.h"
#include "tests/image/handmade_files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::go_on_test {
namespace {

constexpr int kHeight = 200;

Image example() {
  return test::numbered(3, kHeight, 40, 255);
}

class GoOn : public ::testing::TestWithParam<std::string> {};

TEST_P(GoOn, EndsDecodingAndCoding) {
  const auto file = encode(example(), {.format = GetParam()});
  for (const int patience : {0, 3}) {
    std::atomic<int> asked = 0;
    const auto until = [&] { return asked++ < patience; };
    const auto decode_some = [&] { (void)decode(file, "some", {.go_on = until}); };
    EXPECT_CHIARO_ERROR(decode_some(), Interrupted, "stopped");
    EXPECT_EQ(asked, patience + 1);
    asked = 0;
    const auto encode_some = [&] {
      (void)encode(example(), {.format = GetParam(), .go_on = until});
    };
    EXPECT_CHIARO_ERROR(encode_some(), Interrupted, "stopped");
    EXPECT_GT(asked, patience);
  }
}

TEST_P(GoOn, ChangesNothingWhereItIsNotToldToStop) {
  std::atomic<int> asked = 0;
  const auto always = [&] { return ++asked > 0; };
  const auto file = encode(example(), {.format = GetParam(), .go_on = always});
  EXPECT_EQ(file, encode(example(), {.format = GetParam()}));
  EXPECT_GE(asked, kHeight);
  asked = 0;
  const Image picture = decode(file, "whole", {.go_on = always});
  EXPECT_TRUE(std::ranges::equal(picture.pixels(), decode(file, "whole").pixels()));
  EXPECT_GE(asked, kHeight / 16);
}

INSTANTIATE_TEST_SUITE_P(Codec, GoOn,
                         ::testing::Values("png", "jpeg", "webp", "tiff", "ppm", "pfm", "exr",
                                           "hdr"),
                         [](const auto& parameter) { return parameter.param; });

TEST(GoOnTest, AStoppedFileIsNotThere) {
  const chiaro::test::TemporaryFolder folder;
  const auto write_some = [&] {
    write(folder / "some.png", example(), {.go_on = [] { return false; }});
  };
  EXPECT_CHIARO_ERROR(write_some(), Interrupted, "stopped");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace chiaro::image::go_on_test
