// The binary interface: names, numbers and sizes that programs were compiled with may not change.
#include <cstddef>
#include <sstream>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/version.h"
#include "tests/api/callers.h"
#include "tests/support/process.h"

namespace chiaro::test::symbols_test {
namespace {

TEST(ApiSymbols, AreThoseListed) {
  const auto said =
      run_process({CHIARO_NM, "-D", "--defined-only", "--without-symbol-versions", CHIARO_LIBRARY});
  ASSERT_EQ(said.status, 0) << said.err;
  std::istringstream lines(said.out);
  std::string names;
  for (std::string address, kind, name; lines >> address >> kind >> name;) {
    if (kind != "A") names += name + "\n";  // A: the name of the version itself
  }
  EXPECT_EQ(names, read_text(CHIARO_SOURCE_DIR "/tests/api/symbols.txt"));
}

TEST(ApiSymbols, StatusesAreTheExitStatuses) {
  EXPECT_EQ(CHIARO_USAGE, static_cast<int>(ErrorCode::Usage));
  EXPECT_EQ(CHIARO_INPUT, static_cast<int>(ErrorCode::Input));
  EXPECT_EQ(CHIARO_OUTPUT, static_cast<int>(ErrorCode::Output));
  EXPECT_EQ(CHIARO_BUNDLE, static_cast<int>(ErrorCode::Bundle));
  EXPECT_EQ(CHIARO_RESOURCE, static_cast<int>(ErrorCode::Resource));
  EXPECT_EQ(CHIARO_CHECK_FAILED, static_cast<int>(ErrorCode::CheckFailed));
  EXPECT_EQ(CHIARO_INTERNAL, static_cast<int>(ErrorCode::Internal));
  EXPECT_EQ(CHIARO_CANCELLED, static_cast<int>(ErrorCode::Interrupted));
  for (const int status : {0, 2, 3, 4, 5, 6, 7, 70, 130}) {
    EXPECT_STRNE(chiaro_status_text(status), "unknown status") << status;
  }
  EXPECT_STREQ(chiaro_status_text(1000), "unknown status");
  EXPECT_EQ(chiaro_version(), version());
}

// Of the first version, on 64 bits; a struct with a size may grow at its end, the others may not.
static_assert(sizeof(chiaro_picture) == 48);
static_assert(sizeof(chiaro_finding) == 24);
static_assert(sizeof(chiaro_open_options) >= 16);
static_assert(sizeof(chiaro_restore_options) >= 64);
static_assert(offsetof(chiaro_restore_options, as) == 24);
static_assert(offsetof(chiaro_restore_options, user) == 56);
static_assert(sizeof(chiaro_write_options) >= 32);
static_assert(offsetof(chiaro_write_options, overwrite) == 28);
static_assert(sizeof(chiaro_facts) >= 48 && offsetof(chiaro_facts, parameters) == 40);
static_assert(sizeof(chiaro_report) >= 40 && offsetof(chiaro_report, blind) == 36);
static_assert(sizeof(chiaro_verdict) >= 40 && offsetof(chiaro_verdict, unlike) == 36);

}  // namespace
}  // namespace chiaro::test::symbols_test
