// `chiaro restore`, `models` and the command line around them, good input and bad.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <utility>

#include "chiaro/base/files.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/bundle/safetensors.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/codec.h"
#include "tests/support/bytes.h"
#include "tests/support/events.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/named_pipe.h"
#include "tests/support/noise.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore_cli_test {
namespace {

namespace fs = std::filesystem;
using test::ProcessResult;

/// A folder with the bundle "default" (the graph `stack`) and a picture, and the program run in its
/// view.
class RestoreCli : public testing::Test {
 protected:
  void SetUp() override {
    write_bundle_of("stack", "default");
    ::setenv("CHIARO_BUNDLE_PATH", (folder_.path() / "models").c_str(), 1);
    image::write(in_, test::noise(3, 40, 56));
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  void write_bundle_of(const std::string& graph, const std::string& name) {
    fs::create_directories(folder_ / "models");
    bundle::Members members;
    members.emplace(bundle::kRestoreMember, test::graph_bytes(graph));
    members.emplace(bundle::kCardMember, test::bytes_of("# The card\n"));
    // One self-test case, made by the engine itself.
    engine::Engine engine(test::graph_bytes(graph), {"auto", engine::Precision::F32, 1}, graph);
    engine::Tensor input{{1, 3, 16, 16}, std::vector<float>(3 * 16 * 16, 0.5F)};
    input.values[100] = 0.9F;
    const auto output = engine.run_once(input)[0];
    bundle::TensorMap tensors;
    tensors[bundle::self_test_name(0, "input")] = {bundle::Dtype::F32, input.shape,
                                                   std::as_bytes(std::span(input.values))};
    tensors[bundle::self_test_name(0, "output")] = {bundle::Dtype::F32, output.shape,
                                                    std::as_bytes(std::span(output.values))};
    members.emplace(bundle::kSelftestMember, bundle::serialize_safetensors(tensors));
    bundle::write_bundle(folder_ / "models" / (name + ".chiaro"), test::graph_manifest(graph),
                         members);
  }

  static ProcessResult chiaro(std::vector<std::string> words,
                              const std::string& stdin_file = "/dev/null") {
    words.insert(words.begin(), CHIARO_PROGRAM);
    return test::run_process(words, stdin_file);
  }

  /// Restores `in` and expects a failure that is one sentence, leaves no output and nothing half
  /// written.
  void expect_refused(const std::string& in, int status, const std::string& part,
                      const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"restore", in, "-o", out_};
    words.insert(words.end(), more.begin(), more.end());
    const auto result = chiaro(words);
    EXPECT_EQ(result.status, status) << in << ": " << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
    expect_no_output();
  }

  void expect_no_output() {
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      EXPECT_FALSE(entry.path().filename().string().starts_with("out")) << entry.path();
    }
  }

  test::TemporaryFolder folder_;
  std::string in_ = (folder_ / "in.png").string();
  std::string out_ = folder_ / "out.png";
};

// --- Good input
// ----------------------------------------------------------------------------------------------------

TEST_F(RestoreCli, RestoresAPicture) {
  const auto result = chiaro({"restore", in_, "-o", out_});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("wrote"), std::string::npos);
  EXPECT_EQ(result.err.find('\r'), std::string::npos) << "a bar without a terminal";
  const auto picture = image::read(out_);
  EXPECT_EQ(picture.height(), 40);
  EXPECT_EQ(picture.width(), 56);
  EXPECT_NE(read_file(out_), read_file(in_));
}

TEST_F(RestoreCli, ThePreparedGraphIsKeptForTheNextCall) {
  const fs::path cache = folder_ / "cache";
  ::setenv("CHIARO_CACHE", cache.c_str(), 1);
  const auto files = [&] {
    return std::distance(fs::directory_iterator(cache), fs::directory_iterator());
  };
  const std::string again = folder_ / "again.png";
  const std::string limited = folder_ / "limited.png";
  const auto within = chiaro({"restore", in_, "-o", limited, "--max-memory", "1G"});
  EXPECT_EQ(within.status, 0);
  EXPECT_NE(within.err.find("resident at the peak"), std::string::npos) << within.err;
  EXPECT_FALSE(fs::exists(cache));
  EXPECT_EQ(chiaro({"restore", in_, "-o", out_}).status, 0);
  ASSERT_TRUE(fs::exists(cache));
  EXPECT_EQ(files(), 2);  // the graph, and what is known of it
  EXPECT_EQ(chiaro({"restore", in_, "-o", again}).status, 0);
  EXPECT_EQ(files(), 2);
  EXPECT_EQ(read_file(out_), read_file(again));
  EXPECT_EQ(read_file(out_), read_file(limited));

  ::setenv("CHIARO_CACHE", "/proc/nowhere", 1);
  const auto unkept = chiaro({"restore", in_, "-o", out_, "--overwrite"});
  EXPECT_EQ(unkept.status, 0) << unkept.err;
  ::unsetenv("CHIARO_CACHE");
}

TEST_F(RestoreCli, ASignalWhileItReadsIsNoUnreadablePicture) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int other_end = ::open(pipe.c_str(), O_RDWR);  // so that neither begins nor ends it
  ASSERT_GE(other_end, 0);
  for (const int signal : {SIGINT, SIGTERM}) {
    for (const std::string& input : {std::string("-"), pipe}) {
      test::Process process({CHIARO_PROGRAM, "restore", input, "-o", out_}, pipe);
      std::this_thread::sleep_for(std::chrono::milliseconds(700));
      process.signal(signal);
      EXPECT_EQ(process.finish().status, 128 + signal) << input;
    }
  }
  ::close(other_end);
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(RestoreCli, AFileThatMayNotGrowIsAnError) {
  image::write(in_, test::noise(3, 100, 100, {.seed = 4}), {.existing = Existing::Replaced});
  const auto result = test::run_process(
      {"/bin/sh", "-c", "ulimit -f 8; exec \"$0\" restore \"$1\" -o \"$2\" --format ppm",
       CHIARO_PROGRAM, in_, folder_ / "grown.ppm"});
  EXPECT_EQ(result.status, 4) << result.err;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
    EXPECT_EQ(entry.path().string().find(".part"), std::string::npos) << entry.path();
}

TEST_F(RestoreCli, TakesPositionalsFlagsAndPipes) {
  ASSERT_EQ(chiaro({"restore", in_, out_}).status, 0);
  const std::string second = folder_ / "second.png";
  ASSERT_EQ(chiaro({"restore", "-i", in_, "-o", second, "--quiet"}).err, "");
  EXPECT_EQ(read_file(second), read_file(out_));
  const auto piped = chiaro({"restore", "-", "-o", "-", "--format", "png", "--quiet"}, in_);
  ASSERT_EQ(piped.status, 0) << piped.err;
  EXPECT_EQ(test::bytes_of(piped.out), read_file(out_));
  // Where nothing is said, as it came.
  EXPECT_EQ(chiaro({"restore", "-", "-o", "-", "--quiet"}, in_).out, piped.out);
  const auto told = chiaro({"restore", "-", "-o", "-", "--quality", "90"}, in_);
  EXPECT_NE(told.err.find("--quality is of JPEG and WebP; it does nothing to a file of png"),
            std::string::npos)
      << told.err;
  EXPECT_NE(told.err.find("wrote to standard output"), std::string::npos) << told.err;
  const std::string jpeg = folder_ / "in.jpg";
  image::write(jpeg, image::read(in_));
  for (const auto& [input, begin] : {std::pair{jpeg, "\xff\xd8\xff"}, {in_, "\x89PNG"}})
    EXPECT_TRUE(chiaro({"restore", input, "-o", "-", "--quiet"}).out.starts_with(begin)) << input;
  const auto named_jpg = chiaro({"restore", in_, "-o", "-", "--quiet", "--format", "jpg"});
  EXPECT_TRUE(named_jpg.out.starts_with("\xff\xd8\xff")) << named_jpg.err;
  // A named pipe gives its bytes once.
  const std::string named = folder_ / "pipe";
  const test::NamedPipe pipe(named, in_);
  const std::string third = folder_ / "third.png";
  const auto from_named = chiaro({"restore", named, "-o", third, "--quiet"});
  ASSERT_EQ(from_named.status, 0) << from_named.err;
  EXPECT_EQ(read_file(third), read_file(out_));
}

TEST_F(RestoreCli, PrintsEventsAsJson) {
  const auto first = chiaro({"restore", in_, "-o", out_, "--json", "--quiet"});
  ASSERT_EQ(first.status, 0) << first.err;
  std::istringstream lines(first.out);
  nlohmann::json restored;
  nlohmann::json last;
  for (std::string line; std::getline(lines, line);) {
    restored = std::exchange(last, nlohmann::json::parse(line));
    EXPECT_TRUE(last.contains("event"));
  }
  EXPECT_EQ(last["event"], "summary");
  EXPECT_EQ(last["done"], 1);
  EXPECT_EQ(last["exit_status"], 0);
  // The same keys as a picture of a folder has.
  const auto many = test::events(chiaro({"restore", in_, "-o", folder_ / "many/", "--json"}).out);
  const auto& of_folder = many[many.size() - 2];
  ASSERT_EQ(of_folder["event"], "restored");
  for (const auto& [key, value] : of_folder.items()) EXPECT_TRUE(restored.contains(key)) << key;
  EXPECT_EQ(restored["pixels_sha256"].get<std::string>().size(), 64U);
  EXPECT_EQ(restored["bytes"], fs::file_size(out_));
  // The same pixels whatever the tiles, threads and format.
  const auto second = chiaro(
      {"restore", in_, "-o", folder_ / "out.tif", "--json", "--tile", "24", "--threads", "1"});
  EXPECT_NE(second.out.find(restored["pixels_sha256"].get<std::string>()), std::string::npos)
      << second.out;
}

TEST_F(RestoreCli, StrengthZeroKeepsThePixels) {
  ASSERT_EQ(chiaro({"restore", in_, "-o", out_, "--strength", "0"}).status, 0);
  const auto before = image::read(in_);
  const auto after = image::read(out_);
  EXPECT_TRUE(std::equal(before.pixels().begin(), before.pixels().end(), after.pixels().begin()));
}

TEST_F(RestoreCli, ANetworkThatChangesNothingIsNotLeftWithoutAWord) {
  write_bundle_of("identity", "same");
  const auto same = chiaro({"restore", in_, "-o", out_, "--bundle", "same"});
  ASSERT_EQ(same.status, 0) << same.err;
  EXPECT_NE(same.err.find("nothing has changed"), std::string::npos) << same.err;
  const auto other = chiaro({"restore", in_, "-o", out_, "--overwrite"});
  ASSERT_EQ(other.status, 0) << other.err;
  EXPECT_EQ(other.err.find("nothing has changed"), std::string::npos) << other.err;
  const auto asked = chiaro({"restore", in_, "-o", out_, "--overwrite", "--strength", "0"});
  EXPECT_EQ(asked.err.find("nothing has changed"), std::string::npos) << asked.err;
}

TEST_F(RestoreCli, TwoPicturesWithoutAnOutputAreNotMistakenForOne) {
  fs::copy_file(in_, folder_ / "second.png");
  for (const bool overwrite : {false, true}) {
    std::vector<std::string> words{"restore", in_, folder_ / "second.png"};
    if (overwrite) words.emplace_back("--overwrite");
    const auto refused = chiaro(words);
    EXPECT_EQ(refused.status, 2) << refused.err;
    EXPECT_NE(refused.err.find("may be meant as an input too"), std::string::npos) << refused.err;
  }
  EXPECT_EQ(read_file(in_), read_file(folder_ / "second.png"));
}

TEST_F(RestoreCli, AChangeThatNobodySeesIsSaid) {
  const auto faint =
      chiaro({"restore", in_, "-o", folder_ / "faint.pfm", "--strength", "0.015", "--json"});
  ASSERT_EQ(faint.status, 0) << faint.err;
  EXPECT_NE(faint.err.find("hardly anything has changed (0."), std::string::npos) << faint.err;
  EXPECT_NE(faint.err.find("a strength of 0.015"), std::string::npos) << faint.err;
  const auto full = chiaro({"restore", in_, "-o", folder_ / "full.pfm", "--json"});
  ASSERT_EQ(full.status, 0) << full.err;
  EXPECT_EQ(full.err.find("has changed"), std::string::npos) << full.err;
  const auto levels = [](const std::string& out) {
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
      const auto event = nlohmann::json::parse(line);
      if (event["event"] == "restored") return event["change_levels"].get<double>();
    }
    return -1.0;
  };
  const auto before = image::read(in_);
  const auto after = image::read(folder_ / "full.pfm");
  double sum = 0;
  for (std::size_t i = 0; i < before.pixels().size(); ++i)
    sum += std::pow(before.pixels()[i] - after.pixels()[i], 2);
  const double expected = 255 * std::sqrt(sum / static_cast<double>(before.pixels().size()));
  EXPECT_NEAR(levels(full.out), expected, 1e-4 * expected);
  EXPECT_NEAR(levels(faint.out), 0.015 * expected, 1e-4 * expected);
}

TEST_F(RestoreCli, KeepsDepthAndReplacesNotFiniteValues) {
  auto picture = test::noise(3, 20, 20);
  picture.at(0, 1, 1) = std::numeric_limits<float>::quiet_NaN();
  picture.at(1, 1, 1) = std::numeric_limits<float>::infinity();
  picture.sample_type = image::SampleType::F32;
  image::write(folder_ / "nan.pfm", picture);
  const auto result = chiaro({"restore", folder_ / "nan.pfm", "-o", folder_ / "out.pfm"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("2 values"), std::string::npos) << result.err;
  const auto back = image::read(folder_ / "out.pfm");
  EXPECT_EQ(back.sample_type, image::SampleType::F32);
  for (const float value : back.pixels()) ASSERT_TRUE(std::isfinite(value));
}

// --- Bad input
// -----------------------------------------------------------------------------------------------------

TEST_F(RestoreCli, BadPicturesAreRefused) {
  expect_refused(folder_ / "none.png", 3, "none.png");
  expect_refused(folder_.path(), 2, "name of one picture");
  const auto mistyped = chiaro({"restore", folder_ / "phtos", "-o", folder_ / "restored"});
  EXPECT_EQ(mistyped.status, 3);
  EXPECT_NE(mistyped.err.find("cannot read"), std::string::npos) << mistyped.err;
  write_file_atomically(folder_ / "empty.png", std::string_view());
  expect_refused(folder_ / "empty.png", 3, "empty.png");
  write_file_atomically(folder_ / "text.jpg", std::string_view("this is a letter, not a picture"));
  expect_refused(folder_ / "text.jpg", 3, "text.jpg");
  auto cut = read_file(in_);
  cut.resize(cut.size() / 2);
  write_file_atomically(folder_ / "cut.png", cut);
  expect_refused(folder_ / "cut.png", 3, "cut.png");
}

TEST_F(RestoreCli, BadOutputsAreRefused) {
  const auto refused = [&](const std::string& out, int status, const std::string& part) {
    const auto result = chiaro({"restore", in_, "-o", out});
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  const auto before = read_file(in_);
  refused(folder_ / "no/such/out.png", 4, "does not exist");
  refused(folder_.path(), 4, "never overwritten");  // a result of that name would lie there
  refused(in_, 4, "never overwritten");
  EXPECT_EQ(chiaro({"restore", in_, "-o", in_, "--overwrite"}).status, 4);
  EXPECT_EQ(read_file(in_), before);
  refused(folder_ / "out.xyz", 2, "picture format");
  refused(folder_ / "out.heic", 2, ".heic files are read, but not written");
  refused("/dev/null", 4, "no regular file");
  // A full disk, played by a limit on the size of files.
  const auto full =
      test::run_process({"/bin/bash", "-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"",
                         CHIARO_PROGRAM, "restore", in_, "-o", out_});
  EXPECT_EQ(full.status, 4) << full.err;
  expect_no_output();
  write_file_atomically(out_, std::string_view("precious"));
  refused(out_, 4, "--overwrite");
  EXPECT_EQ(read_text(out_), "precious");
  EXPECT_EQ(chiaro({"restore", in_, "-o", out_, "--overwrite"}).status, 0);
  EXPECT_EQ(image::read(out_).width(), 56);
}

TEST_F(RestoreCli, BadBundlesAreRefused) {
  expect_refused(in_, 3, "did you mean 'default'", {"--bundle", "defautl"});
  expect_refused(in_, 3, "none.chiaro", {"--bundle", folder_ / "none.chiaro"});
  auto damaged = read_file(folder_ / "models/default.chiaro");
  damaged[damaged.size() / 2] ^= std::byte{1};
  write_file_atomically(folder_ / "damaged.chiaro", damaged);
  expect_refused(in_, 5, "damaged.chiaro", {"--bundle", folder_ / "damaged.chiaro"});
  write_file_atomically(folder_ / "text.chiaro", std::string_view("no bundle"));
  expect_refused(in_, 5, "text.chiaro", {"--bundle", folder_ / "text.chiaro"});
  // A bundle whose manifest promises another shape than its graph takes.
  auto manifest = test::graph_manifest("grey");
  manifest.color = "srgb";
  bundle::write_bundle(folder_ / "wrong.chiaro", manifest,
                       {{"restore.onnx", test::graph_bytes("grey")}});
  expect_refused(in_, 5, "its graph takes 1", {"--bundle", folder_ / "wrong.chiaro"});
}

TEST_F(RestoreCli, BadArgumentsAreRefused) {
  expect_refused(in_, 2, "strength", {"--strength", "1.5"});
  expect_refused(in_, 2, "bf17", {"--precision", "bf17"});
  expect_refused(in_, 2, "unknown device", {"--device", "gpu"});
  expect_refused(in_, 2, "max-memory", {"--max-memory", "lots"});
  expect_refused(in_, 2, "quality", {"--quality", "101"});
  expect_refused(in_, 2, "depth", {"--depth", "12"});
  expect_refused(in_, 2, "transparency", {"--alpha", "maybe"});
  expect_refused(in_, 2, "tile", {"--tile", "3"});
  expect_refused(in_, 2, "did you mean '--strength'", {"--strenght", "1"});
  expect_refused(in_, 6, "expected at least", {"--max-memory", "5M"});
  EXPECT_EQ(chiaro({"restore"}).status, 2);
  EXPECT_EQ(chiaro({"restore", in_}).status, 2);
  EXPECT_EQ(chiaro({"restore", in_, out_, "third.png"}).status, 2);
  expect_refused(in_, 2, "no picture is restored in 300 bytes", {"--max-memory", "300"});
}

TEST_F(RestoreCli, ErrorsAreEventsToo) {
  const auto result = chiaro({"restore", folder_ / "none.png", "-o", out_, "--json"});
  EXPECT_EQ(result.status, 3);
  const auto event = nlohmann::json::parse(result.out);
  EXPECT_EQ(event["event"], "error");
  EXPECT_EQ(event["exit_status"], 3);
}

TEST_F(RestoreCli, WordsInThePlaceOfNumbersAndOfCommandsAreNamed) {
  const auto says = [](std::vector<std::string> words, const std::string& part) {
    words.insert(words.begin(), CHIARO_PROGRAM);
    const auto result = test::run_process(words);
    EXPECT_EQ(result.status, 2) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  says({"restore", "a.png", "-o", out_, "--strength", "half"},
       "--strength: got 'half'; expected a number");
  says({}, "which command? 'chiaro --help' lists them");
  says({"models"}, "which command? 'chiaro models --help' lists them");
}

TEST_F(RestoreCli, AnInterruptLeavesNoFile) {
  image::write(folder_ / "large.ppm", test::noise(3, 2000, 3000));
  for (const int signal : {SIGINT, SIGTERM}) {
    test::Process process(
        {CHIARO_PROGRAM, "restore", folder_ / "large.ppm", "-o", out_, "--tile", "16", "--json"});
    ASSERT_TRUE(test::within_a_minute([&] { return process.has_said("\"start\""); }));
    process.signal(signal);
    const auto result = process.finish();
    EXPECT_TRUE(result.exited) << "nobody noted the signal";
    EXPECT_EQ(result.status, 128 + signal) << result.err;
    EXPECT_NE(result.err.find("stopped by a signal; '" + out_ + "' was not written"),
              std::string::npos)
        << result.err;
    expect_no_output();
  }
}

// --- Around it
// -----------------------------------------------------------------------------------------------------

TEST_F(RestoreCli, ModelsAreListedDescribedAndVerified) {
  EXPECT_NE(chiaro({"models", "list"}).out.find("default"), std::string::npos);
  EXPECT_EQ(chiaro({"models", "card"}).out, "# The card\n");
  EXPECT_NE(chiaro({"models", "info", "default"}).out.find("\"receptive_field_px\": 7"),
            std::string::npos);
  const auto sound = chiaro({"models", "verify"});
  EXPECT_EQ(sound.status, 0) << sound.err;
  EXPECT_NE(sound.out.find("sound"), std::string::npos);

  // The right checksums around the wrong numbers.
  auto found = bundle::read_bundle(folder_ / "models/default.chiaro");
  auto other = test::graph_bytes("identity");
  found.members["restore.onnx"] = other;
  bundle::write_bundle(folder_ / "models/other.chiaro", found.manifest, found.members);
  const auto different = chiaro({"models", "verify", "other"});
  EXPECT_EQ(different.status, 7);
  EXPECT_NE(different.out.find("'0.output' is the first to differ"), std::string::npos)
      << different.out;
}

TEST_F(RestoreCli, HelpVersionAndSlips) {
  const auto help = chiaro({"restore", "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.out.find("chiaro restore old.jpg -o clear.png"), std::string::npos);
  EXPECT_NE(chiaro({"--help"}).out.find("Exit status: 0 done"), std::string::npos);
  EXPECT_EQ(chiaro({"--version"}).out.substr(0, 7), "chiaro ");
  const auto slip = chiaro({"restor", in_});
  EXPECT_EQ(slip.status, 2);
  EXPECT_NE(slip.err.find("did you mean 'restore'"), std::string::npos) << slip.err;
  EXPECT_EQ(chiaro({}).status, 2);
  EXPECT_NE(chiaro({"describe", "jpeg"}).out.find("quality"), std::string::npos);
  EXPECT_EQ(chiaro({"describe", "jpge"}).status, 2);
}

TEST_F(RestoreCli, WhatCannotBePrintedIsNoSuccess) {
  const auto into_full_disk = [](std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"/bin/sh", "-c", "exec \"$0\" \"$@\" > /dev/full", CHIARO_PROGRAM});
    return test::run_process(words);
  };
  using Words = std::vector<std::string>;
  for (const Words& words : {Words{"models", "card"}, Words{"--help"}, Words{"describe"},
                             Words{"restore", in_, "-o", out_, "--json"}}) {
    const auto result = into_full_disk(words);
    EXPECT_EQ(result.status, 4) << words[0] << result.err;
    EXPECT_NE(result.err.find("cannot write to stdout"), std::string::npos) << result.err;
  }
  EXPECT_EQ(into_full_disk({"restore", in_, "-o", folder_ / "quiet.png"}).status, 0);
}

// As the shell makes it of *.png where two match.
TEST_F(RestoreCli, TheSecondOfTwoPicturesIsNotOverwritten) {
  const std::string other = folder_ / "other.png";
  fs::copy_file(in_, other);
  const auto before = read_file(other);
  const auto result = chiaro({"restore", in_, other, "--overwrite"});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("expected -o"), std::string::npos) << result.err;
  EXPECT_EQ(read_file(other), before);
  EXPECT_EQ(chiaro({"restore", "-i", in_, other, "--overwrite"}).status, 0);
  EXPECT_NE(read_file(other), before);
}

TEST_F(RestoreCli, BenchPrintsFigures) {
  const auto result = chiaro({"bench", "--sizes", "32", "--repetitions", "1", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("\"restore_seconds\""), std::string::npos);
}

}  // namespace
}  // namespace chiaro::restore_cli_test
