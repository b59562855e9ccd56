#include "chiaro/restore/find_pictures.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore::find_pictures_test {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class FindPictures : public testing::Test {
 protected:
  void put(const std::string& name) {
    fs::create_directories((root_ / name).parent_path());
    write_file_atomically(root_ / name, std::string_view("x"));
  }
  std::string at(const std::string& name) const { return root_ / name; }

  /// "folder below the argument | file name" of what is found.
  static Names found(const Names& arguments, FoundPictures* all = nullptr) {
    FoundPictures result = find_pictures(arguments);
    Names names;
    for (const auto& [file, folder] : result.pictures)
      names.push_back(folder.string() + "|" + file.filename().string());
    if (all != nullptr) *all = std::move(result);
    return names;
  }

  test::TemporaryFolder folder_;
  fs::path root_ = folder_.path();
};

TEST_F(FindPictures, FoldersAreReadToTheBottomInOrder) {
  for (const char* name : {"b.png", "a.JPG", "sub dir/\xc3\xa9t\xc3\xa9/c.tif", "sub dir/notes.txt",
                           "sub dir/bad\xff.webp", ".hidden/d.png", "._a.JPG"})
    put(name);
  FoundPictures all;
  EXPECT_EQ(found({root_}, &all),
            (Names{"|a.JPG", "|b.png", "sub dir|bad\xff.webp", "sub dir/\xc3\xa9t\xc3\xa9|c.tif"}));
  EXPECT_EQ(all.left_aside, 3U);  // the text, the hidden folder, the hidden file
  EXPECT_EQ(all.folders.size(), 3U);
}

TEST_F(FindPictures, FilesAreTakenWhateverTheirName) {
  put("scan.dat");
  put(".hidden.png");
  EXPECT_EQ(found({at("scan.dat"), at(".hidden.png")}), (Names{"|scan.dat", "|.hidden.png"}));
}

TEST_F(FindPictures, PatternsWithinAndAcrossLevels) {
  for (const char* name :
       {"s/a1.tif", "s/a2.tif", "s/b1.tif", "s/a1.png", "s/t/a3.tif", "s/t/u/x.tif"})
    put(name);
  EXPECT_EQ(found({at("s/a?.tif")}), (Names{"|a1.tif", "|a2.tif"}));
  EXPECT_EQ(found({at("s/[b]*")}), (Names{"|b1.tif"}));
  EXPECT_EQ(found({at("s/**/*.tif")}),
            (Names{"|a1.tif", "|a2.tif", "|b1.tif", "t|a3.tif", "t/u|x.tif"}));
  EXPECT_EQ(found({at("*/**/a3*")}), (Names{"t|a3.tif"}));
  EXPECT_EQ(found({at("s/t*")}), (Names{"|a3.tif", "u|x.tif"}));  // matches a folder
  test::expect_error(ErrorCode::Input, "nothing matches", [&] { found({at("s/*.webp")}); });
  test::expect_error(ErrorCode::Input, "nothing matches", [&] { found({at("s/**/*.webp")}); });
  for (const char* wrong : {"s/**", "s/a**/x", "s/**/t/*.tif", "s/**/", "**/**/x"})
    test::expect_error(ErrorCode::Usage, "**", [&] { found({at(wrong)}); });
}

TEST_F(FindPictures, AFolderIsReadForEveryArgument) {
  for (const char* name : {"a.tif", "b.png", "sub/c.tif", "sub/d.jpg"}) put(name);
  const std::string tifs = at("**/*.tif");
  EXPECT_EQ(found({tifs, at("**/*.png")}), (Names{"|a.tif", "sub|c.tif", "|b.png"}));
  EXPECT_EQ(found({tifs, root_}),
            (Names{"|a.tif", "sub|c.tif", "|a.tif", "|b.png", "sub|c.tif", "sub|d.jpg"}));
  EXPECT_EQ(found({tifs, tifs}).size(), 2U);
}

TEST_F(FindPictures, AFileWithStarsInItsNameIsNoPattern) {
  put("a*.png");
  put("ab.png");
  EXPECT_FALSE(is_pattern(at("a*.png")));
  EXPECT_TRUE(is_pattern(at("b*.png")));
  EXPECT_EQ(found({at("a*.png")}), (Names{"|a*.png"}));
}

TEST_F(FindPictures, LinksAreFollowedOnceAndLoopsEnd) {
  put("d/a.png");
  put("elsewhere/b.png");
  fs::create_directory_symlink(root_ / "d", root_ / "d/again");
  fs::create_directory_symlink(root_ / "elsewhere", root_ / "d/linked");
  fs::create_symlink(root_ / "d/a.png", root_ / "d/z.png");
  EXPECT_EQ(found({at("d")}), (Names{"|a.png", "linked|b.png", "|z.png"}));
  EXPECT_EQ(found({at("d"), at("d/linked")}).size(), 3U);
}

TEST_F(FindPictures, WhatCannotBeReadIsNamed) {
  put("d/a.png");
  fs::create_symlink(root_ / "nowhere", root_ / "d/b.png");
  fs::create_symlink(root_ / "d/c.png", root_ / "d/c.png");  // leads to itself
  ASSERT_EQ(::mkfifo((root_ / "d/pipe.png").c_str(), 0600), 0);
  FoundPictures all;
  EXPECT_EQ(found({at("d")}, &all), (Names{"|a.png"}));
  ASSERT_EQ(all.unreadable.size(), 2U);
  EXPECT_EQ(all.unreadable[0].path, root_ / "d/b.png");
  EXPECT_EQ(all.unreadable[1].path, root_ / "d/c.png");
  EXPECT_EQ(all.left_aside, 1U);
  test::expect_error(ErrorCode::Input, "neither a file nor a folder",
                     [&] { found({at("d/pipe.png")}); });
}

TEST_F(FindPictures, NothingFoundIsAnError) {
  fs::create_directory(root_ / "empty");
  test::expect_error(ErrorCode::Input, "empty", [&] { found({at("empty")}); });
  test::expect_error(ErrorCode::Input, "none.png", [&] { found({at("none.png")}); });
}

}  // namespace
}  // namespace chiaro::restore::find_pictures_test
