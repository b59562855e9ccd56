#include "chiaro/engine/in_place.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "chiaro/base/rng.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/engine/graph_reader.h"
#include "tests/support/graph_bundle.h"

namespace chiaro::engine::in_place_test {
namespace {

std::vector<NamedShape> shapes_for(const Engine& engine, std::int64_t height, std::int64_t width) {
  std::vector<NamedShape> shapes;
  for (const std::string& name : engine.input_names()) {
    auto shape = engine.stated_input_shape(name);
    if (shape.size() == 4) shape = {1, shape[1], height, width};
    shapes.push_back({name, shape});
  }
  return shapes;
}

struct Run {
  std::vector<float> result;
  bool in_place = false;
};

/// Twice, so that what the first run left behind is seen.
Run run_twice(std::span<const std::byte> graph, const EngineOptions& options,
              const std::string& name) {
  Engine engine(graph, options, name);
  engine.prepare(shapes_for(engine, 48, 64));
  Run run;
  for (int i = 0; i < 2; ++i) {
    Rng rng(5);
    for (const std::string& input : engine.input_names())
      for (float& value : engine.input(input)) value = static_cast<float>(rng.uniform());
    engine.run();
    const auto result = engine.output();
    run.result.assign(result.begin(), result.end());
    run.in_place = result.data() == engine.input("input").data();
  }
  return run;
}

void expect_same_bits(std::span<const std::byte> graph, const std::string& name, bool possible) {
  for (const Precision precision : {Precision::F32, Precision::Bf16}) {
    EngineOptions options{.precision = precision, .threads = 2};
    const Run apart = run_twice(graph, options, name);
    options.in_place = true;
    const Run together = run_twice(graph, options, name);
    EXPECT_FALSE(apart.in_place) << name;
    EXPECT_EQ(together.in_place, possible) << name;
    EXPECT_EQ(together.result, apart.result) << name << " " << precision_name(precision);
    options.many_shapes = true;  // one preparation for all shapes keeps both
    EXPECT_FALSE(run_twice(graph, options, name).in_place) << name;
  }
}

TEST(InPlace, GivesTheSameBits) {
  for (const char* name : {"identity", "stack", "unet", "grey", "told", "film"})
    expect_same_bits(test::graph_bytes(name), name, true);
}

// By what the rule says: no runtime is known that would really go wrong there.
TEST(InPlace, IsNotDoneWhereOthersMightReadTheResult) {
  for (const char* name : {"sharpened", "grouped", "pooled", "attentive", "twice", "modulated"})
    expect_same_bits(test::graph_bytes(name), name, false);
}

TEST(InPlace, TheBundlesThatShipGiveTheSameBits) {
  for (const char* name : {"default", "plain"}) {
    const auto bundle =
        bundle::read_bundle(std::string(CHIARO_SOURCE_DIR) + "/models/" + name + ".chiaro");
    expect_same_bits(bundle.member(bundle::kRestoreMember), name, true);
  }
}

TEST(InPlace, GraphsOfOtherDoorsAreLeftAlone) {
  for (const char* name : {"controller", "encoder"})
    EXPECT_FALSE(can_give_in_place(*read_onnx(test::graph_bytes(name), name))) << name;
}

TEST(InPlace, TakesOneResultLessThanApart) {
  for (const char* name : {"stack", "sharpened"}) {
    const auto bytes_with = [&](bool in_place) {
      const Engine engine(test::graph_bytes(name), {.threads = 1, .in_place = in_place}, name);
      return engine.work_bytes(shapes_for(engine, 48, 64));
    };
    const std::size_t one = std::string_view(name) == "stack" ? 3 * 48 * 64 * sizeof(float) : 0;
    EXPECT_EQ(bytes_with(false) - bytes_with(true), one) << name;
  }
}

TEST(SpareMemory, OtherShapesAreStillPrepared) {
  const auto graph = test::graph_bytes("unet");
  Engine sparing(graph, {.threads = 1, .spare_memory = true}, "unet");
  Engine plain(graph, {.threads = 1}, "unet");
  for (const std::int64_t width : {16, 32, 16, 48}) {
    Tensor input{{1, 3, 24, width}, std::vector<float>(static_cast<std::size_t>(3 * 24 * width))};
    Rng rng(3);
    for (float& value : input.values) value = static_cast<float>(rng.uniform());
    EXPECT_EQ(sparing.run_once(input)[0].values, plain.run_once(input)[0].values) << width;
  }
}

}  // namespace
}  // namespace chiaro::engine::in_place_test
