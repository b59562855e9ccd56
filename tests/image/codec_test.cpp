#include "chiaro/image/codec.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image {
namespace {

TEST(Codec, RoundTrip) {
  test::TemporaryFolder folder;
  Image picture(3, 7, 5);
  for (std::size_t i = 0; i < picture.pixels().size(); ++i)
    picture.pixels()[i] = static_cast<float>(i) / 255.0F;
  write(folder / "a.png", picture);
  const Image back = read(folder / "a.png");
  for (std::size_t i = 0; i < picture.pixels().size(); ++i)
    EXPECT_EQ(picture.pixels()[i], back.pixels()[i]);
  EXPECT_EQ(list_pictures(folder.path()).size(), 1u);
  EXPECT_EQ(jpeg_round_trip(picture, 50, true).width(), 5);
}

}  // namespace
}  // namespace chiaro::image
