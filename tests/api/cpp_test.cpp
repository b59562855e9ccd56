// The C++ interface: the same results, exceptions, and who owns what.
#include "chiaro/api/chiaro.hpp"

#include <limits>

#include "chiaro/base/files.h"
#include "tests/api/callers.h"

namespace chiaro::test::cpp_test {
namespace {

class ApiCpp : public Callers {
 protected:
  api::Restorer restorer(const std::string& graph) {
    return api::Restorer(bundle_file(graph), {1, api::Precision::F32});
  }
};

TEST_F(ApiCpp, SamePixelsAsTheCInterface) {
  auto rgb = random_bytes(std::size_t{3} * 31 * 22);
  api::Restorer mine = restorer("unet");
  const api::Picture<const std::uint8_t> source{rgb.data(), 31, 22};
  const std::vector<std::uint8_t> result = mine.restored(source);
  const auto c = open("unet");
  const auto picture = rgb8(rgb, 31, 22);
  ASSERT_EQ(chiaro_restore(c.get(), &picture, &picture, nullptr, nullptr), CHIARO_OK);
  EXPECT_EQ(result, rgb);
}

TEST_F(ApiCpp, FactsAndFindings) {
  api::Restorer mine = restorer("told");
  const api::Facts facts = mine.facts();
  EXPECT_EQ(facts.name, "told");
  EXPECT_EQ(facts.license, "Apache-2.0");
  EXPECT_EQ(facts.file, bundle_file("told").string());
  EXPECT_EQ(facts.types, (std::vector<std::string>{"clean", "noise", "haze"}));
  EXPECT_EQ(facts.threads, 1);
  EXPECT_EQ(facts.precision, api::Precision::F32);
  EXPECT_NE(facts.manifest.find("\"told\""), std::string::npos);
  EXPECT_TRUE(restorer("stack").facts().types.empty());
  EXPECT_EQ(restorer("twice").facts().scale, 2);

  auto rgb = random_bytes(std::size_t{3} * 31 * 22);
  const api::Inspection seen = mine.inspect(api::Picture<std::uint8_t>{rgb.data(), 31, 22});
  ASSERT_EQ(seen.findings.size(), 3U);
  EXPECT_GE(seen.findings[0].probability, seen.findings[1].probability);
  EXPECT_FALSE(seen.advice.empty());
}

TEST_F(ApiCpp, LargerResultsHaveRoom) {
  std::vector<float> grey(5 * 4, 0.5F);
  api::Restorer mine = restorer("twice");
  EXPECT_EQ(mine.restored(api::Picture<float>{grey.data(), 5, 4, api::Layout::Grey}).size(), 80U);
}

TEST_F(ApiCpp, ErrorsAreThrown) {
  try {
    const api::Restorer none("/nowhere/at_all.chiaro");
    FAIL() << "it opened";
  } catch (const api::Error& error) {
    EXPECT_EQ(error.status(), CHIARO_INPUT);
    EXPECT_NE(std::string(error.what()).find("at_all"), std::string::npos);
  }
  EXPECT_THROW(restorer("stack").restored(api::Picture<std::uint8_t>{}), api::Error);
  EXPECT_THROW(restorer("stack").inspect_file("none.png"), api::Error);
  // Sides whose product, times the scale, is more than memory: refused before it is asked for.
  std::uint8_t one = 0;
  constexpr int kLong = std::numeric_limits<int>::max();
  EXPECT_THROW(restorer("twice").restored(api::Picture<std::uint8_t>{&one, kLong, kLong}),
               api::Error);
}

TEST_F(ApiCpp, CallbacksCancelAndThrow) {
  api::Restorer mine = restorer("stack");
  auto rgb = random_bytes(std::size_t{3} * 31 * 22);
  const auto before = rgb;
  const api::Picture<std::uint8_t> picture{rgb.data(), 31, 22};
  api::RestoreOptions options;
  options.progress = [](double) { return false; };
  try {
    mine.restore(picture, picture, options);
    FAIL() << "nobody cancelled";
  } catch (const api::Error& error) {
    EXPECT_EQ(error.status(), CHIARO_CANCELLED);
  }
  options.progress = [](double) -> bool { throw std::domain_error("of the caller"); };
  EXPECT_THROW(mine.restore(picture, picture, options), std::domain_error);
  EXPECT_EQ(rgb, before);
  options.progress = [](double) { return true; };
  EXPECT_EQ(mine.restore(picture, picture, options).strength, 1.0);
}

TEST_F(ApiCpp, FilesAndMoves) {
  const std::string input = folder_ / "in.ppm";
  write_file_atomically(input, std::string_view("P6\n1 1\n255\nabc"));
  api::Restorer first = restorer("identity");
  api::Restorer second = std::move(first);
  api::WriteOptions write;
  write.format = "ppm";
  second.restore_file(input, folder_ / "out.dat", {}, write);
  EXPECT_EQ(read_file(folder_ / "out.dat"), read_file(input));
  EXPECT_GT(second.predicted_memory(100, 100), 0);
  second.release_memory();
}

}  // namespace
}  // namespace chiaro::test::cpp_test
