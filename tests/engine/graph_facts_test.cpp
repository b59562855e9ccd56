#include "chiaro/engine/graph_facts.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace chiaro::engine::graph_facts_test {
namespace {

std::optional<GraphFacts> parsed(std::string_view text) {
  return parse_facts(std::as_bytes(std::span(text)));
}

GraphFacts example() {
  return {.inputs = {{{"input", "x"}, {0, 3, 0, 0}}, {{"condition"}, {1, 144}}},
          .outputs = {{{"output"}, {}}, {{}, {1}}},
          .weight_bytes = 1234567890123,
          .exact_weight_bytes = 12345,
          .work_bytes = {{"[1,3,16,16] f32", 5}, {"[1,3,16,16] bf16", 3}},
          .chains = true,
          .products = true,
          .in_place = true};
}

TEST(GraphFacts, SurvivePrintingAndParsing) {
  EXPECT_EQ(parsed(print_facts(example())), example());
  EXPECT_EQ(parsed(print_facts({})), GraphFacts{});
}

TEST(GraphFacts, OtherTextHasNone) {
  const std::string text = print_facts(example());
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(parsed(std::string_view(text).substr(0, length)).has_value()) << length;
  for (const char* other : {"", "[]", "{}", "7", "{\"inputs\": 1}", "not JSON at all"})
    EXPECT_FALSE(parsed(other).has_value()) << other;
  std::string wrong = text;
  wrong.replace(wrong.find("true"), 4, "3210");
  EXPECT_FALSE(parsed(wrong).has_value());
}

}  // namespace
}  // namespace chiaro::engine::graph_facts_test
