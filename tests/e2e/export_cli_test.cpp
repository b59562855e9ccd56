// `chiaro export` of an encoder's bundle; export_test.py has those that restore.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "chiaro/base/files.h"
#include "tests/support/encoder_bundle.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::export_cli_test {
namespace {

TEST(ExportCli, AnEncoderGivesItsGraph) {
  const test::TemporaryFolder folder;
  const std::string file = folder / "encoder.chiaro";
  const std::string output = folder / "encode.onnx";
  const auto encoder = test::encoder_bundle();
  bundle::write_bundle(file, encoder.manifest, encoder.members);

  const auto controller =
      test::run_process({CHIARO_PROGRAM, "export", file, "--controller", "-o", output});
  EXPECT_EQ(controller.status, 5) << controller.err;
  EXPECT_NE(controller.err.find("condition.onnx"), std::string::npos) << controller.err;
  EXPECT_FALSE(std::filesystem::exists(output));

  const auto result = test::run_process({CHIARO_PROGRAM, "export", file, "-o", output, "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(read_file(output), test::graph_bytes("encoder"));
  const auto said = test::events(result.out);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0]["member"], "encode.onnx");
  EXPECT_EQ(said[0]["alignment_px"], 1);
  EXPECT_FALSE(said[0].contains("scale")) << said[0];
}

}  // namespace
}  // namespace chiaro::export_cli_test
