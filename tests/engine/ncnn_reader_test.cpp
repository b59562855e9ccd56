// Networks in ncnn's format, small enough to compute by hand.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "chiaro/engine/engine.h"
#include "tests/support/expect_error.h"

namespace chiaro::engine::ncnn_reader_test {
namespace {

const EngineOptions kOneThread{.precision = Precision::F32, .threads = 1};

class Weights {
 public:
  template <typename Value>
  Weights& put(std::initializer_list<Value> values) {
    for (const Value value : values) {
      std::byte raw[sizeof(Value)];
      std::memcpy(raw, &value, sizeof(Value));
      bytes.insert(bytes.end(), std::begin(raw), std::end(raw));
    }
    return *this;
  }
  std::vector<std::byte> bytes;
};

constexpr std::uint32_t kHalfMark = 0x01306B47;
constexpr std::uint16_t kOne = 0x3C00;       // as float16
constexpr std::uint16_t kMinusTwo = 0xC000;  // the same

// One channel becomes its double in float32 and, in float16 padded to four bytes, what is left of
// 1 − 2 v; both are joined, and the largest of 2×2 taken, sides rounded up.
const std::string kNetwork =
    "7767517\n6 7\n"
    "Input in0 0 1 in0\n"
    "Split split 1 2 in0 a b\n"
    "Convolution first 1 1 a c 0=1 1=1 3=1 4=0 5=1 6=1 9=0\n"
    "Convolution second 1 1 b d 0=1 1=1 5=1 6=1 9=1\n"
    "Concat both 2 1 c d e 0=0\n"
    "Pooling pool 1 1 e f 0=0 1=2 2=2 3=0 5=0\n"
    "Softmax last 1 1 f g\n";

Weights weights_of_network() {
  Weights weights;
  weights.put<std::uint32_t>({0}).put<float>({2.0F}).put<float>({0.0F});
  weights.put<std::uint32_t>({kHalfMark}).put<std::uint16_t>({kMinusTwo, kOne});
  return weights.put<float>({1.0F});
}

TEST(NcnnReader, RunsUpToTheWantedBlobs) {
  const Weights weights = weights_of_network();
  const std::vector<std::string> blobs{"f", "d"};
  Engine engine = Engine::of_ncnn(kNetwork, weights.bytes, blobs, kOneThread, "small");
  EXPECT_EQ(engine.stated_input_shape("in0"), (std::vector<std::int64_t>{0, 1, 0, 0}));
  const auto outputs = engine.run_once({{1, 1, 2, 3}, {0.25F, 0.5F, -1.0F, 0.0F, 0.0F, 0.0F}});
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[1].values, (std::vector<float>{0.5F, 0.0F, 3.0F, 1.0F, 1.0F, 1.0F}));
  EXPECT_EQ(outputs[0].shape, (std::vector<std::int64_t>{1, 2, 1, 2}));
  EXPECT_EQ(outputs[0].values, (std::vector<float>{1.0F, 0.0F, 1.0F, 3.0F}));
}

TEST(NcnnReader, RefusesWhatItCannotRead) {
  const Weights weights = weights_of_network();
  const auto refused = [&](const std::string& text, const std::vector<std::string>& blobs,
                           std::size_t bytes, const std::string& why) {
    EXPECT_CHIARO_ERROR(
        Engine::of_ncnn(text, std::span(weights.bytes).first(bytes), blobs, kOneThread, "small"),
        Bundle, why);
  };
  const std::size_t all = weights.bytes.size();
  refused("no network", {"f"}, all, "7767517");
  refused(kNetwork, {"f"}, all - 1, "too short");
  refused(kNetwork, {"g"}, all, "Softmax");
  refused("7767517\n1 1\nInput in0 0 1 in0\n", {"z"}, all, "no blob 'z'");
  refused("7767517\n1 1\nConvolution c 1 1 x y 0=1 1=1 5=1 6=1\n", {"y"}, all, "nothing gives");
  refused("7767517\n1 1\nInput in0 0 9\n", {"y"}, all, "incomplete");
  const std::string input = "7767517\n2 2\nInput in0 0 1 x\n";
  refused(input + "Convolution c 1 1 x y 0=2 1=1 5=1 6=1\n", {"y"}, all, "contradict");
  refused(input + "Convolution c 1 1 x y 0=1 1=1 2=2 5=1 6=1\n", {"y"}, all, "square kernel");
  // 4294967300 is 4 where one counts in 32 bits.
  refused(input + "Convolution c 1 1 x y 0=1 1=1 5=1 6=1 4294967300=0\n", {"y"}, all, "not known");
  refused(input + "Pooling p 1 1 x y 0=1 1=2 2=2\n", {"y"}, all, "largest value");
}

}  // namespace
}  // namespace chiaro::engine::ncnn_reader_test
