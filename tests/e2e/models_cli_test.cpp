// `chiaro models`: where bundles are looked for, in which order, and whether all of them are sound.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/bundle/safetensors.h"
#include "tests/support/bytes.h"
#include "tests/support/events.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::models_cli_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::ProcessResult;
using Words = std::vector<std::string>;

class ModelsCli : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  /// A bundle that changes nothing; its card says which one it is. `off` is by how much the stored
  /// output differs from the true one.
  void put(const std::string& file, const std::string& card, float off = 0) const {
    fs::create_directories((folder_ / file).parent_path());
    const std::vector<float> input(3 * 16 * 16, 0.5F);
    std::vector<float> output = input;
    output[7] += off;
    bundle::TensorMap tensors;
    for (const auto& [role, values] : {std::pair{"input", &input}, {"output", &output}})
      tensors[bundle::self_test_name(0, role)] = {
          bundle::Dtype::F32, {1, 3, 16, 16}, std::as_bytes(std::span(*values))};
    bundle::Members members;
    members.emplace(bundle::kRestoreMember, test::graph_bytes("identity"));
    members.emplace(bundle::kCardMember, test::bytes_of(card + "\n"));
    members.emplace(bundle::kSelftestMember, bundle::serialize_safetensors(tensors));
    bundle::write_bundle(folder_ / file, test::graph_manifest("identity"), members);
  }

  /// Folders of the temporary one, by CHIARO_BUNDLE_PATH.
  void look_in(const std::string& first, const std::string& second = "",
               const std::string& third = "") const {
    std::string list;
    for (const std::string& name : {first, second, third})
      list += (list.empty() ? "" : ":") + (name.empty() ? name : (folder_ / name).string());
    ::setenv("CHIARO_BUNDLE_PATH", list.c_str(), 1);
  }

  ProcessResult chiaro(Words words) const {
    words.insert(words.begin(), {program_, "models"});
    return test::run_process(words);
  }
  std::string card(const std::string& name) const {
    const auto result = chiaro({"card", name});
    EXPECT_EQ(result.status, 0) << result.err;
    return result.out;
  }
  /// Names and files that `list` shows, each as "name=file below the folder".
  Words listed() const {
    const auto result = chiaro({"list", "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    Words names;
    for (const json& event : test::events(result.out)) {
      if (event["event"] == "bundle")
        names.push_back(event["name"].get<std::string>() + "=" +
                        fs::path(event["file"]).lexically_relative(folder_.path()).string());
    }
    return names;
  }

  /// From now on the program is one that lies in bin/ of the folder, as an installed one.
  void install() {
    const fs::path built = CHIARO_PROGRAM;
    fs::create_directories(folder_ / "bin");
    fs::create_directory_symlink(built.parent_path() / "../lib", folder_ / "lib");
    fs::copy_file(built, folder_ / "bin/chiaro");
    program_ = folder_ / "bin/chiaro";
  }

  test::TemporaryFolder folder_;
  std::string program_ = CHIARO_PROGRAM;
};

TEST_F(ModelsCli, TheFirstFolderThatHasTheNameWins) {
  put("one/a.chiaro", "a of one");
  put("two/a.chiaro", "a of two");
  put("two/b.chiaro", "b of two");
  put("three/b.chiaro", "b of three");
  put("three/c.chiaro", "c of three");
  install();
  look_in("one", "two", "three");
  EXPECT_EQ(card("a"), "a of one\n");
  EXPECT_EQ(card("b"), "b of two\n");
  EXPECT_EQ(card("c"), "c of three\n");
  EXPECT_EQ(listed(), (Words{"a=one/a.chiaro", "b=two/b.chiaro", "c=three/c.chiaro"}));
  look_in("three", "two", "one");
  EXPECT_EQ(card("a"), "a of two\n");
  EXPECT_EQ(card("b"), "b of three\n");
  EXPECT_EQ(listed(), (Words{"a=two/a.chiaro", "b=three/b.chiaro", "c=three/c.chiaro"}));
}

TEST_F(ModelsCli, FoldersThatAreNotThereAreLeftOut) {
  put("two/a.chiaro", "a of two");
  install();
  look_in("none", "", "two");
  EXPECT_EQ(card("a"), "a of two\n");
  const auto missing = chiaro({"card", "b"});
  EXPECT_EQ(missing.status, 3);
  EXPECT_NE(missing.err.find("no bundle named 'b'"), std::string::npos) << missing.err;
  EXPECT_TRUE(missing.err.ends_with("searched: " + (folder_ / "two").string() + "\n"))
      << missing.err;
}

TEST_F(ModelsCli, TheFoldersOfTheVariableComeBeforeThatOfTheProgram) {
  put("mine/a.chiaro", "a of mine");
  put("share/chiaro/models/a.chiaro", "a of the system");
  put("share/chiaro/models/b.chiaro", "b of the system");
  install();
  EXPECT_EQ(card("a"), "a of the system\n");
  look_in("mine");
  EXPECT_EQ(card("a"), "a of mine\n");
  EXPECT_EQ(card("b"), "b of the system\n");
  EXPECT_EQ(listed(), (Words{"a=mine/a.chiaro", "b=share/chiaro/models/b.chiaro"}));
  // A file is that file, whatever lies where bundles are looked for.
  EXPECT_EQ(card(folder_ / "share/chiaro/models/a.chiaro"), "a of the system\n");
  look_in("none");
  EXPECT_EQ(card("a"), "a of the system\n");
}

TEST_F(ModelsCli, AllThatAreListedAreVerified) {
  put("mine/a.chiaro", "a of mine");
  put("share/chiaro/models/a.chiaro", "never seen", 0.1F);
  put("share/chiaro/models/b.chiaro", "b of the system");
  install();
  look_in("mine");
  const auto sound = chiaro({"verify", "--all", "--json"});
  EXPECT_EQ(sound.status, 0) << sound.out << sound.err;
  const auto said = test::events(sound.out);
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[0]["file"], (folder_ / "mine/a.chiaro").string());
  EXPECT_EQ(said[0]["sound"], true);
  EXPECT_EQ(said[0]["cases"], 1);
  EXPECT_EQ(said[1]["file"], (folder_ / "share/chiaro/models/b.chiaro").string());
  EXPECT_EQ(said[2], json({{"event", "summary"}, {"done", 2}, {"different", 0}, {"failed", 0}}));

  put("mine/c.chiaro", "computes something else", 0.1F);
  const auto different = chiaro({"verify", "--all"});
  EXPECT_EQ(different.status, 7);
  EXPECT_NE(different.out.find("c.chiaro: computes something else here"), std::string::npos)
      << different.out;
  EXPECT_EQ(std::ranges::count(different.out, '\n'), 3) << different.out;
  EXPECT_NE(different.err.find("self-test of 1 of 3 bundles"), std::string::npos) << different.err;
}

TEST_F(ModelsCli, ADamagedBundleDoesNotKeepTheOthersFromBeingVerified) {
  put("mine/a.chiaro", "a");
  auto bytes = read_file(folder_ / "mine/a.chiaro");
  put("mine/c.chiaro", "c");
  // Within one of its members.
  bytes[bytes.size() / 2] ^= std::byte{1};
  write_file_atomically(folder_ / "mine/a.chiaro", bytes);
  write_file_atomically(folder_ / "mine/b.chiaro", std::string_view("no bundle at all"));
  install();
  look_in("mine");
  const auto result = chiaro({"verify", "--all", "--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  auto said = test::events(result.out);
  ASSERT_EQ(said.size(), 5U) << result.out;
  EXPECT_EQ(said[0]["event"], "failed");
  EXPECT_EQ(said[0]["file"], (folder_ / "mine/a.chiaro").string());
  EXPECT_EQ(said[0]["exit_status"], 5);
  EXPECT_EQ(said[1]["event"], "failed");
  EXPECT_EQ(said[2]["sound"], true);
  EXPECT_EQ(said[3], json({{"event", "summary"}, {"done", 1}, {"different", 0}, {"failed", 2}}));
  EXPECT_NE(result.err.find("2 of 3 bundles cannot be verified"), std::string::npos) << result.err;
  EXPECT_EQ(chiaro({"verify", "a"}).status, 5);
}

// With the bundles that ship.
TEST_F(ModelsCli, ThoseThatShipAreSound) {
  ::setenv("CHIARO_BUNDLE_PATH", CHIARO_SOURCE_DIR "/models", 1);
  std::size_t bundles = 0;
  for (const auto& entry : fs::directory_iterator(CHIARO_SOURCE_DIR "/models"))
    bundles += entry.path().extension() == ".chiaro" ? 1 : 0;
  ASSERT_GE(bundles, 1U);
  const auto result = chiaro({"verify", "--all", "--json"});
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  const auto said = test::events(result.out);
  ASSERT_EQ(said.size(), bundles + 1) << result.out;
  for (std::size_t i = 0; i < bundles; ++i) EXPECT_EQ(said[i]["sound"], true) << said[i];
}

}  // namespace
}  // namespace chiaro::models_cli_test
