#include "chiaro/bundle/bundle.h"

#include <gtest/gtest.h>
#include <zip.h>

#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/base/sha256.h"
#include "chiaro/bundle/zip.h"
#include "tests/support/bytes.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::bundle::bundle_test {
namespace {

Manifest example_manifest() {
  Manifest manifest;
  manifest.name = "example";
  manifest.summary = "one line";
  manifest.license = "Apache-2.0";
  manifest.created_by = "chiaro 0.1.0";
  manifest.scale = 2;
  manifest.alignment_px = 8;
  manifest.receptive_field_px = 101;
  manifest.global_statistics = true;
  manifest.labels = {"noise", "rain"};
  manifest.network = "resunet";
  manifest.network_options = {{"channels", std::vector<std::int64_t>{24, 48}},
                              {"slope", 0.25},
                              {"whole", 3.0},
                              {"bias", true},
                              {"blocks", std::int64_t{2}},
                              {"norm", std::string("none")}};
  manifest.method = "supervised";
  manifest.recipe = "[train]\nsteps = 10\n";
  manifest.parameters = 1'000'000;
  manifest.macs_per_pixel = 50e3;
  manifest.training_data = {{"photos", "CC0", 1234}};
  manifest.scores = {
      {"CBSD68 sigma 25", "psnr_rgb_db", 30.5, 20.2, "v1"},
      {"clean", "psnr_rgb_db", std::numeric_limits<double>::infinity(), std::nullopt, ""}};
  manifest.precision = PrecisionEvidence{0.005, 7, 1.5, 0.1, 8};
  return manifest;
}

Members example_members() {
  return {{"restore.onnx", test::bytes_of("a graph")}, {"card.md", test::bytes_of("# Card\n")}};
}

TEST(Manifest, SurvivesWritingAndReading) {
  const Manifest before = example_manifest();
  const Manifest after = parse_manifest(print_manifest(before), "test");
  EXPECT_EQ(print_manifest(after), print_manifest(before));
  EXPECT_EQ(after.network_options, before.network_options);
  EXPECT_EQ(after.receptive_field_px, 101);
  EXPECT_TRUE(after.global_statistics);
  ASSERT_EQ(after.scores.size(), 2U);
  EXPECT_DOUBLE_EQ(*after.scores[0].input_value, 20.2);
  EXPECT_EQ(after.scores[1].value, std::numeric_limits<double>::infinity());
  EXPECT_FALSE(after.scores[1].input_value.has_value());
  EXPECT_EQ(after.precision->pictures, 8);
}

TEST(Manifest, WrongOnesAreRefused) {
  const std::string good = print_manifest(example_manifest());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  EXPECT_CHIARO_ERROR(parse_manifest("{", "f"), Bundle, "no JSON object");
  EXPECT_CHIARO_ERROR(parse_manifest("[]", "f"), Bundle, "no JSON object");
  EXPECT_CHIARO_ERROR(parse_manifest("{}", "f"), Bundle, "'format' is missing");
  EXPECT_CHIARO_ERROR(parse_manifest(with("\"format_version\": 1", "\"format_version\": 3"), "f"),
                      Bundle, "newer chiaro");
  EXPECT_CHIARO_ERROR(parse_manifest(with("\"scale\": 2", "\"scale\": 0"), "f"), Bundle,
                      "graph.scale' is out of range");
  EXPECT_CHIARO_ERROR(parse_manifest(with("\"scale\": 2", "\"scale\": 18446744073709551615"), "f"),
                      Bundle, "graph.scale");
  EXPECT_CHIARO_ERROR(parse_manifest(with("\"scale\": 2", "\"scale\": \"2\""), "f"), Bundle,
                      "must be an integer");
  EXPECT_CHIARO_ERROR(parse_manifest(with("\"alignment_px\": 8", "\"alignment_px\": -8"), "f"),
                      Bundle, "alignment_px");
  EXPECT_CHIARO_ERROR(parse_manifest(with("\"srgb\"", "\"cmyk\""), "f"), Bundle, "srgb or grey");
  EXPECT_CHIARO_ERROR(parse_manifest(with("\"name\": \"example\"", "\"name\": \"../x\""), "f"),
                      Bundle, "name");
  EXPECT_CHIARO_ERROR(parse_manifest(with("\"kind\": \"restore\"", "\"kind\": \"run\""), "f"),
                      Bundle, "kind");
  EXPECT_CHIARO_ERROR(parse_manifest(with("\"network\": \"resunet\"", "\"net\": \"resunet\""), "f"),
                      Bundle, "training.network' is missing");
  EXPECT_CHIARO_ERROR(parse_manifest(with("\"metric\": \"psnr_rgb_db\",", ""), "f"), Bundle,
                      "scores[].metric");
}

ConditionInfo example_condition() {
  return {.types = {"clean", "noise", "rain"},
          .embedding = 64,
          .view_px = 128,
          .max_views = 9,
          .whole_px = 256,
          .whole_alignment_px = 16,
          .domains = {"photos", "scans"},
          .novelty_threshold = 2.5,
          .temperature = 0.8,
          .text_table_sha256 = std::string(64, 'a')};
}

// In quadratic time, as where each key is compared with all before it, this takes minutes.
TEST(Manifest, ManyKeysAreReadQuickly) {
  std::string json = "{";
  for (int i = 0; i < 200'000; ++i) json += fmt::format("\"{:x}\":0,", i);
  json += "\"format\":\"other\"}";
  const double began = monotonic_s();
  EXPECT_CHIARO_ERROR(parse_manifest(json, "f"), Bundle, "is not chiaro-bundle");
  EXPECT_LT(monotonic_s() - began, 20);
}

TEST(Manifest, TheConditionSurvivesWritingAndReading) {
  Manifest before = example_manifest();
  before.condition = example_condition();
  const Manifest after = parse_manifest(print_manifest(before), "test");
  EXPECT_EQ(print_manifest(after), print_manifest(before));
  ASSERT_TRUE(after.condition.has_value());
  EXPECT_EQ(after.condition->types, before.condition->types);
  EXPECT_EQ(after.condition->domains, before.condition->domains);
  EXPECT_EQ(after.condition->width(), 2 * 3 + 64);
  EXPECT_EQ(after.condition->max_views, 9);
  EXPECT_DOUBLE_EQ(after.condition->novelty_threshold, 2.5);
  EXPECT_DOUBLE_EQ(after.condition->temperature, 0.8);
  std::string older = print_manifest(before);
  const auto place = older.find("\"temperature\"");
  ASSERT_NE(place, std::string::npos);
  older.erase(place, older.find('"', place + 14) - place);
  EXPECT_DOUBLE_EQ(parse_manifest(older, "test").condition->temperature, 1);
  EXPECT_FALSE(parse_manifest(print_manifest(example_manifest()), "test").condition.has_value());
}

TEST(Manifest, WrongConditionsAreRefused) {
  const auto written = [](auto change) {
    Manifest manifest = example_manifest();
    manifest.condition = example_condition();
    change(*manifest.condition);
    parse_manifest(print_manifest(manifest), "f");
  };
  using Info = ConditionInfo;
  EXPECT_CHIARO_ERROR(written([](Info& info) { info.types = {"clean"}; }), Bundle,
                      "condition.types' must be 2 to");
  EXPECT_CHIARO_ERROR(written([](Info& info) {
                        info.types = {"rain", "noise"};
                      }),
                      Bundle, "must have 'clean'");
  EXPECT_CHIARO_ERROR(written([](Info& info) {
                        info.types = {"clean", "rain", "rain"};
                      }),
                      Bundle, "names 'rain' twice");
  EXPECT_CHIARO_ERROR(written([](Info& info) {
                        info.types = {"clean", ""};
                      }),
                      Bundle, "empty name");
  EXPECT_CHIARO_ERROR(written([](Info& info) {
                        info.domains = {"a", "a"};
                      }),
                      Bundle, "condition.domains' names 'a' twice");
  EXPECT_CHIARO_ERROR(written([](Info& info) { info.embedding = -1; }), Bundle, "embedding");
  EXPECT_CHIARO_ERROR(written([](Info& info) { info.view_px = 0; }), Bundle, "view_px");
  EXPECT_CHIARO_ERROR(written([](Info& info) { info.max_views = 0; }), Bundle, "max_views");
  EXPECT_CHIARO_ERROR(written([](Info& info) { info.whole_px = 0; }), Bundle, "whole_px");
  EXPECT_CHIARO_ERROR(written([](Info& info) { info.whole_alignment_px = 0; }), Bundle,
                      "whole_alignment_px");
  EXPECT_CHIARO_ERROR(written([](Info& info) { info.novelty_threshold = 0; }), Bundle,
                      "novelty_threshold' must be above zero");
  EXPECT_CHIARO_ERROR(written([](Info& info) {
                        info.novelty_threshold = std::numeric_limits<double>::quiet_NaN();
                      }),
                      Bundle, "novelty_threshold");
  EXPECT_CHIARO_ERROR(written([](Info& info) { info.temperature = 0; }), Bundle,
                      "temperature' must lie in [0.01, 100]");
  EXPECT_CHIARO_ERROR(written([](Info& info) { info.text_table_sha256 = "abc"; }), Bundle,
                      "64 lower-case hexadecimal digits");
  EXPECT_NO_THROW(written([](Info& info) {
    info.novelty_threshold = std::numeric_limits<double>::infinity();
    info.text_table_sha256.clear();
    info.domains.clear();
    info.embedding = 0;
  }));
}

TEST(Bundle, AConditionAndItsGraphComeTogether) {
  Manifest manifest = example_manifest();
  manifest.condition = example_condition();
  Members members = example_members();
  EXPECT_CHIARO_ERROR(serialize_bundle(manifest, members), Bundle, "there is no condition.onnx");
  members["condition.onnx"] = test::bytes_of("another graph");
  EXPECT_NO_THROW(parse_bundle(serialize_bundle(manifest, members), "both"));
  manifest.condition.reset();
  EXPECT_CHIARO_ERROR(serialize_bundle(manifest, members), Bundle, "does not describe");
  manifest.condition = example_condition();
  manifest.kind = "encode";
  members["encode.onnx"] = test::bytes_of("a third graph");
  EXPECT_CHIARO_ERROR(serialize_bundle(manifest, members), Bundle, "expected kind restore");
}

TEST(Bundle, ATreeNeedsAnEncoderAndTheVersionThatKnowsIt) {
  Manifest manifest = example_manifest();
  manifest.kind = "encode";
  manifest.format_version = 2;
  const Members members = {{"encode.onnx", test::bytes_of("a graph")},
                           {"tree.safetensors", test::bytes_of("a tree")}};
  EXPECT_NO_THROW(parse_bundle(serialize_bundle(manifest, members), "encoder"));
  manifest.format_version = 1;
  EXPECT_CHIARO_ERROR(serialize_bundle(manifest, members), Bundle, "version 2 or newer");
  manifest.format_version = 2;
  manifest.kind = "restore";
  Members restoring = example_members();
  restoring["tree.safetensors"] = test::bytes_of("a tree");
  EXPECT_CHIARO_ERROR(serialize_bundle(manifest, restoring), Bundle, "expected kind encode");
}

TEST(Manifest, SaysHowPicturesGetCodes) {
  Manifest manifest = example_manifest();
  manifest.kind = "encode";
  manifest.code = CodeInfo{.view_px = 64,
                           .max_views = 9,
                           .whole_px = 48,
                           .parts = {{"content", 64, true}, {"degradation", 32, false}}};
  EXPECT_EQ(manifest.code->width(), 96);
  const std::string json = print_manifest(manifest);
  const auto read = parse_manifest(json, "test");
  ASSERT_TRUE(read.code.has_value());
  EXPECT_EQ(read.code->view_px, 64);
  EXPECT_EQ(read.code->max_views, 9);
  EXPECT_EQ(read.code->whole_px, 48);
  ASSERT_EQ(read.code->parts.size(), 2U);
  EXPECT_EQ(read.code->parts[1].name, "degradation");
  EXPECT_EQ(read.code->parts[1].width, 32);
  EXPECT_TRUE(read.code->parts[0].whole);
  EXPECT_FALSE(read.code->parts[1].whole);
  const auto refused = [&](const std::string& from, const std::string& to, const char* part) {
    std::string changed = json;
    const auto place = changed.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    changed.replace(place, from.size(), to);
    EXPECT_CHIARO_ERROR(parse_manifest(changed, "test"), Bundle, part);
  };
  refused("\"width\": 64", "\"width\": 0", "out of range");
  refused("\"whole\": true", "\"whole\": 1", "true or false");
  refused("\"name\": \"degradation\"", "\"name\": \"content\"", "twice");
  refused("\"name\": \"degradation\"", "\"name\": \"\"", "empty name");
  refused("\"view_px\": 64", "\"view_px\": 100000", "out of range");
  refused("\"kind\": \"encode\"", "\"kind\": \"restore\"", "kind encode alone");
  manifest.code->parts.clear();
  EXPECT_CHIARO_ERROR(parse_manifest(print_manifest(manifest), "test"), Bundle, "is empty");
}

TEST(Manifest, Bf16NeedsEvidence) {
  Manifest manifest = example_manifest();
  EXPECT_TRUE(bf16_is_harmless(manifest));
  manifest.precision->bf16_psnr_cost_db = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(bf16_is_harmless(manifest));
  manifest.precision.reset();
  EXPECT_FALSE(bf16_is_harmless(manifest));
}

TEST(Bundle, SurvivesWritingAndReading) {
  test::TemporaryFolder folder;
  write_bundle(folder / "x.chiaro", example_manifest(), example_members());
  const Bundle bundle = read_bundle(folder / "x.chiaro");
  EXPECT_EQ(bundle.members, example_members());
  EXPECT_EQ(bundle.text("card.md"), "# Card\n");
  EXPECT_EQ(bundle.manifest.members.at("card.md").bytes, 7U);
  EXPECT_EQ(print_manifest(read_manifest(folder / "x.chiaro")), print_manifest(bundle.manifest));
  EXPECT_CHIARO_ERROR(bundle.member("encode.onnx"), Bundle, "has no encode.onnx");
}

TEST(Bundle, HandsAMemberOver) {
  Bundle bundle = parse_bundle(serialize_bundle(example_manifest(), example_members()), "example");
  const std::vector<std::byte> expected = example_members().at("restore.onnx");
  EXPECT_EQ(bundle.take("restore.onnx"), expected);
  EXPECT_FALSE(bundle.has("restore.onnx"));
  EXPECT_TRUE(bundle.has("card.md"));
  EXPECT_CHIARO_ERROR(bundle.take("restore.onnx"), Bundle, "has no restore.onnx");
}

TEST(Bundle, TheSameContentGivesTheSameBytes) {
  EXPECT_EQ(serialize_bundle(example_manifest(), example_members()),
            serialize_bundle(example_manifest(), example_members()));
}

TEST(Bundle, IncompleteOnesAreNotWritten) {
  EXPECT_CHIARO_ERROR(serialize_bundle(example_manifest(), {{"card.md", {}}}), Bundle,
                      "lacks restore.onnx");
  auto members = example_members();
  members["notes.txt"] = {};
  EXPECT_CHIARO_ERROR(serialize_bundle(example_manifest(), members), Bundle, "notes.txt");
  auto manifest = example_manifest();
  manifest.scale = 0;
  EXPECT_CHIARO_ERROR(serialize_bundle(manifest, example_members()), Bundle, "scale");
}

TEST(Bundle, MissingFilesAndFoldersAreInputErrors) {
  test::TemporaryFolder folder;
  EXPECT_CHIARO_ERROR(read_bundle(folder / "none.chiaro"), Input, "none.chiaro");
  EXPECT_CHIARO_ERROR(read_bundle(folder.path()), Input, "folder");
  EXPECT_CHIARO_ERROR(read_bundle("/dev/null"), Input, "device");
  EXPECT_CHIARO_ERROR(read_manifest(folder / "none.chiaro"), Input, "none.chiaro");
  EXPECT_CHIARO_ERROR(read_manifest(folder.path()), Input, "regular");
}

// --- Damage
// --------------------------------------------------------------------------------------------------------

TEST(DamagedBundle, EveryTruncationIsFound) {
  const auto whole = serialize_bundle(example_manifest(), example_members());
  for (std::size_t length = 0; length < whole.size(); length += 13) {
    EXPECT_CHIARO_ERROR(
        parse_bundle({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}, "cut"),
        Bundle, "cut");
  }
}

TEST(DamagedBundle, AFlippedBitIsFoundOrHarmless) {
  const auto whole = serialize_bundle(example_manifest(), example_members());
  const Members members = example_members();
  int found = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] ^= std::byte{0x10};
    try {
      // Where nothing complains (a time stamp, say), the content must be untouched.
      EXPECT_EQ(parse_bundle(damaged, "flipped").members, members) << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Bundle) << error.what();
      ++found;
    }
  }
  EXPECT_GT(found, static_cast<int>(whole.size()) * 8 / 10);
}

/// Builds archives that bundles must not be.
struct ZipEntry {
  std::string name;
  std::string content;
  int method = ZIP_CM_STORE;
  bool encrypted = false;
};

std::vector<std::byte> zip_of(const std::vector<ZipEntry>& entries) {
  test::TemporaryFolder folder;
  const auto path = folder / "made.zip";
  zip_t* zip = zip_open(path.c_str(), ZIP_CREATE, nullptr);
  for (const ZipEntry& entry : entries) {
    const auto index = static_cast<zip_uint64_t>(
        zip_file_add(zip, entry.name.c_str(),
                     zip_source_buffer(zip, entry.content.data(), entry.content.size(), 0), 0));
    zip_set_file_compression(zip, index, entry.method, 9);
    if (entry.encrypted) zip_file_set_encryption(zip, index, ZIP_EM_AES_256, "secret");
  }
  zip_close(zip);
  return read_file(path);
}

std::string manifest_for(const Members& members) {
  Manifest manifest = example_manifest();
  for (const auto& [name, bytes] : members)
    manifest.members[name] = {bytes.size(), sha256_hex(bytes)};
  return print_manifest(manifest);
}

TEST(HostileBundle, EachTrickGetsOneClearError) {
  const std::string manifest = manifest_for(example_members());
  const ZipEntry head{"manifest.json", manifest};
  const ZipEntry graph{"restore.onnx", "a graph"};
  const ZipEntry card{"card.md", "# Card\n"};
  const auto parse = [](const std::vector<ZipEntry>& entries) {
    return parse_bundle(zip_of(entries), "trick");
  };
  ASSERT_NO_THROW(parse({head, graph, card}));

  EXPECT_CHIARO_ERROR(parse({head, graph, card, {"../evil", "x"}}), Bundle, "'../evil' is a path");
  EXPECT_CHIARO_ERROR(parse({head, graph, card, {"/etc/evil", "x"}}), Bundle, "is a path");
  EXPECT_CHIARO_ERROR(parse({head, graph, card, {"C:\\evil", "x"}}), Bundle, "is a path");
  EXPECT_CHIARO_ERROR(parse({head, graph, card, {"run.sh", "x"}}), Bundle,
                      "'run.sh' that bundles do not have");
  EXPECT_CHIARO_ERROR(
      parse({head, card, {"restore.onnx", std::string(1 << 20, 'a'), ZIP_CM_DEFLATE}}), Bundle,
      "is compressed");
  EXPECT_CHIARO_ERROR(parse({head, card, {"restore.onnx", "a graph", ZIP_CM_STORE, true}}), Bundle,
                      "is encrypted");
  EXPECT_CHIARO_ERROR(parse({graph, card}), Bundle, "has no manifest.json");
  EXPECT_CHIARO_ERROR(parse({head, card}), Bundle, "'restore.onnx' of the manifest is missing");
  EXPECT_CHIARO_ERROR(parse({head, graph, card, {"encode.onnx", "x"}}), Bundle,
                      "is not in the manifest");
  EXPECT_CHIARO_ERROR(parse({head, {"restore.onnx", "a grapH"}, card}), Bundle, "checksum");
  EXPECT_CHIARO_ERROR(parse({head, {"restore.onnx", "a longer graph"}, card}), Bundle,
                      "wrong size");
  std::vector<ZipEntry> many{head, graph, card};
  for (int i = 0; i < 20; ++i) many.push_back({"m" + std::to_string(i), "x"});
  EXPECT_CHIARO_ERROR(parse(many), Bundle, "has 23 members");
  EXPECT_CHIARO_ERROR(parse_bundle(test::bytes_of("not a zip at all, but some text"), "trick"),
                      Bundle, "not a sound bundle");
  EXPECT_CHIARO_ERROR(parse_bundle({}, "trick"), Bundle, "empty");
}

TEST(HostileBundle, AConditionWithoutItsGraphIsRefused) {
  Members members = example_members();
  const auto parse = [&](bool described, bool with_graph) {
    Manifest manifest = example_manifest();
    if (described) manifest.condition = example_condition();
    std::vector<ZipEntry> entries{{"restore.onnx", "a graph"}, {"card.md", "# Card\n"}};
    if (with_graph) {
      members["condition.onnx"] = test::bytes_of("x");
      entries.push_back({"condition.onnx", "x"});
    }
    for (const auto& [name, bytes] : members)
      manifest.members[name] = {bytes.size(), sha256_hex(bytes)};
    entries.insert(entries.begin(), {"manifest.json", print_manifest(manifest)});
    return parse_bundle(zip_of(entries), "trick");
  };
  EXPECT_CHIARO_ERROR(parse(true, false), Bundle, "there is no condition.onnx");
  EXPECT_CHIARO_ERROR(parse(false, true), Bundle, "does not describe");
  EXPECT_NO_THROW(parse(true, true));
}

TEST(HostileBundle, ADeclaredSizeLargerThanTheFileIsRefused) {
  // Claims 4 GiB for restore.onnx in the central directory and in the local header.
  auto bytes = zip_of({{"manifest.json", manifest_for(example_members())},
                       {"restore.onnx", "a graph"},
                       {"card.md", "# Card\n"}});
  const std::string name = "restore.onnx";
  const std::uint32_t claimed = 0xfffffff0U;
  int patched = 0;
  for (std::size_t at = 46; at + name.size() < bytes.size(); ++at) {
    if (std::memcmp(bytes.data() + at, name.data(), name.size()) != 0) continue;
    const bool central = std::memcmp(bytes.data() + at - 46, "PK\1\2", 4) == 0;
    const bool local = std::memcmp(bytes.data() + at - 30, "PK\3\4", 4) == 0;
    if (!central && !local) continue;
    std::byte* sizes = bytes.data() + at - (central ? 26 : 12);
    std::memcpy(sizes, &claimed, 4);
    std::memcpy(sizes + 4, &claimed, 4);
    ++patched;
  }
  ASSERT_EQ(patched, 2);
  EXPECT_CHIARO_ERROR(parse_bundle(bytes, "bomb"), Bundle, "bomb");
}

}  // namespace
}  // namespace chiaro::bundle::bundle_test
