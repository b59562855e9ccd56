#include "chiaro/eval/pair_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "chiaro/base/files.h"
#include "tests/eval/pictures.h"
#include "tests/support/expect_error.h"
#include "tests/support/log_capture.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::eval::pair_set_test {
namespace {

using test::TemporaryFolder;

TEST(PairSet, PairsByStemAcrossExtensions) {
  const TemporaryFolder folder;
  // Sorted by file name the two folders would be paired crosswise: "a.png" with "a1.png".
  save(folder / "in/b.png", test_picture(8, 9, 1));
  save(folder / "in/a.ppm", test_picture(8, 9, 0));
  save(folder / "gt/a.png", test_picture(8, 9, 0));
  save(folder / "gt/b.tiff", test_picture(8, 9, 1));
  const PairSet set = paired_folders("set", folder / "in", folder / "gt");
  ASSERT_EQ(set.entries.size(), 2U);
  EXPECT_EQ(set.entries[0].name, "a.ppm");
  EXPECT_EQ(set.entries[0].target.filename(), "a.png");
  EXPECT_EQ(set.entries[1].target.filename(), "b.tiff");
}

TEST(PairSet, LevelsShareTheirScene) {
  const TemporaryFolder folder;
  for (const char* name : {"in/1401_3.png", "in/1401_6.png", "in/1403_3.png", "gt/1401.png"}) {
    save(folder / name, test_picture(8, 9, 1));
  }
  save(folder / "gt/1403.png", test_picture(8, 9, 2));
  const PairSet set = paired_folders("haze", folder / "in", folder / "gt");
  ASSERT_EQ(set.entries.size(), 3U);
  EXPECT_EQ(set.entries[1].target.filename(), "1401.png");
  const SetHashes hashes = hash_set(set);
  EXPECT_EQ(hashes.scenes[0], hashes.scenes[1]);
  EXPECT_NE(hashes.scenes[0], hashes.scenes[2]);

  const PairSet part = keep_targets(set, std::vector<std::string>{"1403"});
  ASSERT_EQ(part.entries.size(), 1U);
  EXPECT_EQ(part.entries[0].name, "1403_3.png");
  EXPECT_CHIARO_ERROR(keep_targets(set, std::vector<std::string>{"1402"}), Input, "1402");
}

TEST(PairSet, SuffixesInOneFolder) {
  const TemporaryFolder folder;
  for (const char* name : {"x_real.png", "x_mean.png", "y_real.png", "y_mean.png"}) {
    save(folder / name, test_picture(8, 9, 1));
  }
  const PairSet set = paired_folders("noise", folder.path(), folder.path());
  ASSERT_EQ(set.entries.size(), 2U);
  EXPECT_EQ(set.entries[0].name, "x_real.png");
  EXPECT_EQ(set.entries[0].target.filename(), "x_mean.png");
}

TEST(PairSet, AStatedRule) {
  const TemporaryFolder folder;
  save(folder / "x_bad.png", test_picture(8, 9, 1));
  save(folder / "x_good.png", test_picture(8, 9, 1));
  const PairSet set = paired_folders("set", folder.path(), folder.path(), "_bad:_good");
  ASSERT_EQ(set.entries.size(), 1U);
  EXPECT_EQ(set.entries[0].target.filename(), "x_good.png");
  EXPECT_CHIARO_ERROR(paired_folders("set", folder.path(), folder.path()), Input, "'set'");
  EXPECT_CHIARO_ERROR(paired_folders("set", folder.path(), folder.path(), "_bad"), Usage, "_bad");
}

TEST(PairSet, AMissingPartnerIsNamed) {
  const TemporaryFolder folder;
  save(folder / "in/a.png", test_picture(8, 9, 0));
  save(folder / "in/b.png", test_picture(8, 9, 0));
  save(folder / "gt/a.png", test_picture(8, 9, 0));
  EXPECT_CHIARO_ERROR(paired_folders("rainy", folder / "in", folder / "gt"), Input, "rainy");
  EXPECT_CHIARO_ERROR(paired_folders("rainy", folder / "in", folder / "gt"), Input, "b.png");
}

TEST(PairSet, AnExtraTargetIsNamed) {
  const TemporaryFolder folder;
  save(folder / "in/a.png", test_picture(8, 9, 0));
  save(folder / "gt/a.png", test_picture(8, 9, 0));
  save(folder / "gt/c.png", test_picture(8, 9, 0));
  EXPECT_CHIARO_ERROR(paired_folders("rainy", folder / "in", folder / "gt"), Input, "rainy");
  EXPECT_CHIARO_ERROR(paired_folders("rainy", folder / "in", folder / "gt"), Input, "c.png");
}

TEST(PairSet, ARenamedPartnerIsNotPairedByOrder) {
  const TemporaryFolder folder;
  save(folder / "in/a.png", test_picture(8, 9, 0));
  save(folder / "gt/z.png", test_picture(8, 9, 0));
  EXPECT_CHIARO_ERROR(paired_folders("rainy", folder / "in", folder / "gt"), Input, "a.png");
}

TEST(PairSet, ADuplicateStemIsNamed) {
  const TemporaryFolder folder;
  save(folder / "in/a.png", test_picture(8, 9, 0));
  save(folder / "in/a.ppm", test_picture(8, 9, 0));
  save(folder / "gt/a.png", test_picture(8, 9, 0));
  EXPECT_CHIARO_ERROR(paired_folders("rainy", folder / "in", folder / "gt"), Input, "a.ppm");
}

TEST(PairSet, AnotherSizeIsNamedBeforeAnythingIsMeasured) {
  const TemporaryFolder folder;
  save(folder / "in/a.png", test_picture(8, 10, 0));
  save(folder / "gt/a.png", test_picture(8, 9, 0));
  EXPECT_CHIARO_ERROR(paired_folders("rainy", folder / "in", folder / "gt"), Input, "rainy");
  EXPECT_CHIARO_ERROR(paired_folders("rainy", folder / "in", folder / "gt"), Input, "10x8");
}

TEST(PairSet, ATurnedPartnerIsFoundWhenRead) {
  const TemporaryFolder folder;
  save(folder / "in/a.png", test_picture(9, 8, 0));
  save(folder / "gt/a.png", test_picture(8, 9, 0));
  const PairSet set = paired_folders("rainy", folder / "in", folder / "gt");
  EXPECT_CHIARO_ERROR(load_pair(set, set.entries[0]), Input, "8x9");
}

TEST(PairSet, GreyAgainstColourIsRefused) {
  const TemporaryFolder folder;
  save(folder / "in/a.png", test_picture(8, 9, 0, 1));
  save(folder / "gt/a.png", test_picture(8, 9, 0, 3));
  const PairSet set = paired_folders("rainy", folder / "in", folder / "gt");
  EXPECT_CHIARO_ERROR(load_pair(set, set.entries[0]), Input, "channels");
}

TEST(PairSet, EmptyOrAbsentFolders) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "empty");
  save(folder / "gt/a.png", test_picture(8, 9, 0));
  EXPECT_CHIARO_ERROR(paired_folders("s", folder / "empty", folder / "gt"), Input, "no pictures");
  EXPECT_CHIARO_ERROR(paired_folders("s", folder / "gt", folder / "gone"), Input, "gone");
  EXPECT_CHIARO_ERROR(degraded_folder("s", folder / "empty", "clean", 0), Input, "no pictures");
  EXPECT_CHIARO_ERROR(paired_folders("s", folder / "gt/a.png", folder / "gt"), Input,
                      "not a folder");
}

TEST(PairSet, NoiseFollowsSeedAndStemNotOrder) {
  const TemporaryFolder folder;
  save(folder / "one/b.png", test_picture(8, 9, 0));
  save(folder / "two/a.png", test_picture(8, 9, 0));
  save(folder / "two/b.ppm", test_picture(8, 9, 0));
  const auto noisy = [&](const char* name, std::uint64_t seed, std::size_t index) {
    const PairSet set = degraded_folder("s", folder / name, "noise(sigma_u8=20)", seed);
    const Pair pair = load_pair(set, set.entries.at(index));
    EXPECT_TRUE(std::ranges::equal(pair.target.pixels(), test_picture(8, 9, 0).pixels()));
    return std::vector<float>(pair.input.pixels().begin(), pair.input.pixels().end());
  };
  EXPECT_EQ(noisy("one", 3, 0), noisy("two", 3, 1));  // same name, other place and extension
  EXPECT_NE(noisy("one", 3, 0), noisy("one", 4, 0));  // other seed
  EXPECT_NE(noisy("two", 3, 0), noisy("two", 3, 1));  // other name
}

TEST(PairSet, BadSpecsAndSameStems) {
  const TemporaryFolder folder;
  save(folder / "a.png", test_picture(8, 9, 0));
  EXPECT_CHIARO_ERROR(degraded_folder("s", folder.path(), "noize", 0), Usage, "noise");
  save(folder / "a.ppm", test_picture(8, 9, 0));
  EXPECT_CHIARO_ERROR(degraded_folder("s", folder.path(), "clean", 0), Input, "a.ppm");
}

TEST(PairSet, Lists) {
  const TemporaryFolder folder;
  save(folder / "x/1.png", test_picture(8, 9, 0));
  save(folder / "y/1.png", test_picture(8, 9, 1));
  save(folder / "clean.png", test_picture(8, 9, 2));
  const auto list = folder / "pairs.txt";
  write_file_atomically(list, "# comment\n\ny/1.png\tclean.png\r\nx/1.png\tclean.png\n");
  const PairSet set = listed_pairs("s", list);
  ASSERT_EQ(set.entries.size(), 2U);
  EXPECT_EQ(set.entries[0].name, "x/1.png");
  EXPECT_EQ(set.entries[0].target, folder / "clean.png");

  write_file_atomically(list, "x/1.png\tclean.png\nx/2.png\tclean.png\n");
  EXPECT_CHIARO_ERROR(listed_pairs("s", list), Input, "line 2");
  write_file_atomically(list, "x/1.png clean.png\n");
  EXPECT_CHIARO_ERROR(listed_pairs("s", list), Input, "<TAB>");
  write_file_atomically(list, "x/1.png\tclean.png\nx/1.png\tclean.png\n");
  EXPECT_CHIARO_ERROR(listed_pairs("s", list), Input, "two inputs");
  write_file_atomically(list, "# nothing\n");
  EXPECT_CHIARO_ERROR(listed_pairs("s", list), Input, "lists nothing");
}

TEST(PairSet, ATreeIsNotTakenForAFolder) {
  const TemporaryFolder folder;
  save(folder / "results/day/a.png", test_picture(8, 9, 0));
  save(folder / "results/night/b.png", test_picture(8, 9, 0));
  save(folder / "gt/a.png", test_picture(8, 9, 1));
  EXPECT_CHIARO_ERROR(paired_folders("s", folder / "results", folder / "gt"), Input,
                      "itself, but 2 in folders below it");
  std::filesystem::create_directories(folder / "empty");
  EXPECT_CHIARO_ERROR(paired_folders("s", folder / "empty", folder / "gt"), Input, "no pictures");
}

TEST(PairSet, PicturesInFoldersBelowAreLeftAsideAndSaidSo) {
  const TemporaryFolder folder;
  for (const char* name : {"in/a.png", "in/day/a.png", "in/day/deep/b.png", "gt/a.png"})
    save(folder / name, test_picture(8, 9, 0));
  const std::string in = folder / "in";
  const test::LogCapture log;
  EXPECT_EQ(paired_folders("s", in, folder / "gt").entries.size(), 1U);
  EXPECT_EQ(log.text(), "set 's': left aside in folders below '" + in + "': 2 pictures\n");
  EXPECT_EQ(unpaired("s", in + "/day").entries.size(), 1U);
  EXPECT_TRUE(log.text().ends_with("below '" + in + "/day': 1 picture\n")) << log.text();
}

TEST(PairSet, ABrokenPictureIsLeftToBeRead) {
  const TemporaryFolder folder;
  for (const char* name : {"in/a.png", "in/b.png", "gt/a.png", "gt/b.png"})
    save(folder / name, test_picture(8, 9, 0));
  write_file_atomically(folder / "in/b.png", std::string_view("no picture"));
  const PairSet set = paired_folders("s", folder / "in", folder / "gt");
  ASSERT_EQ(set.entries.size(), 2U);
  EXPECT_EQ(load_pair(set, set.entries[0]).input.width(), 9);
  EXPECT_CHIARO_ERROR(load_pair(set, set.entries[1]), Input, "b.png");
  const std::string whole = hash_set(set).inputs;
  std::filesystem::remove(folder / "in/b.png");
  EXPECT_NE(hash_set(set).inputs, whole);
}

TEST(PairSet, HashesTellPicturesApart) {
  const TemporaryFolder folder;
  save(folder / "in/a.png", test_picture(8, 9, 0));
  save(folder / "in2/a.png", test_picture(8, 9, 3));
  save(folder / "gt/a.png", test_picture(8, 9, 1));
  const auto one = hash_set(paired_folders("s", folder / "in", folder / "gt"));
  const auto two = hash_set(paired_folders("s", folder / "in2", folder / "gt"));
  EXPECT_EQ(one.targets, two.targets);
  EXPECT_NE(one.inputs, two.inputs);
  const auto seed0 = hash_set(degraded_folder("s", folder / "gt", "noise", 0));
  const auto seed1 = hash_set(degraded_folder("s", folder / "gt", "noise", 1));
  EXPECT_EQ(seed0.targets, one.targets);
  EXPECT_NE(seed0.inputs, seed1.inputs);
}

TEST(PairSet, LimitKeepsTheFirst) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "b.png", "c.png"}) save(folder / name, test_picture(8, 9, 0));
  const PairSet set = degraded_folder("s", folder.path(), "clean", 0);
  EXPECT_EQ(limited(set, 2).entries.size(), 2U);
  EXPECT_EQ(limited(set, 2).entries[1].name, "b.png");
  EXPECT_EQ(limited(set, 0).entries.size(), 3U);
  EXPECT_EQ(limited(set, 9).entries.size(), 3U);
}

}  // namespace
}  // namespace chiaro::eval::pair_set_test
