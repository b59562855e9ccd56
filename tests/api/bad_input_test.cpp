// Whatever a caller does wrong is one sentence and a documented status, and leaves nothing behind.
#include <cmath>
#include <cstddef>
#include <limits>

#include "chiaro/base/files.h"
#include "tests/api/callers.h"

namespace chiaro::test::bad_input_test {
namespace {

class ApiBadInput : public Callers {
 protected:
  void SetUp() override { restorer_ = open("identity"); }

  /// `change` spoils a good picture; both as a source and as a target it is refused.
  template <typename Change>
  void expect_picture_refused(const std::string& part, const Change& change) {
    std::vector<std::uint8_t> good_bytes = random_bytes(3 * 8 * 6);
    std::vector<std::uint8_t> bad_bytes = good_bytes;
    const auto before = good_bytes;
    const auto good = rgb8(good_bytes, 8, 6);
    auto bad = rgb8(bad_bytes, 8, 6);
    change(bad);
    expect_refused(chiaro_restore(restorer_.get(), &bad, &good, nullptr, nullptr), CHIARO_USAGE,
                   part);
    expect_refused(chiaro_restore(restorer_.get(), &good, &bad, nullptr, nullptr), CHIARO_USAGE,
                   part);
    EXPECT_EQ(good_bytes, before);
    EXPECT_EQ(bad_bytes, before);
  }

  template <typename Change>
  void expect_options_refused(const std::string& part, const Change& change) {
    std::vector<std::uint8_t> bytes = random_bytes(3 * 8 * 6);
    const auto picture = rgb8(bytes, 8, 6);
    auto options = restore_options();
    change(options);
    expect_refused(chiaro_restore(restorer_.get(), &picture, &picture, &options, nullptr),
                   CHIARO_USAGE, part);
  }

  OwnedRestorer restorer_;
};

TEST_F(ApiBadInput, NullPointers) {
  std::vector<std::uint8_t> bytes = random_bytes(3 * 8 * 6);
  const auto picture = rgb8(bytes, 8, 6);
  chiaro_facts facts{sizeof(chiaro_facts), 0, 0, 0, 0, 0, 0, 0, 0, 0};
  expect_refused(chiaro_open(nullptr, nullptr, nullptr), CHIARO_USAGE, "NULL");
  expect_refused(chiaro_restore(nullptr, &picture, &picture, nullptr, nullptr), CHIARO_USAGE,
                 "restorer is NULL");
  expect_refused(chiaro_restore(restorer_.get(), nullptr, &picture, nullptr, nullptr), CHIARO_USAGE,
                 "source is NULL");
  expect_refused(chiaro_restore(restorer_.get(), &picture, nullptr, nullptr, nullptr), CHIARO_USAGE,
                 "target is NULL");
  expect_refused(
      chiaro_restore_file(restorer_.get(), nullptr, "out.png", nullptr, nullptr, nullptr),
      CHIARO_USAGE, "input is NULL");
  expect_refused(chiaro_restore_file(restorer_.get(), "in.png", nullptr, nullptr, nullptr, nullptr),
                 CHIARO_USAGE, "output is NULL");
  expect_refused(chiaro_describe(nullptr, &facts), CHIARO_USAGE, "restorer is NULL");
  expect_refused(chiaro_describe(restorer_.get(), nullptr), CHIARO_USAGE, "facts is NULL");
  expect_refused(chiaro_inspect(restorer_.get(), &picture, nullptr), CHIARO_USAGE, "NULL");
  expect_refused(chiaro_inspection_verdict(nullptr, nullptr), CHIARO_USAGE, "inspection is NULL");
  EXPECT_EQ(chiaro_bundle_text(nullptr, CHIARO_TEXT_NAME), nullptr);
  EXPECT_EQ(chiaro_bundle_text(restorer_.get(), 99), nullptr);
  EXPECT_EQ(chiaro_inspection_advice(nullptr), nullptr);
  std::size_t count = 5;
  EXPECT_EQ(chiaro_inspection_findings(nullptr, &count), nullptr);
  EXPECT_EQ(count, 0U);
  chiaro_close(nullptr);
  chiaro_inspection_free(nullptr);
}

TEST_F(ApiBadInput, Pictures) {
  using P = chiaro_picture;
  expect_picture_refused("data of the", [](P& p) { p.data = nullptr; });
  for (const int side : {0, -3}) {
    expect_picture_refused("impossible size", [&](P& p) { p.width = side; });
    expect_picture_refused("impossible size", [&](P& p) { p.height = side; });
  }
  expect_picture_refused("impossible size", [](P& p) {
    p.width = p.height = std::numeric_limits<std::int32_t>::max();
  });
  expect_picture_refused("unknown layout", [](P& p) { p.layout = 0; });
  expect_picture_refused("unknown layout", [](P& p) { p.layout = 7; });
  expect_picture_refused("unknown samples", [](P& p) { p.sample = 0; });
  expect_picture_refused("unknown samples", [](P& p) { p.sample = 4; });
  expect_picture_refused("overlap; got row_bytes = 23; expected at least 24",
                         [](P& p) { p.row_bytes = 23; });
  expect_picture_refused("overlap; got row_bytes = -23", [](P& p) { p.row_bytes = -23; });
  expect_picture_refused("overlap", [](P& p) { p.pixel_bytes = 2; });
  expect_picture_refused("overlap", [](P& p) {
    p.pixel_bytes = 1;
    p.plane_bytes = 7;
  });
  expect_picture_refused("impossible distance",
                         [](P& p) { p.row_bytes = std::numeric_limits<std::ptrdiff_t>::min(); });
  expect_picture_refused("both grey or both coloured", [](P& p) { p.layout = CHIARO_GREY; });
}

TEST_F(ApiBadInput, Options) {
  using O = chiaro_restore_options;
  expect_options_refused("chiaro_restore_defaults", [](O& o) { o.size = 0; });
  expect_options_refused("chiaro_restore_defaults", [](O& o) { o.size = ~std::size_t{0}; });
  expect_options_refused("strength", [](O& o) { o.strength = 1.5; });
  expect_options_refused("strength",
                         [](O& o) { o.strength = std::numeric_limits<double>::quiet_NaN(); });
  expect_options_refused("share of grain", [](O& o) { o.keep_grain = 1.5; });
  expect_options_refused("unknown guard", [](O& o) { o.guard = 3; });
  expect_options_refused("unknown guard", [](O& o) { o.guard = -1; });
  expect_options_refused("alpha", [](O& o) { o.alpha = 9; });
  expect_options_refused("no controller", [](O& o) { o.as = "noise"; });
  expect_options_refused("cannot read the damage; got '((('", [](O& o) { o.as = "((("; });
  expect_options_refused("tile", [](O& o) { o.tile_px = -1; });
  expect_options_refused("memory limit", [](O& o) { o.max_memory_bytes = -1; });
  expect_options_refused("overlap", [](O& o) { o.overlap_px = -2; });
  expect_options_refused("cannot look at its result", [](O& o) { o.again = 1; });
  expect_options_refused("reserved", [](O& o) { o.reserved = 1; });
}

TEST_F(ApiBadInput, OptionsOfAnOlderHeader) {
  // As a program hands them over that was built before keep_grain came.
  chiaro_restore_options older{};
  constexpr std::size_t kThen = offsetof(chiaro_restore_options, keep_grain);
  chiaro_restore_defaults(&older, kThen);
  older.keep_grain = 1e9;  // what lies behind belongs to somebody else
  ASSERT_EQ(older.size, kThen);
  std::int64_t peak = 0;
  EXPECT_EQ(chiaro_predict_memory(restorer_.get(), 40, 30, &older, &peak), CHIARO_OK)
      << chiaro_last_error();
  older.size = kThen - 8;
  EXPECT_EQ(chiaro_predict_memory(restorer_.get(), 40, 30, &older, &peak), CHIARO_USAGE);
}

TEST_F(ApiBadInput, StructsThatEndBeforeAgain) {
  chiaro_restore_options options{};
  chiaro_restore_defaults(&options, offsetof(chiaro_restore_options, again));
  options.again = options.reserved = -1;  // somebody else's
  chiaro_report report{};
  report.size = offsetof(chiaro_report, below);
  const char* const theirs = "theirs";
  report.below = theirs;
  std::vector<std::uint8_t> bytes = random_bytes(3 * 8 * 6);
  const auto picture = rgb8(bytes, 8, 6);
  EXPECT_EQ(chiaro_restore(restorer_.get(), &picture, &picture, &options, &report), CHIARO_OK)
      << chiaro_last_error();
  EXPECT_EQ(report.strength, 1);
  EXPECT_EQ(report.below, theirs);
}

TEST_F(ApiBadInput, OptionsOfANewerHeader) {
  struct {
    chiaro_restore_options known;
    std::int64_t later;
  } newer{};
  chiaro_restore_defaults(&newer.known, sizeof(newer));
  EXPECT_EQ(newer.later, 0);
  std::vector<std::uint8_t> bytes = random_bytes(3 * 8 * 6);
  const auto picture = rgb8(bytes, 8, 6);
  EXPECT_EQ(chiaro_restore(restorer_.get(), &picture, &picture, &newer.known, nullptr), CHIARO_OK)
      << chiaro_last_error();
  newer.later = 1;
  expect_refused(chiaro_restore(restorer_.get(), &picture, &picture, &newer.known, nullptr),
                 CHIARO_USAGE, "does not know");
}

TEST_F(ApiBadInput, SizesOfStructsThatAreFilledIn) {
  chiaro_facts facts{};
  expect_refused(chiaro_describe(restorer_.get(), &facts), CHIARO_USAGE, "size of the facts");
  // A shorter struct of an older header gets what it has room for.
  facts.size = offsetof(chiaro_facts, alignment_px);
  facts.alignment_px = -5;
  ASSERT_EQ(chiaro_describe(restorer_.get(), &facts), CHIARO_OK) << chiaro_last_error();
  EXPECT_EQ(facts.scale, 1);
  EXPECT_EQ(facts.channels, 3);
  EXPECT_EQ(facts.alignment_px, -5);
  // Of a longer one of a newer header, what this library does not know is nothing.
  struct {
    chiaro_facts known;
    std::int64_t later;
  } newer{};
  newer.known.size = sizeof(newer);
  newer.later = 7;
  ASSERT_EQ(chiaro_describe(restorer_.get(), &newer.known), CHIARO_OK) << chiaro_last_error();
  EXPECT_EQ(newer.known.channels, 3);
  EXPECT_EQ(newer.later, 0);
}

TEST_F(ApiBadInput, AReportWithoutASizeLeavesNothingBehind) {
  std::vector<float> values{0.5F, std::numeric_limits<float>::quiet_NaN(), 0.25F};
  const chiaro_picture picture{values.data(), 1, 1, CHIARO_RGB, CHIARO_F32, 0, 0, 0};
  chiaro_report report{};
  expect_refused(chiaro_restore(restorer_.get(), &picture, &picture, nullptr, &report),
                 CHIARO_USAGE, "size of the report");
  EXPECT_TRUE(std::isnan(values[1])) << "the picture was written";
  const std::string input = folder_ / "in.ppm";
  const std::string output = folder_ / "out.png";
  write_file_atomically(input, std::string_view("P6\n1 1\n255\nabc"));
  expect_refused(chiaro_restore_file(restorer_.get(), input.c_str(), output.c_str(), nullptr,
                                     nullptr, &report),
                 CHIARO_USAGE, "size of the report");
  EXPECT_FALSE(std::filesystem::exists(output));
}

TEST_F(ApiBadInput, Bundles) {
  chiaro_restorer* restorer = restorer_.get();
  const auto expect_closed = [&](const std::string& name, chiaro_status status,
                                 const std::string& part) {
    expect_refused(chiaro_open(name.c_str(), nullptr, &restorer), status, part);
    EXPECT_EQ(restorer, nullptr);
  };
  expect_closed("/nowhere/at_all.chiaro", CHIARO_INPUT, "there is no bundle");
  expect_closed("no_such_name", CHIARO_INPUT, "there is no bundle named 'no_such_name'");
  expect_closed("", CHIARO_INPUT, "bundle");
  expect_closed(folder_.path().string() + "/", CHIARO_INPUT, "is a folder");

  const auto file = bundle_file("stack");
  auto bytes = read_file(file);
  for (const std::size_t place : {std::size_t{0}, bytes.size() / 3, bytes.size() / 2}) {
    auto damaged = bytes;
    damaged[place] ^= std::byte{0x5a};
    write_file_atomically(folder_ / "damaged.chiaro", damaged);
    expect_closed(folder_ / "damaged.chiaro", CHIARO_BUNDLE, "damaged.chiaro");
  }
  bytes.resize(bytes.size() / 2);
  write_file_atomically(folder_ / "half.chiaro", bytes);
  expect_closed(folder_ / "half.chiaro", CHIARO_BUNDLE, "half.chiaro");

  chiaro_open_options options;
  chiaro_open_defaults(&options, sizeof(options));
  options.precision = 3;
  expect_refused(chiaro_open(file.c_str(), &options, &restorer), CHIARO_USAGE, "precision");
  chiaro_open_defaults(&options, sizeof(options));
  options.threads = -1;
  expect_refused(chiaro_open(file.c_str(), &options, &restorer), CHIARO_USAGE, "threads");
}

// Pixels that are not there would be missed if they were decoded.
TEST_F(ApiBadInput, AFileThatDoesNotFitIsNotDecoded) {
  const std::string large = folder_ / "large.ppm";
  write_file_atomically(large, std::string_view("P6\n7000 7000\n255\n"));
  chiaro_restore_options options;
  chiaro_restore_defaults(&options, sizeof(options));
  options.max_memory_bytes = 300 << 20;
  expect_refused(
      chiaro_restore_file(restorer_.get(), large.c_str(), std::string(folder_ / "out.png").c_str(),
                          &options, nullptr, nullptr),
      CHIARO_RESOURCE, "got 300 MiB");
}

TEST_F(ApiBadInput, Files) {
  const std::string good = folder_ / "in.ppm";
  write_file_atomically(good, std::string_view("P6\n1 1\n255\nabc"));
  const std::string output = folder_ / "out.png";
  const auto expect_file_refused = [&](const std::string& in, const std::string& out,
                                       chiaro_status status, const std::string& part) {
    expect_refused(
        chiaro_restore_file(restorer_.get(), in.c_str(), out.c_str(), nullptr, nullptr, nullptr),
        status, part);
    EXPECT_FALSE(std::filesystem::exists(output));
  };
  expect_file_refused(folder_ / "none.png", output, CHIARO_INPUT, "none.png");
  expect_file_refused(bundle_file("stack"), output, CHIARO_INPUT, "stack.chiaro");
  expect_file_refused(good, folder_ / "no" / "out.png", CHIARO_OUTPUT, "does not exist");
  expect_file_refused(good, folder_.path(), CHIARO_OUTPUT, "no regular file");
  expect_file_refused(good, good, CHIARO_OUTPUT, "the input itself");
  expect_file_refused(good, folder_ / "out.xyz", CHIARO_USAGE, "tells no picture format");

  ASSERT_EQ(
      chiaro_restore_file(restorer_.get(), good.c_str(), output.c_str(), nullptr, nullptr, nullptr),
      CHIARO_OK)
      << chiaro_last_error();
  expect_refused(
      chiaro_restore_file(restorer_.get(), good.c_str(), output.c_str(), nullptr, nullptr, nullptr),
      CHIARO_OUTPUT, "exists already");
  chiaro_write_options write;
  chiaro_write_defaults(&write, sizeof(write));
  write.overwrite = 1;
  EXPECT_EQ(
      chiaro_restore_file(restorer_.get(), good.c_str(), output.c_str(), nullptr, &write, nullptr),
      CHIARO_OK);
  write.quality = 101;
  expect_refused(
      chiaro_restore_file(restorer_.get(), good.c_str(), output.c_str(), nullptr, &write, nullptr),
      CHIARO_USAGE, "quality");
  write.quality = 0;
  write.depth = 9;
  expect_refused(
      chiaro_restore_file(restorer_.get(), good.c_str(), output.c_str(), nullptr, &write, nullptr),
      CHIARO_USAGE, "depth");
}

TEST_F(ApiBadInput, NoControllerNoInspection) {
  std::vector<std::uint8_t> bytes = random_bytes(3 * 8 * 6);
  const auto picture = rgb8(bytes, 8, 6);
  chiaro_inspection* seen = nullptr;
  expect_refused(chiaro_inspect(restorer_.get(), &picture, &seen), CHIARO_BUNDLE, "no controller");
  EXPECT_EQ(seen, nullptr);
  EXPECT_STREQ(chiaro_bundle_text(restorer_.get(), CHIARO_TEXT_TYPES), "");
}

TEST_F(ApiBadInput, ACallbackThatUsesItsRestorer) {
  std::vector<std::uint8_t> bytes = random_bytes(3 * 8 * 6);
  const auto picture = rgb8(bytes, 8, 6);
  struct Seen {
    chiaro_restorer* restorer;
    const chiaro_picture* picture;
    chiaro_status inner;
  } seen{restorer_.get(), &picture, CHIARO_OK};
  auto options = restore_options();
  options.user = &seen;
  options.progress = [](double, void* user) {
    auto& state = *static_cast<Seen*>(user);
    state.inner = chiaro_restore(state.restorer, state.picture, state.picture, nullptr, nullptr);
    return 0;
  };
  EXPECT_EQ(chiaro_restore(restorer_.get(), &picture, &picture, &options, nullptr), CHIARO_OK)
      << chiaro_last_error();
  EXPECT_EQ(seen.inner, CHIARO_USAGE);
  EXPECT_NE(std::string(chiaro_last_error()).find("progress callback"), std::string::npos);
}

}  // namespace
}  // namespace chiaro::test::bad_input_test
