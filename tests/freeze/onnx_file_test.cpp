#include "chiaro/freeze/onnx_file.h"

#include <gtest/gtest.h>

#include <span>

#include "chiaro/base/rng.h"
#include "tests/support/expect_error.h"

namespace chiaro::freeze::onnx_file_test {
namespace {

OnnxTensor tensor(const std::string& name, std::vector<std::int64_t> shape,
                  const std::vector<float>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {name, OnnxType::Float, std::move(shape), {bytes.begin(), bytes.end()}};
}

OnnxModel sample() {
  OnnxModel model;
  model.graph_name = "g";
  model.producer_version = "0";
  model.nodes = {{"Add", "/Add", {"input", "w"}, {"output"}, {}}};
  model.initializers = {tensor("w", {2, 1}, {1.5F, -2}), tensor("/made/0", {}, {3}),
                        tensor("none", {0, 4}, {})};
  model.inputs = {{"input", {"batch_size", std::int64_t{2}}, "", {}}};
  model.outputs = {{"output", {"batch_size", std::int64_t{2}}, "", {}}};
  model.metadata = {{"key", "value"}};
  return model;
}

std::string operator""_b(const char* text, std::size_t size) {
  return {text, size};
}

std::string field(char tag, const std::string& content) {
  return std::string(1, tag) + static_cast<char>(content.size()) + content;
}

// The smallest complete file, spelt out after the protocol-buffer encoding and onnx.proto.
TEST(OnnxFile, WritesTheWireFormat) {
  OnnxModel model;
  model.graph_name = "g";
  model.producer_version = "1";
  model.nodes = {{"Relu", "r", {"input"}, {"output"}, {{"a", std::int64_t{-1}}, {"f", 0.5F}}}};
  const std::string minus_one = "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"_b;
  const std::string half = "\x15\x00\x00\x00\x3f"_b;
  const std::string node = field('\x0a', "input") + field('\x12', "output") + field('\x1a', "r") +
                           field('\x22', "Relu") +
                           field('\x2a', field('\x0a', "a") + minus_one + "\xa0\x01\x02"_b) +
                           field('\x2a', field('\x0a', "f") + half + "\xa0\x01\x01"_b);
  const std::string expected = "\x08\x08"_b + field('\x12', "chiaro") + field('\x1a', "1") +
                               field('\x3a', field('\x0a', node) + field('\x12', "g")) +
                               field('\x42', "\x0a\x00\x10\x11"_b);
  const auto bytes = serialize_onnx(model);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), expected);
}

TEST(OnnxFile, InitialisersReadBack) {
  const auto model = sample();
  const auto read = read_onnx_initializers(serialize_onnx(model), "test");
  ASSERT_EQ(read.size(), 3U);
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].name, model.initializers[i].name);
    EXPECT_EQ(read[i].shape, model.initializers[i].shape);
    EXPECT_EQ(read[i].bytes, model.initializers[i].bytes);
  }
}

TEST(OnnxFile, EveryTruncationIsOneErrorOrAShorterFile) {
  const auto whole = serialize_onnx(sample());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    try {
      read_onnx_initializers(std::span(whole).first(length), "test");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Bundle);
    }
  }
}

TEST(OnnxFile, AFieldLongerThanTheFileIsRefused) {
  const std::string graph_of_5_bytes = "\x3a\x05"_b +
                                       "\x12\x01"
                                       "g"_b;
  EXPECT_CHIARO_ERROR(read_onnx_initializers(std::as_bytes(std::span(graph_of_5_bytes)), "test"),
                      Bundle, "longer than the file");
}

TEST(OnnxFile, RandomDamageNeverCrashes) {
  const auto whole = serialize_onnx(sample());
  Rng rng(1);
  for (int trial = 0; trial < 20000; ++trial) {
    auto damaged = whole;
    for (int k = 0; k < 3; ++k) {
      damaged[static_cast<std::size_t>(
          rng.integer(0, static_cast<std::int64_t>(whole.size()) - 1))] =
          static_cast<std::byte>(rng.integer(0, 255));
    }
    try {
      read_onnx_initializers(damaged, "test");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Bundle);
    }
  }
}

TEST(OnnxFile, AShapeThatDoesNotFitItsBytesIsRefused) {
  auto model = sample();
  model.initializers[0].shape = {3, 1};
  EXPECT_CHIARO_ERROR(read_onnx_initializers(serialize_onnx(model), "test"), Bundle, "'w'");
  model.initializers[0].shape = {std::int64_t{1} << 62, std::int64_t{1} << 62};
  EXPECT_CHIARO_ERROR(read_onnx_initializers(serialize_onnx(model), "test"), Bundle, "'w'");
  model.initializers[0].shape = {-2, -1};
  EXPECT_CHIARO_ERROR(read_onnx_initializers(serialize_onnx(model), "test"), Bundle, "'w'");
}

TEST(OnnxFile, SomethingElseIsRefused) {
  EXPECT_CHIARO_ERROR(read_onnx_initializers({}, "x.onnx"), Bundle, "x.onnx");
  const std::string text = "this is no graph";
  EXPECT_CHIARO_ERROR(read_onnx_initializers(std::as_bytes(std::span(text)), "x.onnx"), Bundle,
                      "x.onnx");
}

}  // namespace
}  // namespace chiaro::freeze::onnx_file_test
