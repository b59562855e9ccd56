#include "chiaro/train/run_log.h"

#include <sys/resource.h>

#include <csignal>

#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::train::run_log_test {
namespace {

TEST(CsvLog, AFullDiskIsAnErrorAndLeavesWholeRows) {
  const test::TemporaryFolder folder;
  CsvLog log(folder / "losses.csv", 0);
  log.row(1, {{"loss", 0.5}});
  const std::string whole = read_text(folder / "losses.csv");
  // A limit on the file's size fails a write as a full disk does.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = whole.size() + 3;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_CHIARO_ERROR(log.row(2, {{"loss", 0.25}}), Output, "losses.csv");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(read_text(folder / "losses.csv"), whole) << "nothing was half written";
  CsvLog again(folder / "losses.csv", 2);
  EXPECT_EQ(read_text(folder / "losses.csv"), whole);
}

}  // namespace
}  // namespace chiaro::train::run_log_test
