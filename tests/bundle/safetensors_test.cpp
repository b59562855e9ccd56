#include "chiaro/bundle/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::bundle::safetensors_test {
namespace {

/// A file from a header text and data, however wrong.
std::vector<std::byte> file_of(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::vector<std::byte> bytes(8 + header.size() + data.size());
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  std::memcpy(bytes.data() + 8 + header.size(), data.data(), data.size());
  return bytes;
}

Safetensors parse(const std::string& header, const std::string& data) {
  return Safetensors::parse(file_of(header, data), "test");
}

TEST(Safetensors, SurvivesWritingAndReading) {
  const float floats[6] = {1, 2, 3, 4, 5, 6.5F};
  const std::int64_t wide[1] = {-7};
  const std::uint8_t small[3] = {1, 2, 255};
  TensorMap tensors;
  tensors["b.weight"] = {Dtype::F32, {2, 3}, std::as_bytes(std::span(floats))};
  tensors["a.small"] = {Dtype::U8, {3}, std::as_bytes(std::span(small))};
  tensors["step"] = {Dtype::I64, {}, std::as_bytes(std::span(wide))};
  tensors["empty"] = {Dtype::Bf16, {0, 4}, {}};
  test::TemporaryFolder folder;
  write_safetensors(folder / "x.safetensors", tensors, {{"kind", "test"}});
  const auto file = Safetensors::read(folder / "x.safetensors");
  ASSERT_EQ(file.tensors().size(), 4U);
  EXPECT_EQ(file.metadata().at("kind"), "test");
  EXPECT_EQ(file.tensor("b.weight").shape, (std::vector<std::int64_t>{2, 3}));
  for (const auto& [name, tensor] : tensors) {
    const auto& back = file.tensor(name);
    EXPECT_EQ(back.dtype, tensor.dtype);
    EXPECT_TRUE(
        std::equal(back.bytes.begin(), back.bytes.end(), tensor.bytes.begin(), tensor.bytes.end()))
        << name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(back.bytes.data()) % dtype_size(back.dtype), 0U)
        << name;
  }
  EXPECT_EQ(serialize_safetensors(tensors), serialize_safetensors(tensors));
  EXPECT_CHIARO_ERROR(file.tensor("b.weigth"), Bundle, "did you mean 'b.weight'");
}

TEST(Safetensors, ReadsTheReferenceLayout) {
  const auto file = parse(R"({"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}   )", "abcd");
  EXPECT_EQ(file.tensor("x").dtype, Dtype::Bf16);
  EXPECT_EQ(file.tensor("x").bytes.size(), 4U);
  EXPECT_EQ(dtype_name(Dtype::Bf16), "BF16");
}

TEST(Safetensors, WrongLengthsAreAFaultOfTheCaller) {
  const float value[1] = {1};
  EXPECT_CHIARO_ERROR(
      serialize_safetensors({{"x", {Dtype::F32, {2}, std::as_bytes(std::span(value))}}}), Internal,
      "'x'");
}

TEST(Safetensors, DamagedFilesAreRefused) {
  EXPECT_CHIARO_ERROR(Safetensors::parse({}, "test"), Bundle, "test");
  EXPECT_CHIARO_ERROR(Safetensors::parse(std::vector<std::byte>(8, std::byte{0xff}), "test"),
                      Bundle, "claims");
  EXPECT_CHIARO_ERROR(parse("{", ""), Bundle, "no JSON object");
  EXPECT_CHIARO_ERROR(parse("[]", ""), Bundle, "no JSON object");
  EXPECT_CHIARO_ERROR(parse(R"({"x":1})", ""), Bundle, "'x' lacks");
  const auto entry = [](const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
    return R"({"x":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
           offsets + "}}";
  };
  EXPECT_CHIARO_ERROR(parse(entry("F8", "[1]", "[0,4]"), "abcd"), Bundle, "unknown dtype");
  EXPECT_CHIARO_ERROR(parse(entry("F32", "[-1]", "[0,4]"), "abcd"), Bundle, "no size");
  EXPECT_CHIARO_ERROR(parse(entry("F32", "[1.5]", "[0,4]"), "abcd"), Bundle, "no size");
  EXPECT_CHIARO_ERROR(parse(entry("F32", "[18446744073709551615]", "[0,4]"), "abcd"), Bundle,
                      "no size");
  EXPECT_CHIARO_ERROR(parse(entry("F32", "3", "[0,4]"), "abcd"), Bundle, "no list");
  EXPECT_CHIARO_ERROR(parse(entry("F32", "[1]", "[0,8]"), "abcd"), Bundle, "outside");
  EXPECT_CHIARO_ERROR(parse(entry("F32", "[1]", "[4,0]"), "abcd"), Bundle, "outside");
  EXPECT_CHIARO_ERROR(parse(entry("F32", "[1]", "[0]"), "abcd"), Bundle, "offsets");
  EXPECT_CHIARO_ERROR(parse(entry("F32", "[1]", "[-4,0]"), "abcd"), Bundle, "offsets");
  EXPECT_CHIARO_ERROR(parse(entry("F32", "[2]", "[0,4]"), "abcd"), Bundle, "its shape's");
  // 2^62 elements of 4 bytes overflow 64 bits to 0.
  EXPECT_CHIARO_ERROR(parse(entry("F32", "[4611686018427387904]", "[0,0]"), ""), Bundle,
                      "its shape's");
  EXPECT_CHIARO_ERROR(parse(entry("F32", "[4294967296,4294967296]", "[0,0]"), ""), Bundle,
                      "its shape's");
  EXPECT_CHIARO_ERROR(parse(entry("U8", "[2]", "[0,2]"), "abcd"), Bundle, "belong to no tensor");
  EXPECT_CHIARO_ERROR(
      parse(
          R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
          "abc"),
      Bundle, "overlap");
  EXPECT_CHIARO_ERROR(parse(R"({"__metadata__":{"a":1}})", ""), Bundle, "metadata");
}

}  // namespace
}  // namespace chiaro::bundle::safetensors_test
