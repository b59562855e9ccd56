// What the bundle that ships says is wrong with photographs.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "chiaro/image/codec.h"
#include "tests/support/process.h"
#include "tests/support/shipped_bundles.h"

namespace chiaro::named_damage_test {
namespace {

namespace fs = std::filesystem;

class NamedDamageSlow : public test::ShippedBundles {
 protected:
  static std::string first_type(const fs::path& file) {
    const auto result = test::run_process({CHIARO_PROGRAM, "inspect", file.string(), "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return nlohmann::json::parse(result.out.substr(0, result.out.find('\n')))["type"];
  }

  fs::path damaged(const fs::path& file, const std::string& spec) const {
    const fs::path out = folder_ / "damaged.png";
    const auto result = test::run_process({CHIARO_PROGRAM, "degrade", file.string(), "-o",
                                           out.string(), "--spec", spec, "--overwrite"});
    EXPECT_EQ(result.status, 0) << result.err;
    return out;
  }

  fs::path smaller(const fs::path& file, int times) const {
    const image::Image picture = image::read(file);
    image::write(folder_ / "smaller.png",
                 image::reduce_area(picture, picture.height() / times, picture.width() / times));
    return folder_ / "smaller.png";
  }
};

// Reducing a picture takes away what tells its damage, which is why crops at native resolution are
// looked at.
TEST_F(NamedDamageSlow, IsNamedAtNativeResolutionAndLostInReducedPictures) {
  int pictures = 0;
  int native = 0;
  int reduced = 0;
  for (const auto& file : fs::directory_iterator(CHIARO_SOURCE_DIR "/examples/photos/clean")) {
    if (!image::has_picture_extension(file.path())) continue;
    for (const std::string kind : {"noise", "jpeg"}) {
      const fs::path bad =
          damaged(file.path(), kind == "noise" ? "noise(sigma_u8=12)" : "jpeg(quality=20)");
      ++pictures;
      native += first_type(bad) == kind ? 1 : 0;
      reduced += first_type(smaller(bad, 3)) == kind ? 1 : 0;
    }
  }
  ASSERT_GE(pictures, 6);
  EXPECT_EQ(native, pictures);
  EXPECT_LE(2 * reduced, pictures) << reduced << " of " << pictures;
}

TEST_F(NamedDamageSlow, IsFoundAgainAmongPhotos) {
  const auto nearest = [](const std::string& query) {
    const auto result = test::run_process(
        {CHIARO_PROGRAM, "retrieve", CHIARO_SOURCE_DIR "/examples/photos/" + query, "--in",
         CHIARO_SOURCE_DIR "/examples/photos", "--by", "degradation", "--json", "--no-index"});
    EXPECT_EQ(result.status, 0) << result.err;
    return fs::path(std::string(
                        nlohmann::json::parse(result.out.substr(0, result.out.find('\n')))["file"]))
        .filename();
  };
  EXPECT_EQ(nearest("dogs_noisy.jpg"), "pavilion_noisy.jpg");
  EXPECT_EQ(nearest("pavilion_noisy.jpg"), "dogs_noisy.jpg");
  EXPECT_EQ(nearest("pavilion_dark.jpg"), "wine_dark.jpg");
  EXPECT_EQ(nearest("wine_dark.jpg"), "pavilion_dark.jpg");
}

}  // namespace
}  // namespace chiaro::named_damage_test
