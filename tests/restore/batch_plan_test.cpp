#include "chiaro/restore/batch_plan.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore::batch_plan_test {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class PlanBatch : public testing::Test {
 protected:
  void put(const std::string& name) {
    fs::create_directories((root_ / name).parent_path());
    write_file_atomically(root_ / name, std::string_view("x"));
  }
  std::string at(const std::string& name) const { return root_ / name; }

  /// Outputs below the output folder.
  Names outputs(const Names& arguments, BatchPlanOptions options = {}) const {
    if (options.output.empty()) options.output = root_ / "out";
    Names names;
    for (const auto& item : plan_batch(arguments, options).items)
      names.push_back(item.output.lexically_relative(options.output));
    return names;
  }
  void refused(ErrorCode code, const std::string& part, const Names& arguments,
               const BatchPlanOptions& options = {}) const {
    test::expect_error(code, part, [&] { outputs(arguments, options); });
  }

  test::TemporaryFolder folder_;
  fs::path root_ = folder_.path();
};

TEST_F(PlanBatch, MirrorsTheTree) {
  for (const char* name : {"in/a.jpg", "in/x y/b.png", "in/x y/z/\xff.tif"}) put(name);
  EXPECT_EQ(outputs({at("in")}), (Names{"a.jpg", "x y/b.png", "x y/z/\xff.tif"}));
  EXPECT_EQ(outputs({at("in/a.jpg"), at("in/x y/*.png")}), (Names{"a.jpg", "b.png"}));
}

TEST_F(PlanBatch, NamesFollowTheTemplate) {
  put("in/a.b.JPG");
  EXPECT_EQ(outputs({at("in")}), (Names{"a.b.JPG"}));
  EXPECT_EQ(outputs({at("in")}, {.name = "{folder}-{stem}_{bundle}.{source}.{ext}",
                                 .format = "tiff",
                                 .bundle = "deep/er"}),
            (Names{"in-a.b_deep_er.JPG.tif"}));
  EXPECT_EQ(outputs({at("in")}, {.format = "jpeg"}), (Names{"a.b.jpg"}));
  EXPECT_EQ(outputs({at("in")}, {.name = "{stem}.webp"}), (Names{"a.b.webp"}));
  refused(ErrorCode::Usage, "did you mean 'stem'", {at("in")}, {.name = "{sterm}.png"});
  refused(ErrorCode::Usage, "no end", {at("in")}, {.name = "{stem"});
  refused(ErrorCode::Usage, "slash", {at("in")}, {.name = "{stem}/a.png"});
  refused(ErrorCode::Usage, "no picture format", {at("in")}, {.name = "{stem}"});
}

TEST_F(PlanBatch, FormatsThatAreOnlyReadBecomePng) {
  put("in/a.heic");
  fs::create_directories(root_ / "plain");
  image::write(root_ / "plain/x.jpg", image::Image(1, 4, 4, 0.5F));
  fs::rename(root_ / "plain/x.jpg", root_ / "plain/scan");
  EXPECT_EQ(outputs({at("in"), at("plain/scan")}), (Names{"a.png", "scan.jpg"}));
}

TEST_F(PlanBatch, TwoInputsWithOneOutputAreRefused) {
  for (const char* name : {"in/a.jpg", "in/a.png", "other/a.jpg"}) put(name);
  EXPECT_EQ(outputs({at("in")}).size(), 2U);
  refused(ErrorCode::Usage, "would both become", {at("in")}, {.format = "png"});
  refused(ErrorCode::Usage, "would both become", {at("in"), at("other")});
  EXPECT_EQ(outputs({at("in"), at("other")}, {.name = "{folder}_{stem}.{ext}"}).size(), 3U);
  // One input named twice is one input.
  EXPECT_EQ(outputs({at("in/a.jpg"), at("in/../in/a.jpg")}), (Names{"a.jpg"}));
  // Two names for one place: a link within the output folder.
  fs::create_directories(root_ / "out/real");
  fs::create_directory_symlink(root_ / "out/real", root_ / "out/linked");
  put("tree/real/a.png");
  put("tree/linked/a.png");
  refused(ErrorCode::Usage, "would both become", {at("tree")});
}

TEST_F(PlanBatch, ResultsMustNotBecomeInputs) {
  put("in/sub/a.jpg");
  for (const char* output : {"in", "in/out", "in/sub", "in/sub/new/deep"})
    refused(ErrorCode::Output, "lies inside", {at("in")}, {.output = root_ / output});
  fs::create_directory_symlink(root_ / "in/sub", root_ / "linked");
  refused(ErrorCode::Output, "lies inside", {at("in")}, {.output = root_ / "linked/out"});
  // Around it is no harm, and a pattern reads no folder.
  EXPECT_EQ(outputs({at("in")}, {.output = root_}), (Names{"sub/a.jpg"}));
  EXPECT_EQ(outputs({at("in/sub/*.jpg")}, {.output = root_ / "in/sub/out"}), (Names{"a.jpg"}));
}

TEST_F(PlanBatch, InputsAreNeverOverwritten) {
  put("in/a.jpg");
  put("in/b.jpg");
  refused(ErrorCode::Output, "never overwritten", {at("in/*.jpg")}, {.output = root_ / "in"});
  // The result of one would replace another.
  refused(ErrorCode::Output, "never overwritten", {at("in/a.jpg"), at("in/b.jpg")},
          {.output = root_ / "in", .name = "b.{ext}"});
  // Through a link.
  fs::create_directories(root_ / "out");
  fs::create_symlink(root_ / "in/a.jpg", root_ / "out/a.jpg");
  refused(ErrorCode::Output, "never overwritten", {at("in/a.jpg")});
}

TEST_F(PlanBatch, OutputsThatAreNoFilesAreRefused) {
  put("in/a.jpg");
  put("file");
  refused(ErrorCode::Output, "no folder", {at("in")}, {.output = root_ / "file"});
  fs::create_directories(root_ / "out/a.jpg");
  refused(ErrorCode::Output, "no regular file", {at("in")});
  const BatchPlan below_a_file{root_ / "file/out", {{at("in/a.jpg"), at("file/out/a.jpg")}}, {}};
  test::expect_error(ErrorCode::Output, "file/out", [&] { prepare_folders(below_a_file); });
  const BatchPlan kernel{"/proc/out", {{at("in/a.jpg"), "/proc/out/a.jpg"}}, {}};
  test::expect_error(ErrorCode::Output, "/proc/out", [&] { prepare_folders(kernel); });
}

TEST_F(PlanBatch, ExistingOutputsAreRefusedOrLeftOut) {
  for (const char* name : {"in/a.jpg", "in/b.jpg", "in/c.jpg", "out/b.jpg"}) put(name);
  BatchPlan plan = plan_batch(Names{at("in")}, {.output = root_ / "out"});
  test::expect_error(ErrorCode::Output, "1 of 3 outputs exist already",
                     [&] { refuse_existing(plan); });
  leave_out_existing(plan);
  EXPECT_EQ(plan.existing, 1U);
  ASSERT_EQ(plan.items.size(), 2U);
  EXPECT_EQ(plan.items[1].input, root_ / "in/c.jpg");
  refuse_existing(plan);
}

TEST_F(PlanBatch, LeftoversOfOursAreRemovedAndNoOthers) {
  put("in/a.jpg");
  for (const char* name :
       {"out/a.jpg.Xy12ab.part", "out/b.jpg.Xy12ab.part", "out/a.jpg.part", "out/.Xy12ab.part"})
    put(name);
  prepare_folders(plan_batch(Names{at("in")}, {.output = root_ / "out"}));
  EXPECT_FALSE(fs::exists(root_ / "out/a.jpg.Xy12ab.part"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root_ / "out"), {}), 3);
}

TEST_F(PlanBatch, ShardsTogetherAreTheWholeAndShareNothing) {
  for (int i = 0; i < 40; ++i)
    put("in/" + std::to_string(i % 4) + "/" + std::to_string(i) + ".png");
  const Names all = outputs({at("in")});
  fs::create_symlink("nowhere", root_ / "in/lost.png");
  std::map<std::string, int> seen;
  std::size_t lost = 0;
  for (int part = 1; part <= 3; ++part) {
    const BatchPlan plan =
        plan_batch(Names{at("in")}, {.output = root_ / "out", .shard = {part, 3}});
    EXPECT_EQ(plan.items.size() + plan.in_other_shards, 40U);
    lost += plan.unreadable.size();
    for (const auto& item : plan.items) ++seen[item.output.lexically_relative(root_ / "out")];
  }
  EXPECT_EQ(seen.size(), all.size());
  for (const auto& [name, count] : seen) EXPECT_EQ(count, 1) << name;
  EXPECT_EQ(lost, 1U);
}

}  // namespace
}  // namespace chiaro::restore::batch_plan_test
