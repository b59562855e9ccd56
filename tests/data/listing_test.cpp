#include "chiaro/data/listing.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::data::listing_test {
namespace {

using Scenes = std::set<std::string>;

class ListingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ / "photos");
    for (int i = 0; i < 8; ++i) names_.push_back(fmt::format("p{}", i));
    std::ranges::sort(names_, {}, [](const std::string& name) { return stable_hash(name); });
    for (const auto& name : names_) image::write(file_of(name), image::Image(3, 40, 40, 0.5F));
  }

  std::filesystem::path file_of(const std::string& name) const {
    return folder_ / "photos" / (name + ".png");
  }
  void spoil(const std::string& name) const { std::ofstream(file_of(name)) << "not a picture"; }
  void cut_short(const std::string& name) const {
    image::Image picture(3, 200, 200);
    Rng rng(1);
    for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
    image::write(file_of(name), picture, {.format = "jpeg"});
    std::filesystem::resize_file(file_of(name), 9000);
  }
  Listing list(double holdout) const {
    SourceOptions options;
    options.name = "photos";
    options.folders = {"photos"};
    return list_source(options, folder_.path(), holdout);
  }

  test::TemporaryFolder folder_;
  std::vector<std::string> names_;  // by their hashes
};

TEST_F(ListingTest, TheLowestHashesAreHeldOut) {
  EXPECT_EQ(list(0.05).held_out, (Scenes{names_[0]}));
  EXPECT_EQ(list(0.25).held_out, (Scenes{names_[0], names_[1]}));
  EXPECT_EQ(list(0).held_out, Scenes{});
  EXPECT_EQ(list(0.25).files.size(), 8U);
  EXPECT_TRUE(list(0.25).unread.empty());
}

TEST_F(ListingTest, WhatIsNoPictureGoes) {
  spoil(names_[0]);
  spoil(names_[2]);
  const Listing listing = list(0.25);
  EXPECT_EQ(listing.held_out, (Scenes{names_[1]})) << "training keeps what it had";
  EXPECT_EQ(listing.files.size(), 7U);
  EXPECT_EQ(listing.scenes.size(), 7U);
  ASSERT_EQ(listing.unread.size(), 1U);
  ASSERT_TRUE(listing.unread.contains(file_of(names_[0])));
  EXPECT_NE(listing.unread.at(file_of(names_[0])).find(names_[0] + ".png"), std::string::npos);
}

TEST_F(ListingTest, TheNextTakesThePlaceOfTheLastOneHeldOut) {
  spoil(names_[0]);
  cut_short(names_[1]);
  EXPECT_EQ(list(0.05).held_out, (Scenes{names_[2]}));
  const Listing listing = list(0.25);
  EXPECT_EQ(listing.held_out, (Scenes{names_[2]}));
  EXPECT_EQ(listing.unread.size(), 2U);
}

// What is to be trained on is not looked at: that may be a hundred thousand files.
TEST_F(ListingTest, WhatIsNotHeldOutIsLeftToTheOneWhoReadsIt) {
  spoil(names_[1]);
  spoil(names_[7]);
  EXPECT_TRUE(list(0.25).unread.empty());
}

TEST_F(ListingTest, TheLastPictureIsNotHeldOut) {
  for (std::size_t i = 0; i + 1 < names_.size(); ++i) spoil(names_[i]);
  const Listing listing = list(0.05);
  EXPECT_EQ(listing.held_out, Scenes{});
  EXPECT_EQ(listing.scenes, (Scenes{names_.back()}));
}

TEST_F(ListingTest, OneSoundPictureOfASceneSuffices) {
  std::filesystem::create_directories(folder_ / "photos" / "again");
  std::filesystem::copy(file_of(names_[0]), folder_ / "photos" / "again");
  spoil(names_[0]);
  const Listing listing = list(0.05);
  EXPECT_EQ(listing.held_out, (Scenes{names_[0]}));
  EXPECT_EQ(std::ranges::count(listing.files, names_[0], &SourceFile::scene), 1);
}

// As `chiaro restore` does; each folder once, though they lead to each other.
TEST_F(ListingTest, LinkedFoldersBelong) {
  std::filesystem::create_directories(folder_ / "mine");
  image::write(folder_ / "mine/own.png", image::Image(3, 40, 40, 0.5F));
  std::filesystem::create_directory_symlink(folder_ / "photos", folder_ / "mine/linked");
  std::filesystem::create_directory_symlink(folder_ / "mine", folder_ / "photos/back");
  SourceOptions options;
  options.name = "mine";
  options.folders = {"mine"};
  const Listing listing = list_source(options, folder_.path(), 0);
  EXPECT_EQ(listing.files.size(), 9U);
  EXPECT_EQ(listing.scenes.size(), 9U);
}

TEST_F(ListingTest, PicturesOfOneSceneStayTogether) {
  std::filesystem::create_directories(folder_ / "views");
  SourceOptions options;
  options.name = "views";
  options.folders = {"views"};
  for (const std::string scene : {"desk", "plug", "shelf"}) {
    for (const int view : {1, 2, 11}) {
      image::write(folder_ / fmt::format("views/{}_{}.png", scene, view),
                   image::Image(3, 40, 40, 0.5F));
    }
  }
  EXPECT_EQ(list_source(options, folder_.path(), 0.3).scenes.size(), 9U);
  options.scene = "(.*)_[0-9]+";
  const Listing listing = list_source(options, folder_.path(), 0.3);
  EXPECT_EQ(listing.scenes, (Scenes{"desk", "plug", "shelf"}));
  EXPECT_EQ(listing.held_out.size(), 1U);
  EXPECT_EQ(std::ranges::count(listing.files, *listing.held_out.begin(), &SourceFile::scene), 3);
  std::set<std::string> shown;  // views of a scene are pictures of their own
  for (const SourceFile& file : listing.files) shown.insert(file.shows);
  EXPECT_EQ(shown.size(), 9U);

  for (const std::string wrong : {"(.*", ".*_[0-9]+", "(desk)_.*", "(desk)?.*"}) {
    options.scene = wrong;
    EXPECT_CHIARO_ERROR(list_source(options, folder_.path(), 0.3), Usage, wrong);
  }
}

TEST_F(ListingTest, AListSaysWhichPicturesAreMeant) {
  write_file_atomically(folder_ / "some.txt", std::string_view("p3.png (40,40,3) 1\np5.png\n"));
  SourceOptions options;
  options.name = "photos";
  options.folders = {"photos"};
  options.list = "some.txt";
  EXPECT_EQ(list_source(options, folder_.path(), 0).scenes, (Scenes{"p3", "p5"}));
  options.folders = {};
  EXPECT_CHIARO_ERROR(list_source(options, folder_.path(), 0), Input, "line 1");
  write_file_atomically(folder_ / "some.txt", std::string_view("photos/p4.png\n"));
  EXPECT_EQ(list_source(options, folder_.path(), 0).scenes, Scenes{"p4"});
  write_file_atomically(folder_ / "some.txt", std::string_view("photos/p4.png\tphotos/p5.png\n"));
  EXPECT_CHIARO_ERROR(list_source(options, folder_.path(), 0), Input, "is no single file");
  options.folders = {"photos", "others"};
  EXPECT_CHIARO_ERROR(list_source(options, folder_.path(), 0), Usage, "of one folder; got 2");
  options.folders = {};
  options.list = "";
  EXPECT_CHIARO_ERROR(list_source(options, folder_.path(), 0), Usage, "needs folders or a list");
}

TEST_F(ListingTest, AListSaysWhichPairsAreMeant) {
  std::filesystem::create_directories(folder_ / "small");
  for (const auto& name : names_)
    std::filesystem::copy_file(file_of(name), folder_ / "small" / (name + "x4.png"));
  SourceOptions options;
  options.name = "twins";
  options.kind = "paired";
  options.task = "enlarge";
  options.input = "small";
  options.target = "photos";
  options.pairing = "{}x4";
  options.list = "some.txt";
  write_file_atomically(folder_ / "some.txt", std::string_view("p1.png (40,40,3) 1\np6.png\n"));
  const Listing chosen = list_source(options, folder_.path(), 0);
  EXPECT_EQ(chosen.scenes, (Scenes{"p1", "p6"}));
  EXPECT_EQ(chosen.files[0].input.filename(), "p1x4.png");
  write_file_atomically(folder_ / "photos/lonely.png", read_file(file_of("p1")));
  write_file_atomically(folder_ / "some.txt", std::string_view("p1.png\nlonely.png\n"));
  EXPECT_CHIARO_ERROR(list_source(options, folder_.path(), 0), Input, "lonely.png', which has no");
  options.input = options.target = options.pairing = "";
  write_file_atomically(folder_ / "some.txt", std::string_view("small/p2x4.png\tphotos/p2.png\n"
                                                               "small/p3x4.png\tphotos/p2.png\n"));
  const Listing whole = list_source(options, folder_.path(), 0);
  EXPECT_EQ(whole.files.size(), 2U);
  EXPECT_EQ(whole.scenes, Scenes{"p2"});
  write_file_atomically(folder_ / "some.txt", std::string_view("small/p2x4.png\n"));
  EXPECT_CHIARO_ERROR(list_source(options, folder_.path(), 0), Input, "expected input<TAB>target");
  options.input = "small";
  EXPECT_CHIARO_ERROR(list_source(options, folder_.path(), 0), Usage, "input and target or a list");
}

TEST_F(ListingTest, NothingButBrokenFilesIsAnError) {
  for (const auto& name : names_) spoil(name);
  EXPECT_CHIARO_ERROR(list(0.9), Input, "no picture can be read");
}

}  // namespace
}  // namespace chiaro::data::listing_test
