#include "chiaro/image/pairing.h"

#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::pairing_test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> partners(const std::vector<fs::path>& inputs,
                                  const std::vector<fs::path>& targets, const std::string& rule) {
  std::vector<std::string> found;
  for (const auto& pair : pair_files(inputs, targets, rule, "set"))
    found.push_back(pair.input.string() + " " + pair.target.string() + " " + pair.scene);
  return found;
}

TEST(PairFiles, ATemplateSaysWhatTheInputsAreCalled) {
  const std::vector<std::string> expected{"l/bx4.png h/b.jpg b", "l/x4x4.png h/x4.jpg x4"};
  for (const std::string rule : {"{}x4", "{}x4:{}", "x4:"})
    EXPECT_EQ(partners({"l/x4x4.png", "l/bx4.png"}, {"h/b.jpg", "h/x4.jpg"}, rule), expected);
  EXPECT_EQ(partners({"a_n.png"}, {"a_c.png"}, "{}_n:{}_c"),
            std::vector<std::string>{"a_n.png a_c.png a_c"});
  EXPECT_CHIARO_ERROR(partners({"a.png"}, {"a.png"}, "x4"), Usage, "'{}x4'");
  EXPECT_CHIARO_ERROR(partners({"bx4.png"}, {"c.jpg"}, "{}x4"), Input, "no target for 'bx4.png'");
}

TEST(ReadList, LinesAreFilesThatStartAtAFolder) {
  const chiaro::test::TemporaryFolder folder;
  const fs::path list = folder / "list.txt";
  write_file_atomically(list, std::string_view("# pictures\n\n a b.png \r\nsub/c.png\n"
                                               "0001.png (1404,2040,3) 1\n/abs/d (1).png\n"
                                               "in (1).png\tout.png\n"));
  const auto lines = read_list(list, "/r");
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0].files, std::vector<fs::path>{"/r/a b.png"});
  EXPECT_EQ(lines[0].line, 3U);
  EXPECT_EQ(lines[1].files, std::vector<fs::path>{"/r/sub/c.png"});
  EXPECT_EQ(lines[2].files, std::vector<fs::path>{"/r/0001.png"});
  EXPECT_EQ(lines[2].text, "0001.png");
  EXPECT_EQ(lines[3].files, std::vector<fs::path>{"/abs/d (1).png"}) << "no shape stands there";
  EXPECT_EQ(lines[4].files, (std::vector<fs::path>{"/r/in (1).png", "/r/out.png"}));
  EXPECT_CHIARO_ERROR(expect_listed(lines[0], list), Input,
                      "line 3 of '" + list.string() + "' names a missing file '/r/a b.png'");
  write_file_atomically(list, std::string_view("# nothing\n\n"));
  EXPECT_CHIARO_ERROR(read_list(list, "/r"), Input, "lists nothing");
  EXPECT_CHIARO_ERROR(read_list(folder / "none.txt", "/r"), Input, "none.txt");
}

}  // namespace
}  // namespace chiaro::image::pairing_test
