#include "chiaro/engine/graph_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "chiaro/base/process_memory.h"
#include "chiaro/engine/engine.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::engine::graph_cache_test {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> some(std::size_t count, int value) {
  return std::vector<std::byte>(count, static_cast<std::byte>(value));
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  return files;
}

std::vector<std::byte> numbered(std::size_t count) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::byte>(i % 251));
  return bytes;
}

std::vector<std::byte> found(const GraphCache& cache, std::string_view key) {
  const KeptGraph kept = cache.find(key);
  return {kept.bytes().begin(), kept.bytes().end()};
}

void flip_a_byte(const fs::path& file, std::streamoff at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(at);
  const int value = stream.get();
  stream.seekp(at);
  stream.put(static_cast<char>(value ^ 1));
}

TEST(GraphCache, GivesBackWhatItKeeps) {
  const test::TemporaryFolder folder;
  const GraphCache cache(folder / "below" / "here");
  EXPECT_TRUE(cache.find("a").empty());
  cache.keep("a", some(1000, 3));
  cache.keep("b", some(10, 4));
  EXPECT_EQ(found(cache, "a"), some(1000, 3));
  EXPECT_EQ(found(cache, "b"), some(10, 4));
  EXPECT_TRUE(cache.find("c").empty());
  EXPECT_EQ(fs::status(folder / "below" / "here").permissions() & fs::perms::all,
            fs::perms::owner_all);
  const GraphCache off;
  off.keep("a", some(10, 1));
  EXPECT_TRUE(off.find("a").empty());
}

TEST(GraphCache, DamageIsNoticed) {
  const test::TemporaryFolder folder;
  const GraphCache cache(folder.path());
  cache.keep("a", some(1000, 3));
  const fs::path file = files_in(folder.path()).at(0);
  ASSERT_EQ(fs::file_size(file), 64U + 1000U);
  for (const std::streamoff at : {0, 7, 8, 9, 10, 63, 64, 500, 1032, 1055, 1056, 1063}) {
    flip_a_byte(file, at);
    EXPECT_TRUE(cache.find("a").empty()) << at;
    flip_a_byte(file, at);
    EXPECT_FALSE(cache.find("a").empty()) << at;
  }
  const auto exchange = [&](std::streamoff one, std::streamoff other) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    std::array<char, 8> first{};
    std::array<char, 8> second{};
    stream.seekg(one).read(first.data(), first.size());
    stream.seekg(other).read(second.data(), second.size());
    stream.seekp(one).write(second.data(), second.size());
    stream.seekp(other).write(first.data(), first.size());
  };
  cache.keep("a", numbered(1000));
  exchange(128, 136);  // words beside each other
  EXPECT_TRUE(cache.find("a").empty());
  exchange(128, 136);
  EXPECT_FALSE(cache.find("a").empty());
  exchange(128, 160);  // of one lane
  EXPECT_TRUE(cache.find("a").empty());
  exchange(128, 160);
  EXPECT_FALSE(cache.find("a").empty());
  for (const std::uintmax_t size : {1063, 100, 63, 9, 3, 0}) {
    fs::resize_file(file, size);
    EXPECT_TRUE(cache.find("a").empty()) << size;
  }
}

TEST(GraphCache, WhatIsFoundStaysReadableAndAligned) {
  const test::TemporaryFolder folder;
  const GraphCache cache(folder.path());
  for (const std::size_t length : {1, 54, 55, 56, 120, 300}) {
    const std::string key(length, 'k');
    cache.keep(key, numbered(100));
    const KeptGraph kept = cache.find(key);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(kept.bytes().data()) % 64, 0U) << length;
    cache.keep(key, some(50, 1));
    fs::remove(files_in(folder.path()).at(0));
    EXPECT_TRUE(std::ranges::equal(kept.bytes(), numbered(100))) << length;
  }
}

TEST(GraphCache, AFolderThatOthersCanWriteToIsNotUsed) {
  const test::TemporaryFolder folder;
  const GraphCache cache(folder / "here");
  cache.keep("a", some(10, 3));
  fs::permissions(folder / "here", fs::perms::group_write, fs::perm_options::add);
  EXPECT_TRUE(cache.find("a").empty());
  cache.keep("b", some(10, 4));
  fs::permissions(folder / "here", fs::perms::group_write, fs::perm_options::remove);
  EXPECT_FALSE(cache.find("a").empty());
  EXPECT_TRUE(cache.find("b").empty());
}

TEST(GraphCache, ThatCannotBeWrittenIsNoError) {
  const GraphCache nowhere("/proc/nowhere");
  nowhere.keep("a", some(10, 1));
  EXPECT_TRUE(nowhere.find("a").empty());
}

TEST(GraphCache, TheLongestUnusedGoesFirst) {
  const test::TemporaryFolder folder;
  const GraphCache cache(folder.path());
  const std::size_t large = 50 << 20;  // two fit into 128 MiB, three do not
  cache.keep("a", some(large, 1));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  cache.keep("b", some(large, 2));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(cache.find("a").empty());
  cache.keep("c", some(large, 3));
  EXPECT_TRUE(cache.find("b").empty());
  EXPECT_FALSE(cache.find("a").empty());
  EXPECT_FALSE(cache.find("c").empty());
}

class CachedEngine : public testing::Test {
 protected:
  Engine open(const std::string& graph = "unet") const {
    return Engine(test::graph_bytes(graph),
                  {.precision = Precision::F32, .threads = 1, .cache = folder_.path()}, graph);
  }
  static Tensor input() {
    Tensor tensor{{1, 3, 16, 24}, {}};
    for (int i = 0; i < 3 * 16 * 24; ++i)
      tensor.values.push_back(static_cast<float>(i % 17) / 17.0F);
    return tensor;
  }
  /// The prepared graphs; what is known of graphs is in files below 4 kB.
  std::vector<fs::path> prepared() const {
    auto files = files_in(folder_.path());
    std::erase_if(files, [](const fs::path& file) { return fs::file_size(file) < 4096; });
    return files;
  }
  static ino_t number_of(const fs::path& file) {
    struct stat facts {};
    ::stat(file.c_str(), &facts);
    return facts.st_ino;
  }

  test::TemporaryFolder folder_;
};

TEST_F(CachedEngine, PreparesOnceAndGivesTheSame) {
  Engine first = open();
  const auto expected = first.run_once(input())[0];
  EXPECT_TRUE(files_in(folder_.path()).empty());
  first.keep_prepared();
  ASSERT_EQ(prepared().size(), 1U);
  EXPECT_EQ(files_in(folder_.path()).size(), 2U);
  const fs::path file = prepared()[0];
  const ino_t number = number_of(file);

  Engine second = open();
  const auto again = second.run_once(input())[0];
  EXPECT_EQ(again.shape, expected.shape);
  EXPECT_EQ(again.values, expected.values);
  second.keep_prepared();  // came from there: not written again
  EXPECT_EQ(number_of(file), number);

  Engine third = open();
  (void)third.run_once({{1, 3, 24, 16}, std::vector<float>(3 * 24 * 16, 0.5F)});
  third.keep_prepared();
  EXPECT_EQ(prepared().size(), 2U);
  EXPECT_EQ(files_in(folder_.path()).size(), 3U);
  Engine other = open("stack");
  (void)other.run_once(input());
  other.keep_prepared();
  EXPECT_EQ(files_in(folder_.path()).size(), 5U);
}

TEST_F(CachedEngine, WhatServesManyShapesIsKeptToo) {
  CHIARO_SKIP_WHERE_SANITIZED();
  const auto many = [&] {
    return Engine(
        test::graph_bytes("unet"),
        {.precision = Precision::F32, .threads = 1, .cache = folder_.path(), .many_shapes = true},
        "unet");
  };
  const auto picture = [](std::int64_t height, std::int64_t width) {
    Tensor tensor{{1, 3, height, width}, {}};
    for (std::int64_t i = 0; i < 3 * height * width; ++i)
      tensor.values.push_back(static_cast<float>(i % 17) / 17.0F);
    return tensor;
  };
  Engine first = many();
  (void)first.run_once(picture(16, 24));
  first.keep_prepared();
  const auto files = prepared();
  ASSERT_EQ(files.size(), 1U);
  const ino_t number = number_of(files[0]);

  Engine second = many();
  Engine alone =
      Engine(test::graph_bytes("unet"), {.precision = Precision::F32, .threads = 1}, "unet");
  for (const auto& [height, width] : {std::pair{40, 64}, {64, 40}, {16, 24}, {200, 120}})
    EXPECT_EQ(second.run_once(picture(height, width))[0].values,
              alone.run_once(picture(height, width))[0].values)
        << height;
  second.keep_prepared();
  EXPECT_EQ(prepared(), files);
  EXPECT_EQ(number_of(files[0]), number);
  // What comes from there keeps no more kernels than what does not.
  const auto some = [&](int from, int to) {
    for (int i = from; i < to; ++i)
      (void)second.run_once(picture(4 * (1 + i * 7 % 25), 4 * (1 + i * 11 % 24)));
    return resident_bytes();
  };
  const std::int64_t before = some(0, 150);
  EXPECT_LT(some(150, 300) - before, std::int64_t{12} << 20);
  // One shape by itself is another thing.
  Engine single = open();
  (void)single.run_once(picture(16, 24));
  single.keep_prepared();
  EXPECT_EQ(prepared().size(), 2U);
}

TEST_F(CachedEngine, AnotherNumberOfViewsFindsWhatAnEarlierRunCameToNeed) {
  const auto many = [&] {
    return Engine(
        test::graph_bytes("controller"),
        {.precision = Precision::F32, .threads = 1, .cache = folder_.path(), .many_shapes = true},
        "controller");
  };
  const auto views = [](std::int64_t count) {
    const auto values = [](std::int64_t number) {
      std::vector<float> all;
      for (std::int64_t i = 0; i < number; ++i) all.push_back(static_cast<float>(i % 13) / 13.0F);
      return all;
    };
    return NamedTensors{{"views", {{count, 3, 16, 16}, values(count * 768)}},
                        {"whole", {{1, 3, 16, 32}, values(1536)}}};
  };
  Engine first = many();
  (void)first.run_by_name(views(4));
  const auto expected = first.run_by_name(views(2));
  first.keep_prepared();
  const auto files = prepared();
  ASSERT_EQ(files.size(), 1U);
  Engine second = many();  // begins with another number than what is kept began with
  (void)second.run_by_name(views(4));
  const auto again = second.run_by_name(views(2));
  for (const auto& [name, tensor] : expected) EXPECT_EQ(again.at(name).values, tensor.values);
  const ino_t number = number_of(files[0]);
  second.keep_prepared();
  EXPECT_EQ(prepared(), files);
  EXPECT_EQ(number_of(files[0]), number);
  Engine third = many();
  (void)third.run_by_name(views(4));
  third.keep_prepared();
  EXPECT_EQ(prepared(), files) << "the four were prepared by themselves";
}

TEST_F(CachedEngine, PreparesAnewWhatIsDamaged) {
  Engine first = open();
  const auto expected = first.run_once(input())[0].values;
  first.keep_prepared();
  const fs::path file = prepared().at(0);
  const ino_t number = number_of(file);
  flip_a_byte(file, static_cast<std::streamoff>(fs::file_size(file)) / 2);
  Engine second = open();
  EXPECT_EQ(second.run_once(input())[0].values, expected);
  second.keep_prepared();
  EXPECT_NE(number_of(file), number);
  EXPECT_EQ(open().run_once(input())[0].values, expected);
}

TEST_F(CachedEngine, SaysOfItselfWhatItSaidWhenItWasRead) {
  for (const char* graph : {"unet", "told", "controller"}) {
    const Engine read = Engine(test::graph_bytes(graph), {.threads = 1}, graph);
    std::vector<NamedShape> shapes;
    for (const std::string& name : read.input_names()) {
      auto shape = read.stated_input_shape(name);
      for (auto& side : shape) side = side == 0 ? 16 : side;
      shapes.push_back({name, shape});
    }
    Engine first = open(graph);
    const std::size_t work = first.work_bytes(shapes);
    first.keep_prepared();
    const Engine kept = open(graph);
    EXPECT_EQ(kept.input_names(), read.input_names());
    EXPECT_EQ(kept.output_names(), read.output_names());
    for (const std::string& name : read.input_names())
      EXPECT_EQ(kept.stated_input_shape(name), read.stated_input_shape(name)) << graph << name;
    for (const std::string& name : read.output_names())
      EXPECT_EQ(kept.stated_output_shape(name), read.stated_output_shape(name)) << graph << name;
    EXPECT_EQ(kept.weight_bytes(), read.weight_bytes());
    EXPECT_EQ(kept.work_bytes(shapes), read.work_bytes(shapes));
    EXPECT_EQ(work, read.work_bytes(shapes));
    for (auto& shape : shapes)
      if (shape.shape.size() == 4 && read.stated_input_shape(shape.name)[2] == 0)
        shape.shape[2] = 32;
    EXPECT_EQ(kept.work_bytes(shapes), read.work_bytes(shapes)) << "not estimated before";
    EXPECT_NE(kept.work_bytes(shapes), work) << graph;
  }
}

TEST_F(CachedEngine, KnowsWhichGraphsAreMostlyChainsOfSmallOperators) {
  open("unet").keep_prepared();
  ASSERT_EQ(files_in(folder_.path()).size(), 1U);
  EXPECT_NE(read_text(files_in(folder_.path())[0]).find("\"chains\":false"), std::string::npos);
  fs::remove(files_in(folder_.path())[0]);
  open("attentive").keep_prepared();
  EXPECT_NE(read_text(files_in(folder_.path()).at(0)).find("\"chains\":true"), std::string::npos);
}

TEST_F(CachedEngine, IsReadWhereItsFactsAreDamaged) {
  Engine first = open("told");
  first.keep_prepared();
  const fs::path facts = files_in(folder_.path()).at(0);
  const ino_t number = number_of(facts);
  flip_a_byte(facts, static_cast<std::streamoff>(fs::file_size(facts)) - 1);
  Engine second = open("told");
  EXPECT_EQ(second.input_names(), first.input_names());
  second.keep_prepared();
  EXPECT_NE(number_of(facts), number);
}

}  // namespace
}  // namespace chiaro::engine::graph_cache_test
