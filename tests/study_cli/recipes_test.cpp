// The studies that ship can be planned: recipes and studies check, names lead somewhere.
#include <algorithm>

#include "tests/study_cli/study_folder.h"

namespace chiaro::recipes_test {
namespace {

using test::StudyCli;

TEST_F(StudyCli, TheStudiesThatShipCanBePlanned) {
  int planned = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(CHIARO_SOURCE_DIR "/recipes/studies")) {
    std::string text;
    std::getline(std::ifstream(entry.path()), text, '\0');
    if (text.find("[[arm]]") == std::string::npos) continue;  // a base recipe
    const auto list = test::run_process(
        {CHIARO_TRAIN_PROGRAM, "study", entry.path().string(), "--out", path("out"), "--list"});
    EXPECT_EQ(list.status, 0) << entry.path() << list.err;
    EXPECT_NE(list.out.find("waiting"), std::string::npos) << list.out;
    ++planned;
  }
  EXPECT_GT(planned, 0);
}

}  // namespace
}  // namespace chiaro::recipes_test
