// Names of files are bytes: every one is restored under its own name, can be told from the events,
// and cannot break a page or a line of JSON.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::names_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// RFC 3986, section 2.1.
std::string percent_decoded(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    result += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
    i += 2;
  }
  return result;
}

/// What a program that reads the events takes a file to be called.
std::string name_in(const json& event, const std::string& key) {
  const std::string bytes = key + "_bytes";
  return event.contains(bytes) ? percent_decoded(event[bytes]) : event[key].get<std::string>();
}

std::string replaced(std::string text, const std::string& part, const std::string& by) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + by.size()))
    text.replace(at, part.size(), by);
  return text;
}

class Names : public testing::Test {
 protected:
  void SetUp() override {
    test::use_default_bundle(folder_ / "models", "stack");
    fs::create_directories(in_);
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  void put(const std::string& name) const {
    image::write(in_ / name, image::Image(3, 6, 8, 0.5F), {.format = "png"});
  }
  static test::ProcessResult chiaro(std::vector<std::string> words) {
    words.insert(words.begin(), CHIARO_PROGRAM);
    return test::run_process(words);
  }
  /// Whether iconv, which is not ours, takes a file for UTF-8.
  static bool is_utf8(const fs::path& file) {
    return test::run_process({"/usr/bin/iconv", "-f", "UTF-8", "-t", "UTF-32", file}).status == 0;
  }
  static std::set<std::string> names_in(const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
    return names;
  }

  test::TemporaryFolder folder_;
  fs::path in_ = folder_ / "in";
};

const std::vector<std::string> kOdd{
    "line\nbreak.png",
    "tab\tbell\x07.png",
    "\x1b[31mred.png",
    "quote\"and'one.png",
    "<script>alert(1)<.png",
    "&amp;.png",
    "back\\slash%41%.png",
    "{event}.png",
    " .png",
    "-o.png",
    "*[x]?.png",
    "delete\x7f.png",
    "overlong\xc0\xaf.png",
    "surrogate\xed\xa0\x80.png",
    "cut\xe2\x82.png",
    "control\xc2\x85.png",                         // U+0085
    "nobody\xef\xbf\xbe\xef\xb7\x90.png",          // U+FFFE, U+FDD0
    "beyond\xf0\x9f\xbf\xbf\xf4\x8f\xbf\xbe.png",  // U+1FFFF, U+10FFFE
    "good\xe2\x82\xac\xf0\x9f\x98\x80.png",        // U+20AC, U+1F600
};

TEST_F(Names, EveryByteIsCarriedAndTold) {
  std::set<std::string> names(kOdd.begin(), kOdd.end());
  for (int byte = 0x80; byte <= 0xFF; ++byte)
    names.insert({'a', static_cast<char>(byte), '.', 'p', 'n', 'g'});
  for (const std::string& name : names) put(name);
  const fs::path out = folder_ / "out";
  const auto result = chiaro({"restore", in_, "-o", out, "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(names_in(out), names);
  write_file_atomically(folder_ / "events", result.out);
  EXPECT_TRUE(is_utf8(folder_ / "events"));
  std::set<std::string> inputs;
  std::set<std::string> outputs;
  for (const json& event : test::events(result.out)) {
    if (event["event"] != "restored") continue;
    inputs.insert(name_in(event, "file"));
    outputs.insert(name_in(event, "output"));
    EXPECT_EQ(event.contains("file_bytes"),
              event["file"].get<std::string>().find("\xef\xbf\xbd") != std::string::npos)
        << event;
  }
  ASSERT_EQ(inputs.size(), names.size());
  for (const std::string& name : names) {
    EXPECT_TRUE(inputs.contains((in_ / name).string())) << name;
    EXPECT_TRUE(outputs.contains((out / name).string())) << name;
  }
}

TEST_F(Names, AFileIsFoundByItsName) {
  for (const std::string& name : kOdd) put(name);
  for (const char* name : {"line\nbreak.png", "*[x]?.png", "cut\xe2\x82.png", "-o.png"}) {
    const auto result =
        chiaro({"restore", in_ / name, "-o", folder_ / "one.png", "--overwrite", "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const auto said = test::events(result.out);
    EXPECT_EQ(name_in(said[said.size() - 2], "file"), (in_ / name).string()) << result.out;
  }
  // And missed by it.
  const auto missing =
      chiaro({"restore", in_ / "none\xff\n.png", "-o", folder_ / "two.png", "--json"});
  EXPECT_EQ(missing.status, 3);
  write_file_atomically(folder_ / "events", missing.out);
  EXPECT_TRUE(is_utf8(folder_ / "events"));
  const auto said = test::events(missing.out).back();
  EXPECT_NE(name_in(said, "message").find("none\xff\n.png"), std::string::npos) << said;
}

TEST_F(Names, MessagesHoldNoControlCharacters) {
  const std::string red = "\x1b(red\a\xc2\x9b.png";
  const auto missing = chiaro({"restore", in_ / red, "-o", folder_ / "two.png"});
  EXPECT_EQ(missing.status, 3);
  write_file_atomically(in_ / red, std::string_view("no picture"));
  const auto broken = chiaro({"restore", in_, "-o", folder_ / "many/"});
  EXPECT_NE(broken.status, 0);
  for (const std::string& text : {missing.err, broken.err}) {
    EXPECT_NE(text.find("\xe2\x90\x9b(red\xe2\x90\x87\xef\xbf\xbd.png"), std::string::npos) << text;
    EXPECT_EQ(text.find_first_of("\x1b\a"), std::string::npos);
  }
}

TEST_F(Names, PagesStayPages) {
  put("plain.png");
  put("after.png");
  const fs::path page = folder_ / "page.html";
  const auto page_of = [&](const std::string& name) {
    const auto made = chiaro({"report", in_ / name, in_ / "after.png", "-o", page, "--overwrite"});
    EXPECT_EQ(made.status, 0) << made.err;
    EXPECT_TRUE(is_utf8(page)) << name;
    return read_text(page);
  };
  const std::string frame = replaced(page_of("plain.png"), "plain.png", "@");
  // But for the name, it is the same page.
  const auto shows = [&](const std::string& name, const std::string& text) {
    put(name);
    EXPECT_EQ(replaced(page_of(name), text, "@"), frame) << name;
  };
  shows("line\nbreak.png",
        "line\xe2\x90\x8a"
        "break.png");  // U+240A
  shows("\x1b[31m\x7f.png", "\xe2\x90\x9b[31m\xe2\x90\xa1.png");
  shows("<script>alert(1)<.png", "&lt;script&gt;alert(1)&lt;.png");
  shows("quote\"and'one.png", "quote&quot;and'one.png");
  shows("a\xff\x80.png", "a\xef\xbf\xbd\xef\xbf\xbd.png");
  shows("control\xc2\x85.png", "control\xef\xbf\xbd.png");
  shows("nobody\xef\xbf\xbe\xef\xb7\x90.png", "nobody\xef\xbf\xbd\xef\xbf\xbd.png");
  shows("beyond\xf0\x9f\xbf\xbf\xf4\x8f\xbf\xbe.png", "beyond\xef\xbf\xbd\xef\xbf\xbd.png");
  shows("good\xe2\x82\xac\xf0\x9f\x98\x80.png", "good\xe2\x82\xac\xf0\x9f\x98\x80.png");
}

TEST_F(Names, TryShowsThemToo) {
  put("a\xff\n<b>.png");
  const fs::path page = folder_ / "page.html";
  const auto made = chiaro({"try", in_ / "a\xff\n<b>.png", "-o", page, "--json"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_TRUE(is_utf8(page));
  EXPECT_NE(read_text(page).find("<h1>a\xef\xbf\xbd\xe2\x90\x8a&lt;b&gt;.png</h1>"),
            std::string::npos);
  EXPECT_FALSE(test::events(made.out).empty());
}

}  // namespace
}  // namespace chiaro::names_test
