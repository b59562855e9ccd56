// The forms that a user's pictures may have, each trained on by the real program.
#include <string_view>

#include "tests/train_cli/tiny_training.h"

namespace chiaro::data_forms_test {
namespace {

namespace fs = std::filesystem;

class DataForms : public test::TinyTraining {
 protected:
  void SetUp() override {
    TinyTraining::SetUp();
    fs::create_directories(folder_ / "rainy");
    for (int i = 0; i < 4; ++i) {
      const auto clean = image::read(folder_ / "photos" / fmt::format("{}.png", i));
      image::write(folder_ / "rainy" / fmt::format("{}.jpg", i), clean, {.quality = 30});
      image::write(folder_ / "rainy" / fmt::format("{}x4.webp", i), clean, {.quality = 30});
    }
  }

  /// What the recipe has in the place of its clean source.
  void use(const std::string& source) const {
    std::string text = read_text(path("recipe.toml"));
    const auto begin = text.find("[[source]]");
    text.replace(begin, text.find("[train]") - begin, source);
    write_file_atomically(folder_ / "recipe.toml", text);
  }

  void expect_trained(const std::string& summary) {
    ASSERT_EQ(train("run", {"train.steps=4", "train.validate_every=4"}), 0) << log();
    EXPECT_NE(log().find("training on " + summary), std::string::npos) << log();
    EXPECT_EQ(run({"freeze", path("run"), "-o", path("net.chiaro"), "--certify", "0"}), 0) << log();
    fs::remove_all(folder_ / "run");
    fs::remove(folder_ / "net.chiaro");
  }
};

TEST_F(DataForms, PairsByStemWhateverTheirExtensions) {
  fs::create_directories(folder_ / "wet");
  for (int i = 0; i < 4; ++i)
    fs::copy_file(folder_ / fmt::format("rainy/{}.jpg", i), folder_ / fmt::format("wet/{}.jpg", i));
  use("[[source]]\nname = \"wet\"\nkind = \"paired\"\ninput = \"wet\"\ntarget = \"photos\"\n"
      "task = \"rain\"\n");
  expect_trained("wet: 3 pairs");
}

TEST_F(DataForms, PairsOfAList) {
  write_file_atomically(
      folder_ / "pairs.txt",
      std::string_view("# input, target\nrainy/0.jpg\tphotos/0.png\nrainy/0x4.webp\tphotos/0.png\n"
                       "rainy/3.jpg\tphotos/3.png\n"));
  use("[[source]]\nname = \"listed\"\nkind = \"paired\"\nlist = \"pairs.txt\"\ntask = \"rain\"\n");
  ASSERT_EQ(train("run", {"train.steps=4", "train.validate_every=4"}), 0) << log();
  // Of the two scenes one is held out: that with two pairs.
  EXPECT_NE(log().find("training on listed: 1 pair; held out: listed: 2 pairs"), std::string::npos)
      << log();
  use("[[source]]\nname = \"listed\"\nkind = \"paired\"\nlist = \"none.txt\"\ntask = \"rain\"\n");
  EXPECT_EQ(train("other"), 3);
  EXPECT_NE(log().find("none.txt"), std::string::npos) << log();
  EXPECT_FALSE(fs::exists(folder_ / "other"));
}

TEST_F(DataForms, TwinsAndListAsBasicSrHasThem) {
  write_file_atomically(folder_ / "meta_info.txt",
                        std::string_view("0.png (32,32,3) 1\n1.png (32,32,3) 1\n"
                                         "2.png (32,32,3) 2\n"));
  use("[[source]]\nname = \"twins\"\nkind = \"paired\"\ninput = \"rainy\"\ntarget = \"photos\"\n"
      "pairing = \"{}x4\"\nlist = \"meta_info.txt\"\ntask = \"jpeg\"\n");
  expect_trained("twins: 2 pairs");
}

TEST_F(DataForms, CleanPicturesOfAList) {
  write_file_atomically(folder_ / "clean.txt",
                        std::string_view("photos/0.png\nphotos/1.png\nphotos/3.png\n"));
  use("[[source]]\nname = \"some\"\nlist = \"clean.txt\"\n"
      "[[task]]\nname = \"noise\"\nspec = \"noise(sigma_u8=10..30)\"\n");
  expect_trained("some: 2 pictures");
}

}  // namespace
}  // namespace chiaro::data_forms_test
