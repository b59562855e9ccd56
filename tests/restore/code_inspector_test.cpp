#include "chiaro/restore/code_inspector.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "tests/support/encoder_bundle.h"
#include "tests/support/expect_error.h"

namespace chiaro::restore::code_inspector_test {
namespace {

std::array<float, 2> at_degrees(double degrees) {
  const double angle = degrees * std::numbers::pi / 180;
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

TEST(DegradationTree, KnowsHowFarDownItKnows) {
  const DegradationTree tree(test::encoder_bundle());
  EXPECT_EQ(tree.levels(), 2U);
  EXPECT_EQ(tree.view_px(), 16);
  const auto leaf =
      tree.place(at_degrees(100));  // 10 from the leaf, beyond the floor of its parent
  EXPECT_EQ(leaf.known_level, 0U);
  EXPECT_EQ(leaf.kind(), 1U);
  EXPECT_EQ(leaf.known().severity, 0.25);
  EXPECT_NEAR(leaf.path[0].cosine, std::cos(10 * std::numbers::pi / 180), 1e-6);
  EXPECT_EQ(leaf.path[1].node, 0);
  const auto parent = tree.place(at_degrees(50));  // 40 from the leaf, 5 from its parent
  EXPECT_EQ(parent.known_level, 1U);
  EXPECT_EQ(parent.path[0].node, 1);
  EXPECT_EQ(parent.kind(), 2U);
  EXPECT_EQ(parent.known().severity, 0.375);
  const auto nothing = tree.place(at_degrees(270));
  EXPECT_TRUE(nothing.unknown());
  EXPECT_EQ(nothing.known_level, 2U);
}

TEST(DegradationTree, DamagedTreesAreRefused) {
  const auto refused = [](auto change, const char* part) {
    auto tree = test::known_tree();
    change(tree);
    EXPECT_CHIARO_ERROR(DegradationTree(test::encoder_bundle(tree)), Bundle, part);
  };
  using Ints = std::vector<std::int64_t>;
  using Reals = std::vector<float>;
  refused(
      [](auto& t) {
        t.template put<std::int64_t>("1.parents", {3}, Ints{0, 2, 1});
      },
      "none of 2 prototypes");
  refused(
      [](auto& t) {
        t.template put<std::int64_t>("1.parents", {3}, Ints{0, -1, 1});
      },
      "none of 2 prototypes");
  refused([](auto& t) { t.template put<std::int64_t>("levels", {1}, Ints{0}); }, "out of range");
  refused([](auto& t) { t.template put<std::int64_t>("levels", {1}, Ints{3}); }, "floors");
  refused([](auto& t) { t.template put<float>("1.severity", {2}, Reals{0, 0}); }, "1.severity");
  refused(
      [](auto& t) {
        t.template put<float>("floors", {2}, Reals{0, std::nanf("")});
      },
      "not finite");
  refused([](auto& t) { t.template put<float>("1.centroids", {6}, Reals(6, 0.5F)); }, "no matrix");
  refused([](auto& t) { t.erase("2.kinds"); }, "2.kinds");
  auto without = test::encoder_bundle();
  without.members.erase(without.members.find(bundle::kTreeMember));
  EXPECT_CHIARO_ERROR(DegradationTree{without}, Bundle, "has no tree");
  auto nameless = test::encoder_bundle();
  nameless.manifest.labels.clear();
  EXPECT_CHIARO_ERROR(DegradationTree{nameless}, Bundle, "names no kinds");
}

TEST(CodeInspector, SeesWhatTheGraphSays) {
  CodeInspector inspector(test::encoder_bundle(), {.threads = 1});
  const auto bright = inspector.inspect(image::Image(3, 40, 56, 1.0F));  // (0.5, 0.001): 0 degrees
  EXPECT_EQ(bright.known_level, 0U);
  EXPECT_EQ(bright.kind(), 2U);
  EXPECT_EQ(inspector.inspect(image::Image(3, 40, 56, 0.0F)).kind(), 0U);
  image::Image striped(1, 33, 47, 0.2F);  // grey, and odd: repeated and cut into views
  for (int y = 0; y < 33; ++y)
    for (int x = 0; x < 47; x += 2) striped.at(0, y, x) = 0.8F;
  EXPECT_EQ(inspector.inspect(striped).kind(), 1U);
  const auto small = inspector.code(image::Image(3, 3, 2, 1.0F));
  EXPECT_NEAR(small[0], 1, 1e-4);
}

TEST(CodeInspector, WildPixelsAreLimited) {
  CodeInspector inspector(test::encoder_bundle(), {.threads = 1});
  image::Image wild(3, 20, 20, 7.0F);
  wild.at(1, 3, 4) = std::numeric_limits<float>::infinity();
  EXPECT_NEAR(inspector.code(wild)[0], 1, 1e-4);
  wild.at(1, 3, 4) = std::nanf("");
  // One of the 768 values that are seen is 0, all others 1. The graph's variance, a difference of
  // roundings near 1, is off by 1e-6 at most; it counts twentyfold here (10 v over a length of
  // 0.5).
  const double mean = 767.0 / 768;
  const double y = 10 * (mean - mean * mean) + 0.001;
  EXPECT_NEAR(inspector.code(wild)[1], y / std::hypot(mean - 0.5, y), 2e-5);
  EXPECT_CHIARO_ERROR(inspector.code(image::Image()), Usage, "empty");
}

TEST(CodeInspector, NeedsAnEncoder) {
  EXPECT_CHIARO_ERROR(CodeInspector(test::graph_bundle("stack")), Bundle, "has no tree");
  auto other = test::encoder_bundle();
  other.members.find(bundle::kEncodeMember)->second = test::graph_bytes("stack");
  EXPECT_CHIARO_ERROR(CodeInspector{other}, Bundle, "expected input and code");
  auto silent = test::encoder_bundle();
  silent.manifest.code.reset();
  EXPECT_CHIARO_ERROR(CodeInspector{silent}, Bundle, "describes no codes");
}

TEST(CodeInspector, TheTreeIsOverTheFirstPart) {
  const auto refused = [](auto change, const char* part) {
    auto bundle = test::encoder_bundle();
    change(*bundle.manifest.code);
    EXPECT_CHIARO_ERROR(CodeInspector{bundle}, Bundle, part);
  };
  refused([](bundle::CodeInfo& info) { info.parts[0].width = 3; }, "expected 3 of at most 4 of 16");
  refused([](bundle::CodeInfo& info) { info.view_px = 32; }, "expected 2 of at most 4 of 32 px");
  refused([](bundle::CodeInfo& info) { info.max_views = 9; }, "expected 2 of at most 9 of 16 px");
  refused([](bundle::CodeInfo& info) { info.parts[0].whole = true; }, "of the whole picture");
}

}  // namespace
}  // namespace chiaro::restore::code_inspector_test
