#include "chiaro/engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "chiaro/base/process_memory.h"
#include "chiaro/base/rng.h"
#include "chiaro/engine/processor.h"
#include "tests/support/expect_error.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/sanitized.h"

namespace chiaro::engine::engine_test {
namespace {

Tensor noise(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width) {
  Tensor tensor{{batch, channels, height, width}, {}};
  Rng rng(5);
  for (std::int64_t i = 0; i < batch * channels * height * width; ++i) {
    tensor.values.push_back(static_cast<float>(rng.uniform()));
  }
  return tensor;
}

Engine make(const std::string& graph, Precision precision = Precision::F32, int threads = 1) {
  return Engine(test::graph_bytes(graph), {"auto", precision, threads}, graph);
}

TEST(Engine, RunsAnyShapeOneAfterTheOther) {
  Engine engine = make("identity");
  EXPECT_EQ(engine.input_names(), std::vector<std::string>{"input"});
  EXPECT_EQ(engine.stated_input_shape("input"), (std::vector<std::int64_t>{0, 3, 0, 0}));
  EXPECT_EQ(engine.output_names(), std::vector<std::string>{"output"});
  for (const auto& [height, width] : {std::pair{4, 6}, {6, 4}, {1, 1}, {4, 6}, {31, 7}}) {
    const auto input = noise(2, 3, height, width);
    const auto outputs = engine.run_once(input);
    ASSERT_EQ(outputs.size(), 1U);
    EXPECT_EQ(outputs[0].shape, input.shape);
    EXPECT_EQ(outputs[0].values, input.values);
  }
}

TEST(Engine, AgreesWithAConvolutionByHand) {
  // `twice` is one 3x3 convolution of 3 into 12 channels and a pixel shuffle. On a constant
  // picture, away from the border, every output is linear in the input: f(2x) - f(0) = 2 (f(x) -
  // f(0)).
  Engine engine = make("twice");
  const auto at = [&](float level) {
    return engine.run_once({{1, 3, 5, 5}, std::vector<float>(75, level)})[0].values[5 * 10 + 5];
  };
  EXPECT_NEAR(at(0.8F) - at(0), 2 * (at(0.4F) - at(0)), 1e-5);
  EXPECT_EQ(engine.run_once(noise(1, 3, 5, 7))[0].shape, (std::vector<std::int64_t>{1, 3, 10, 14}));
}

TEST(Engine, TheNumberOfThreadsDoesNotChangeTheResult) {
  const auto input = noise(1, 3, 64, 96);
  for (const Precision precision : {Precision::F32, Precision::Bf16}) {
    const auto expected = make("unet", precision, 1).run_once(input)[0].values;
    for (const int threads : {2, 3, 8})
      EXPECT_EQ(make("unet", precision, threads).run_once(input)[0].values, expected);
  }
}

// `twice` is one convolution, which is what reads the picture.
TEST(Engine, InBf16WhatReadsThePictureStaysExact) {
  const auto input = noise(1, 3, 64, 96);
  EXPECT_EQ(make("twice", Precision::Bf16).run_once(input)[0].values,
            make("twice", Precision::F32).run_once(input)[0].values);
}

TEST(Engine, InBf16TheRestIsRounded) {
  if (!has_bf16()) GTEST_SKIP() << "no bfloat16 here";
  const auto input = noise(1, 3, 64, 96);
  EXPECT_NE(make("unet", Precision::Bf16).run_once(input)[0].values,
            make("unet", Precision::F32).run_once(input)[0].values);
}

TEST(Engine, BatchesEqualSinglePictures) {
  Engine engine = make("unet");
  const auto both = noise(2, 3, 16, 20);
  const auto result = engine.run_once(both)[0].values;
  const std::size_t half = both.values.size() / 2;
  const Tensor second{{1, 3, 16, 20},
                      {both.values.begin() + static_cast<std::ptrdiff_t>(half), both.values.end()}};
  const auto alone = engine.run_once(second)[0].values;
  for (std::size_t i = 0; i < half; ++i) ASSERT_NEAR(alone[i], result[half + i], 1e-5);
}

TEST(Engine, OnePreparationServesManyShapes) {
  for (const char* graph : {"unet", "stack", "twice", "pooled"}) {
    Engine many(test::graph_bytes(graph), {.threads = 1, .many_shapes = true}, graph);
    for (const auto& [batch, height, width] : {std::tuple{1, 16, 20},
                                               {1, 20, 16},
                                               {1, 64, 48},
                                               {2, 8, 8},
                                               {3, 32, 40},
                                               {1, 16, 20},
                                               {1, 700, 1000},
                                               {1, 8, 8}}) {
      const auto input = noise(batch, 3, height, width);
      const auto expected = make(graph).run_once(input)[0];
      const auto got = many.run_once(input)[0];
      EXPECT_EQ(got.shape, expected.shape);
      EXPECT_EQ(got.values, expected.values) << graph << ' ' << height << ' ' << width;
      if (height == 64) many.release();
    }
  }
}

TEST(Engine, GraphsOfAttentionComputeTheSameSoonOrNot) {
  // input · softmax over the channels
  const auto input = noise(1, 3, 20, 24);
  const std::size_t plane = 20 * 24;
  for (const bool soon : {false, true}) {
    Engine engine(test::graph_bytes("attentive"), {.threads = 1, .soon = soon}, "attentive");
    const auto result = engine.run_once(input)[0].values;
    for (std::size_t i = 0; i < result.size(); ++i) {
      double sum = 0;
      for (std::size_t c = 0; c < 3; ++c) sum += std::exp(input.values[c * plane + i % plane]);
      ASSERT_NEAR(result[i], input.values[i] * std::exp(input.values[i]) / sum, 1e-5) << soon;
    }
  }
}

TEST(Engine, ManyShapesOfSeveralInputs) {
  const auto views = [](std::int64_t count, std::int64_t height, std::int64_t width) {
    return NamedTensors{{"views", noise(count, 3, 16, 16)}, {"whole", noise(1, 3, height, width)}};
  };
  Engine many(test::graph_bytes("controller"), {.threads = 1, .many_shapes = true}, "controller");
  for (const auto& [count, height, width] :
       {std::tuple{1, 16, 32}, {4, 32, 16}, {1, 32, 24}, {2, 16, 32}, {1, 16, 32}}) {
    const auto expected = make("controller").run_by_name(views(count, height, width));
    const auto got = many.run_by_name(views(count, height, width));
    for (const auto& [name, tensor] : expected) {
      EXPECT_EQ(got.at(name).shape, tensor.shape) << name;
      EXPECT_EQ(got.at(name).values, tensor.values) << name;
    }
  }
}

TEST(Engine, ManyShapesDoNotGather) {
  CHIARO_SKIP_WHERE_SANITIZED();
  Engine many(test::graph_bytes("unet"), {.threads = 1, .many_shapes = true}, "unet");
  // 300 shapes, large and small in turns; the kernels of the first hundred are kept.
  const auto some = [&](int from, int to) {
    for (int i = from; i < to; ++i)
      many.run_once(noise(1, 3, 4 * (1 + i * 7 % 25), 4 * (1 + i * 11 % 24)));
    return resident_bytes();
  };
  const std::int64_t before = some(0, 150);
  EXPECT_LT(some(150, 300) - before, std::int64_t{12} << 20);
}

TEST(Engine, Bf16IsTakenOnlyWhereTheProcessorHasIt) {
  EXPECT_EQ(make("stack", Precision::Bf16).precision(),
            has_bf16() ? Precision::Bf16 : Precision::F32);
  EXPECT_EQ(make("stack", Precision::Auto).precision(), Precision::F32);
  EXPECT_EQ(parse_precision("bf16"), Precision::Bf16);
  EXPECT_CHIARO_ERROR(parse_precision("fp16"), Usage, "fp16");
}

TEST(Engine, CanBeReleasedAndPreparedAgain) {
  Engine engine = make("stack");
  const auto input = noise(1, 3, 12, 12);
  const auto before = engine.run_once(input)[0].values;
  engine.release();
  EXPECT_CHIARO_ERROR(engine.run(), Internal, "not been prepared");
  EXPECT_EQ(engine.run_once(input)[0].values, before);
}

TEST(Engine, EstimatesWorkMemory) {
  // The widest moment of `stack`: 8 channels in, 8 out, and the input kept for the skip; beside
  // that, as with `identity`, both ends. Values are 4 bytes.
  const double bytes = make("stack").bytes_per_pixel(3, 64);
  EXPECT_GE(bytes, (8 + 8 + 3) * 4);
  EXPECT_LE(bytes, (8 + 8 + 3) * 4 * 1.4);
  EXPECT_NEAR(make("stack").bytes_per_pixel(3, 128), bytes, 0.1);  // and the biases
  EXPECT_NEAR(make("identity").bytes_per_pixel(3, 64), 4 * 3 * 4, 1e-9);
  // Biases are stored with a shape of their own: a few bytes more.
  EXPECT_NEAR(static_cast<double>(make("stack").weight_bytes()),
              4 * (3 * 8 * 9 + 8 + 8 * 8 * 9 + 8 + 8 * 3 * 9 + 3), 64);
}

TEST(Engine, RunsGraphsOfSeveralInputsByName) {
  // `told` adds one number of its condition to the picture.
  Engine engine = make("told");
  EXPECT_EQ(engine.input_names(), (std::vector<std::string>{"input", "condition"}));
  EXPECT_EQ(engine.stated_input_shape("condition"), (std::vector<std::int64_t>{1, 8}));
  EXPECT_EQ(engine.stated_output_shape("output"), (std::vector<std::int64_t>{0, 3, 0, 0}));
  NamedTensors inputs;
  inputs["input"] = noise(2, 3, 5, 7);
  inputs["condition"] = {{1, 8}, {9, 0.5F, 0.25F, 9, 1, 9, 0.2F, 9}};
  const float told = 0.1F * 0.5F + 0.2F * 0.25F + 0.05F + 0.3F * 0.2F;
  const auto output = engine.run_by_name(inputs).at("output");
  EXPECT_EQ(output.shape, inputs["input"].shape);
  for (std::size_t i = 0; i < output.values.size(); ++i)
    ASSERT_NEAR(output.values[i], inputs["input"].values[i] + told, 1e-5);

  // Written by name and run again without preparing.
  std::fill(engine.input("condition").begin(), engine.input("condition").end(), 0.0F);
  engine.run();
  EXPECT_NEAR(engine.output("output")[3], inputs["input"].values[3], 1e-6);

  const NamedShape picture{"input", {1, 3, 8, 8}};
  const NamedShape condition{"condition", {1, 8}};
  const std::vector<NamedShape> shapes{condition, picture};
  EXPECT_GE(engine.work_bytes(shapes), 2U * 3 * 64 * 4);
  const auto prepare = [&](const std::vector<NamedShape>& wrong) { engine.prepare(wrong); };
  EXPECT_CHIARO_ERROR(engine.prepare(1, 3, 8, 8), Bundle, "2 inputs; expected one");
  EXPECT_CHIARO_ERROR(prepare({picture, {"condition", {1, 9}}}), Bundle, "told");
  EXPECT_CHIARO_ERROR(prepare({picture}), Internal, "1 shapes for the 2 inputs");
  EXPECT_CHIARO_ERROR(prepare({picture, picture}), Internal, "two shapes");
  EXPECT_CHIARO_ERROR(prepare({picture, {"condition", {1, 0}}}), Internal, "impossible shape");
  EXPECT_CHIARO_ERROR(prepare({picture, {"state", {1, 8}}}), Internal, "nothing named 'state'");
  EXPECT_CHIARO_ERROR(engine.input(), Internal, "which of the 2 inputs");
}

TEST(Engine, GivesSeveralOutputsByName) {
  Engine engine = make("controller");
  const auto outputs =
      engine.run_by_name({{"views", {{3, 3, 16, 16}, std::vector<float>(2304, 0.25F)}},
                          {"whole", {{1, 3, 8, 16}, std::vector<float>(384, 0.5F)}}});
  ASSERT_EQ(outputs.size(), 3U);
  EXPECT_EQ(outputs.at("condition").shape, (std::vector<std::int64_t>{1, 8}));
  EXPECT_NEAR(outputs.at("novelty").values.at(0), 0, 1e-6);
  EXPECT_NEAR(outputs.at("domain").values.at(0), 0.25, 1e-6);
  EXPECT_NEAR(engine.output("domain")[1], 0.75, 1e-6);
}

TEST(Engine, WrongGraphsAndOptionsAreRefused) {
  const std::string text = "this is not a graph, however long one looks at it";
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_CHIARO_ERROR(Engine(bytes, {}, "text"), Bundle, "'text'");
  EXPECT_CHIARO_ERROR(Engine({}, {}, "nothing"), Bundle, "'nothing'");
  auto cut = test::graph_bytes("unet");
  cut.resize(cut.size() / 2);
  EXPECT_CHIARO_ERROR(Engine(cut, {}, "cut"), Bundle, "'cut'");
  EXPECT_CHIARO_ERROR(Engine(test::graph_bytes("stack"), {.device = "gpu"}, "x"), Usage, "'gpu'");
  EXPECT_CHIARO_ERROR(Engine(test::graph_bytes("stack"), {.threads = -1}, "x"), Usage, "-1");
  Engine engine = make("stack");
  EXPECT_CHIARO_ERROR(engine.prepare(1, 4, 8, 8), Bundle, "stack");
}

TEST(Processor, IsDescribed) {
  EXPECT_GE(available_cores(), 1);
  EXPECT_FALSE(processor_name().empty());
}

}  // namespace
}  // namespace chiaro::engine::engine_test
