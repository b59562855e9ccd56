// Whether `chiaro try` ranks bundles as their PSNR does, where the undamaged picture is known.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "chiaro/image/codec.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/support/shipped_bundles.h"

namespace chiaro::try_ranking_test {
namespace {

namespace fs = std::filesystem;

class TryRankingSlow : public test::ShippedBundles {
 protected:
  /// What is ranked first, by its own opinion or by PSNR.
  std::string first(std::vector<std::string> more) const {
    std::vector<std::string> words{CHIARO_PROGRAM,        "try",         damaged_, "-o",
                                   folder_ / "page.html", "--overwrite", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const auto result = test::run_process(words);
    EXPECT_EQ(result.status, 0) << result.err;
    for (const auto& event : test::events(result.out))
      if (event["event"] == "tried" && event["rank"] == 1) return event["bundle"];
    ADD_FAILURE() << result.out;
    return {};
  }

  void damage(const fs::path& file, const std::string& spec) const {
    const auto result = test::run_process(
        {CHIARO_PROGRAM, "degrade", file, "-o", damaged_, "--spec", spec, "--overwrite"});
    ASSERT_EQ(result.status, 0) << result.err;
  }

  std::string damaged_ = folder_ / "damaged.png";
};

TEST_F(TryRankingSlow, AgreesWithPsnrMoreOftenThanChance) {
  int pictures = 0;
  int agreed = 0;
  int first_by_psnr = 0;  // what naming `default` each time would come to
  for (const auto& file : fs::directory_iterator(CHIARO_SOURCE_DIR "/examples/photos/clean")) {
    if (!image::has_picture_extension(file.path())) continue;
    for (const std::string spec : {"noise(sigma_u8=15)", "noise(sigma_u8=40)", "jpeg(quality=15)",
                                   "rain", "haze(beta=1.4)", "low_light(gain=0.2)"}) {
      damage(file.path(), spec);
      const std::string truth = first({"--clean", file.path()});
      ++pictures;
      agreed += first({}) == truth ? 1 : 0;
      first_by_psnr += truth == "default" ? 1 : 0;
    }
  }
  std::printf("agreed in %d of %d; `default` was first by PSNR in %d\n", agreed, pictures,
              first_by_psnr);
  ASSERT_GE(pictures, 12);
  EXPECT_GT(2 * agreed, pictures);
}

}  // namespace
}  // namespace chiaro::try_ranking_test
