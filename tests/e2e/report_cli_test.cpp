// `chiaro report`: one page, whole in itself, with the scores that `chiaro score` gives.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/occurrences.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::report_cli_test {
namespace {

namespace fs = std::filesystem;

class ReportCli : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "models");
    const auto told = test::graph_bundle("told");
    bundle::write_bundle(folder_ / "models/default.chiaro", told.manifest, told.members);
    ::setenv("CHIARO_BUNDLE_PATH", (folder_.path() / "models").c_str(), 1);
    image::write(file("clean.png"), image::Image(3, 20, 30, 0.5F));
    image::write(file("before.png"), image::Image(3, 20, 30, 0.6F));
    image::write(file("after.tif"), image::Image(3, 20, 30, 0.52F), {.depth = image::Depth::U16});
    image::write(file("small.png"), image::Image(3, 20, 29, 0.5F));
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  std::string file(const std::string& name) const { return folder_ / name; }

  static test::ProcessResult chiaro(std::vector<std::string> words) {
    words.insert(words.begin(), CHIARO_PROGRAM);
    return test::run_process(words);
  }

  test::TemporaryFolder folder_;
};

TEST_F(ReportCli, OnePageWholeInItself) {
  const auto made = chiaro({"report", file("before.png"), file("after.tif"), file("before.png"),
                            "--clean", file("clean.png"), "-o", file("r.html")});
  ASSERT_EQ(made.status, 0) << made.err;
  const std::string page = read_text(file("r.html"));
  // Two frames of results and one of the clean picture; four pictures, the TIFF as PNG.
  EXPECT_EQ(test::occurrences(page, " data-before=\"before0\""), 3U);
  EXPECT_EQ(test::occurrences(page, "src=\"data:image/png;base64,"), 4U);
  const std::regex outside(R"((src|href)\s*=\s*"(?!data:))");
  EXPECT_FALSE(std::regex_search(page.substr(0, page.find("<script>")), outside));
  EXPECT_EQ(page.find("http:"), std::string::npos);
  EXPECT_EQ(page.find("https:"), std::string::npos);
  EXPECT_NE(page.find("class CompareFrame"), std::string::npos);
  // 8 bits: 0.6 and 0.5 are 153 and 128 of 255: 20 log10(255/25) dB. 16 bits: 34078 of 65535.
  EXPECT_NE(page.find("<td>20.17 dB</td>"), std::string::npos);
  EXPECT_NE(page.find("<td>34.88 dB</td>"), std::string::npos);
  // 153 and 132.6 levels, and the same picture.
  EXPECT_NE(page.find("<td>20</td>"), std::string::npos);
  EXPECT_NE(page.find("<td>nothing</td>"), std::string::npos);
  EXPECT_NE(page.find("psnr/1"), std::string::npos) << "the protocol is not said";
  EXPECT_NE(page.find("what the controller sees"), std::string::npos);
}

TEST_F(ReportCli, FilesOfOneNameAreToldApartByTheirFolders) {
  fs::create_directories(file("x/out"));
  fs::create_directories(file("y/out"));
  for (const char* copy : {"x/out/before.png", "y/out/before.png"})
    fs::copy_file(file("clean.png"), file(copy));
  ASSERT_EQ(chiaro({"report", file("before.png"), file("x/out/before.png"),
                    file("y/out/before.png"), file("after.tif"), "-o", file("r.html")})
                .status,
            0);
  const std::string page = read_text(file("r.html"));
  const std::string folder = fs::path(file("before.png")).parent_path().filename().string();
  EXPECT_NE(page.find("<td class=\"name\">" + folder + "/before.png (as it was)</td>"),
            std::string::npos);
  for (const char* name : {"x/out/before.png", "y/out/before.png", "after.tif"})
    EXPECT_NE(page.find(std::string("<td class=\"name\">") + name + "</td>"), std::string::npos)
        << name;
}

TEST_F(ReportCli, PicturesAreTheFilesThemselves) {
  ASSERT_EQ(chiaro({"report", file("before.png"), file("clean.png"), "-o", file("r.html")}).status,
            0);
  const std::string page = read_text(file("r.html"));
  const std::string mark = "id=\"after0_0\" alt=\"\" hidden src=\"data:image/png;base64,";
  const auto start = page.find(mark) + mark.size();
  write_file_atomically(file("text"), page.substr(start, page.find('"', start) - start));
  const auto decoded = test::run_process({"/usr/bin/base64", "-d", file("text")});
  EXPECT_EQ(decoded.out, read_text(file("clean.png")));
}

TEST_F(ReportCli, JsonEndsWithASummary) {
  const auto made =
      chiaro({"report", file("before.png"), file("clean.png"), "-o", file("r.html"), "--json"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(test::occurrences(made.out, "\n"), 1U);
  EXPECT_EQ(made.out.rfind("{\"event\":\"summary\"", 0), 0U) << made.out;
}

TEST_F(ReportCli, FoldersArePutSideBySideByName) {
  for (const char* name : {"in/a.png", "in/b/a.png", "in/c.png", "good/b/a.png"}) {
    fs::create_directories(fs::path(file(name)).parent_path());
    fs::copy_file(file(std::string(name).starts_with("in") ? "before.png" : "clean.png"),
                  file(name));
  }
  fs::create_directories(file("out/b"));
  fs::copy_file(file("after.tif"), file("out/a.tif"));
  fs::copy_file(file("after.tif"), file("out/b/a.tif"));
  const auto made = chiaro({"report", file("in") + "/", file("out"), "--clean", file("good"), "-o",
                            file("r.html"), "--json"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_NE(made.out.find("\"pictures\":4,\"parts\":2"), std::string::npos) << made.out;
  EXPECT_NE(made.err.find("lacks 1 of the 3 pictures"), std::string::npos) << made.err;
  EXPECT_NE(made.err.find("lacks 2 of the 3 pictures"), std::string::npos) << "of the clean ones";
  const std::string page = read_text(file("r.html"));
  EXPECT_NE(page.find("<h2>a</h2>"), std::string::npos);
  EXPECT_NE(page.find("<h2>b/a</h2>"), std::string::npos);
  EXPECT_EQ(page.find("<h2>c</h2>"), std::string::npos);
  EXPECT_NE(page.find("not on this page, without a result or unreadable: c.png"),
            std::string::npos);
  EXPECT_EQ(test::occurrences(page, "<h3>a.png (undamaged)</h3>"), 1U);
  EXPECT_NE(page.find("<h1>in</h1>"), std::string::npos) << "a slash behind the name";
  for (const char* name : {"a: a.png (as it was)", "b/a: a.png (as it was)", "b/a: a.tif"})
    EXPECT_NE(page.find(std::string("<td class=\"name\">") + name + "</td>"), std::string::npos)
        << name;
  // Of one picture alone there is a clean one.
  EXPECT_EQ(test::occurrences(page, "<td>34.88 dB</td>"), 1U);
  EXPECT_EQ(test::occurrences(page, "<td>–</td>"), 4U + 2U)
      << "psnr, ssim of two, change of two firsts";
}

TEST_F(ReportCli, OfFoldersWhatCannotBeShownIsLeftOutAndSaid) {
  for (const char* folder : {"in", "out"}) {
    fs::create_directories(file(folder));
    for (const char* name : {"/a.png", "/b.png", "/a.tif"})
      fs::copy_file(file(std::string(name).ends_with("png") ? "before.png" : "after.tif"),
                    file(folder + std::string(name)));
  }
  fs::copy_file(file("small.png"), file("out/b.png"), fs::copy_options::overwrite_existing);
  const auto made = chiaro({"report", file("in"), file("out"), "-o", file("r.html"), "--json"});
  EXPECT_EQ(made.status, 1) << made.err;
  EXPECT_NE(made.err.find("left out: b: "), std::string::npos) << made.err;
  EXPECT_NE(made.out.find("\"parts\":2,\"without_result\":0,\"failed\":1"), std::string::npos)
      << made.out;
  const std::string page = read_text(file("r.html"));
  // Names that differ in the extension alone go with their own.
  EXPECT_NE(page.find("<h2>a.png</h2>"), std::string::npos);
  EXPECT_NE(page.find("<h2>a.tif</h2>"), std::string::npos);
  EXPECT_EQ(test::occurrences(page, "<td>nothing</td>"), 2U);
  EXPECT_NE(page.find("not on this page, without a result or unreadable: b"), std::string::npos);
}

TEST_F(ReportCli, OneValueOfManyIsAChange) {
  image::Image large(3, 400, 500, 0.5F);
  image::write(file("flat.png"), large);
  large.at(1, 123, 321) = 1;
  image::write(file("spot.png"), large);
  ASSERT_EQ(chiaro({"report", file("flat.png"), file("spot.png"), "-o", file("r.html")}).status, 0);
  const std::string page = read_text(file("r.html"));
  // 127 levels in one of 600,000 values.
  EXPECT_NE(page.find("<td>0.16</td>"), std::string::npos);
  EXPECT_EQ(page.find("<td>nothing</td>"), std::string::npos);
}

TEST_F(ReportCli, NamesAreTextWhateverTheyHold) {
  const std::string name = "a\"><script>alert(1)<&.png";
  fs::copy_file(file("before.png"), file(name));
  ASSERT_EQ(chiaro({"report", file(name), file("clean.png"), "-o", file("r.html")}).status, 0);
  const std::string page = read_text(file("r.html"));
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  EXPECT_NE(page.find("a&quot;&gt;&lt;script&gt;alert(1)&lt;&amp;.png"), std::string::npos);
}

TEST_F(ReportCli, BadInputIsOneSentence) {
  const auto refused = [&](const std::vector<std::string>& words, int status,
                           const std::string& part) {
    const auto result = chiaro(words);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(test::occurrences(result.err, "\n"), 1U) << result.err;
    EXPECT_FALSE(fs::exists(file("r.html")));
  };
  refused({"report", file("before.png"), file("small.png"), "-o", file("r.html")}, 3, "29x20");
  refused({"report", file("before.png"), "-o", file("r.html")}, 2,
          "after is required: the same, restored: one file or folder, or more; for example: chiaro "
          "report in.jpg out.jpg -o report.html");
  refused({"report", file("before.png"), file("clean.png")}, 2, "--output is required: the page");
  refused({"report", file("before.png"), file("none.png"), "-o", file("r.html")}, 3, "none.png");
  refused({"report", file("before.png"), file("models"), "-o", file("r.html")}, 2,
          "files and folders do not go together");
  fs::create_directories(file("one"));
  refused({"report", file("one"), file("none"), "-o", file("r.html")}, 3, "No such file");
  fs::create_directories(file("other"));
  fs::copy_file(file("clean.png"), file("one/x.png"));
  fs::copy_file(file("clean.png"), file("other/y.png"));
  refused({"report", file("one"), file("other"), "-o", file("r.html")}, 3,
          "has no picture with a name");
  fs::copy_file(file("clean.png"), file("other/x.tif"));
  fs::copy_file(file("clean.png"), file("other/x.webp"));
  refused({"report", file("one"), file("other"), "-o", file("r.html")}, 3, "which of");
  refused({"report", file("before.png"), file("clean.png"), "-o", file("r.png")}, 2, ".html");
  refused({"report", file("before.png"), file("clean.png"), "--clean", file("small.png"), "-o",
           file("r.html")},
          3, "size");
  refused({"report", file("before.png"), file("clean.png"), "--metric", "psnr_of", "-o",
           file("r.html")},
          2, "psnr_of");
  refused({"report", file("before.png"), file("clean.png"), "-o", "/proc/r.html"}, 4, "/proc");
  write_file_atomically(file("there.html"), std::string_view("mine"));
  EXPECT_EQ(
      chiaro({"report", file("before.png"), file("clean.png"), "-o", file("there.html")}).status,
      4);
  EXPECT_EQ(read_text(file("there.html")), "mine");
}

}  // namespace
}  // namespace chiaro::report_cli_test
