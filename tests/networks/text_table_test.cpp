#include "chiaro/networks/text_table.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>

#include "chiaro/bundle/safetensors.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::networks::text_table_test {
namespace {

using Rows = std::map<std::string, std::vector<float>>;

/// A file with those rows.
std::filesystem::path written(const test::TemporaryFolder& folder, const Rows& rows) {
  bundle::TensorMap tensors;
  for (const auto& [name, row] : rows)
    tensors[name] = {
        bundle::Dtype::F32, {static_cast<std::int64_t>(row.size())}, std::as_bytes(std::span(row))};
  const auto file = folder.path() / "table.safetensors";
  bundle::write_safetensors(file, tensors);
  return file;
}

TEST(SimplexTable, RowsAreUnitVectorsAsFarApartAsCanBe) {
  for (const std::int64_t k : {2, 3, 8}) {
    const auto gram = at::matmul(simplex_table(k), simplex_table(k).t());
    const auto expected = at::full({k, k}, -1.0 / static_cast<double>(k - 1)).fill_diagonal_(1.0);
    EXPECT_TRUE(at::allclose(gram, expected, 0, 1e-6)) << k;
  }
  EXPECT_CHIARO_ERROR(simplex_table(1), Usage, "2 or more");
}

TEST(TextTable, RowsOfOneDirectionEachBecomeTheSimplex) {
  // What all rows share (the 5) is no meaning and goes.
  const test::TemporaryFolder folder;
  const auto file =
      written(folder, {{"rain", {5, 3, 0, 0}}, {"clean", {5, 0, 3, 0}}, {"noise", {5, 0, 0, 3}}});
  const auto table = read_text_table(file, {"clean", "noise", "rain"});
  ASSERT_EQ(table.sizes(), (at::IntArrayRef{3, 4}));
  const auto simplex = simplex_table(3);
  EXPECT_TRUE(
      at::allclose(at::matmul(table, table.t()), at::matmul(simplex, simplex.t()), 0, 1e-6));
  EXPECT_GT(table[0][2].item<double>(), 0.5) << "the first row is that of 'clean'";
}

TEST(TextTable, KindsThatAreNotAskedForDoNotCount) {
  const test::TemporaryFolder folder;
  const auto file = written(folder, {{"a", {1, 0}}, {"b", {0, 1}}, {"c", {9, 9}}});
  EXPECT_TRUE(at::allclose(read_text_table(file, {"a", "b"}),
                           at::tensor({1.0F, -1.0F, -1.0F, 1.0F}).reshape({2, 2}) / std::sqrt(2.0F),
                           0, 1e-6));
}

TEST(TextTable, BadFilesAreSaidInOneSentence) {
  const test::TemporaryFolder folder;
  const std::vector<std::string> kinds = {"a", "b"};
  EXPECT_CHIARO_ERROR(read_text_table(folder.path() / "none", kinds), Input, "none");
  const auto read = [&](const Rows& rows) { return read_text_table(written(folder, rows), kinds); };
  EXPECT_CHIARO_ERROR(read({{"a", {1, 0}}, {"c", {0, 1}}}), Usage, "no row for 'b'; got a, c");
  EXPECT_CHIARO_ERROR(read({{"a", {1, 0}}, {"b", {0, 1, 2}}}), Bundle, "row 'b'");
  EXPECT_CHIARO_ERROR(read({{"a", {1, 2}}, {"b", {1, 2}}}), Bundle, "says the same of two");
  EXPECT_CHIARO_ERROR(read_text_table(written(folder, {{"a", {1, 0}}}), {"a"}), Usage, "2 or more");
}

TEST(TextTable, TheOneThatShipsTellsAllKindsApart) {
  const auto table = read_text_table(
      CHIARO_SOURCE_DIR "/recipes/words/damage.safetensors",
      {"clean", "noise", "jpeg", "blur", "rain", "haze", "low_light", "snow", "raindrop"});
  ASSERT_EQ(table.sizes(), (at::IntArrayRef{9, 384}));
  const auto cosine = at::matmul(table, table.t()).fill_diagonal_(-1);
  EXPECT_LT(cosine.max().item<double>(), 0.6);
}

}  // namespace
}  // namespace chiaro::networks::text_table_test
