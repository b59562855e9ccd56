#include "chiaro/base/recipe.h"

#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::recipe_test {
namespace {

constexpr const char* kText = R"(name = "small"
steps = 200
rate = 2e-4
flip = true
sizes = [64, 128]
weights = [1, 0.5]
tasks = ["noise", "rain"]

[network]
name = "resunet"

[network.inner]
width = 32

[[source]]
folders = ["a"]

[[source]]
folders = ["b", "c"]
)";

TEST(Recipe, ReadsEveryKindOfValue) {
  const Recipe recipe = parse_recipe(kText, "text");
  EXPECT_EQ(recipe.values.at("name"), OptionValue(std::string("small")));
  EXPECT_EQ(recipe.values.at("steps"), OptionValue(std::int64_t{200}));
  EXPECT_EQ(recipe.values.at("rate"), OptionValue(2e-4));
  EXPECT_EQ(recipe.values.at("flip"), OptionValue(true));
  EXPECT_EQ(recipe.values.at("sizes"), OptionValue(std::vector<std::int64_t>{64, 128}));
  EXPECT_EQ(recipe.values.at("weights"), OptionValue(std::vector<double>{1, 0.5}));
  EXPECT_EQ(recipe.values.at("tasks"), OptionValue(std::vector<std::string>{"noise", "rain"}));
  EXPECT_EQ(recipe.table("network").table("inner").values.at("width"),
            OptionValue(std::int64_t{32}));
  ASSERT_EQ(recipe.lists.at("source").size(), 2U);
  EXPECT_EQ(recipe.lists.at("source")[1].values.at("folders"),
            OptionValue(std::vector<std::string>{"b", "c"}));
  EXPECT_FALSE(recipe.has_table("data"));
  EXPECT_TRUE(recipe.table("data").values.empty());
}

TEST(Recipe, PrintedTextReadsBackTheSame) {
  const std::string printed = print_recipe(parse_recipe(kText, "text"));
  EXPECT_EQ(print_recipe(parse_recipe(printed, "printed")), printed);
  EXPECT_NE(printed.find("[network.inner]\nwidth = 32"), std::string::npos) << printed;
  EXPECT_NE(printed.find("rate = 2e-04"), std::string::npos) << printed;
}

TEST(Recipe, AwkwardKeysAndTextsSurvivePrinting) {
  Recipe recipe;
  recipe.values["a key"] = std::string("quote \" back\\slash\nline\ttab");
  recipe.values["empty"] = std::vector<std::int64_t>{};
  recipe.tables["x.y"].values["k"] = 1.0;
  const Recipe again = parse_recipe(print_recipe(recipe), "printed");
  EXPECT_EQ(again.values, recipe.values);
  EXPECT_EQ(again.table("x.y").values, recipe.table("x.y").values);
}

TEST(Recipe, SyntaxErrorsNameFileLineAndColumn) {
  EXPECT_CHIARO_ERROR(parse_recipe("a = 1\nb = = 2\n", "my.toml"), Usage, "my.toml:2:5");
  EXPECT_CHIARO_ERROR(parse_recipe("a = 1\na = 2\n", "my.toml"), Usage, "my.toml:2:");
}

TEST(Recipe, DatesAndMixedListsAreRefused) {
  EXPECT_CHIARO_ERROR(parse_recipe("day = 2024-01-01", "t"), Usage,
                      "day has a type that recipes do not use");
  EXPECT_CHIARO_ERROR(parse_recipe("[a]\nb = [1, \"x\"]", "t"), Usage, "a.b mixes types");
}

class RecipeFiles : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    write_file_atomically(folder_ / name, text);
  }
  test::TemporaryFolder folder_;
};

TEST_F(RecipeFiles, AChildOverridesItsParent) {
  write(
      "parent.toml",
      "steps = 10\nseed = 1\n[network]\nname = \"resunet\"\nwidth = 16\n[[source]]\nweight = 1\n");
  write("child.toml", "parent = \"parent.toml\"\nsteps = 20\n[network]\nwidth = 32\n");
  const Recipe recipe = load_recipe(folder_ / "child.toml");
  EXPECT_EQ(recipe.values.at("steps"), OptionValue(std::int64_t{20}));
  EXPECT_EQ(recipe.values.at("seed"), OptionValue(std::int64_t{1}));
  EXPECT_EQ(recipe.table("network").values.at("name"), OptionValue(std::string("resunet")));
  EXPECT_EQ(recipe.table("network").values.at("width"), OptionValue(std::int64_t{32}));
  EXPECT_EQ(recipe.lists.at("source").size(), 1U);
  EXPECT_EQ(recipe.values.count("parent"), 0U);
}

TEST_F(RecipeFiles, ListsAreReplacedWhole) {
  write("parent.toml", "[[source]]\nweight = 1\n[[source]]\nweight = 2\n");
  write("child.toml", "parent = \"parent.toml\"\n[[source]]\nweight = 3\n");
  EXPECT_EQ(load_recipe(folder_ / "child.toml").lists.at("source").size(), 1U);
}

TEST_F(RecipeFiles, OneParentOnly) {
  write("a.toml", "x = 1\n");
  write("b.toml", "parent = \"a.toml\"\n");
  write("c.toml", "parent = \"b.toml\"\n");
  write("d.toml", "parent = 3\n");
  write("e.toml", "parent = \"none.toml\"\n");
  EXPECT_CHIARO_ERROR(load_recipe(folder_ / "c.toml"), Usage, "is itself a child");
  EXPECT_CHIARO_ERROR(load_recipe(folder_ / "d.toml"), Usage, "parent must be a file name");
  EXPECT_CHIARO_ERROR(load_recipe(folder_ / "e.toml"), Input, "none.toml");
}

TEST(Recipe, SettingsFromTheCommandLine) {
  Recipe recipe = parse_recipe(kText, "text");
  set_recipe_value(recipe, "steps=300");
  set_recipe_value(recipe, "network.inner.width = 64");
  set_recipe_value(recipe, "data.folder=photos=old");
  EXPECT_EQ(recipe.values.at("steps"), OptionValue(std::int64_t{300}));
  EXPECT_EQ(recipe.table("network").table("inner").values.at("width"),
            OptionValue(std::int64_t{64}));
  EXPECT_EQ(recipe.table("data").values.at("folder"), OptionValue(std::string("photos=old")));
  EXPECT_CHIARO_ERROR(set_recipe_value(recipe, "steps"), Usage, "expected section.key=value");
  EXPECT_CHIARO_ERROR(set_recipe_value(recipe, "=3"), Usage, "expected section.key=value");
}

TEST(Recipe, UnknownSectionsNameTheNearest) {
  const std::vector<std::string> values = {"name", "steps"};
  const std::vector<std::string> tables = {"network", "data"};
  const std::vector<std::string> lists = {"source"};
  const auto check = [&](const char* text) {
    check_recipe_sections(parse_recipe(text, "t"), values, tables, lists);
  };
  check("steps = 1\n[network]\nx = 1\n[[source]]\nx = 1\n");
  EXPECT_CHIARO_ERROR(check("step = 1"), Usage, "unknown key 'step' (did you mean 'steps'?)");
  EXPECT_CHIARO_ERROR(check("[netwerk]"), Usage,
                      "unknown section 'netwerk' (did you mean 'network'?)");
  EXPECT_CHIARO_ERROR(check("[source]\nx = 1"), Usage, "write [[source]]");
  EXPECT_CHIARO_ERROR(check("[[data]]\nx = 1"), Usage, "write [data]");
}

}  // namespace
}  // namespace chiaro::recipe_test
