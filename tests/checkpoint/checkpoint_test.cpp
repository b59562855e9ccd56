#include "chiaro/checkpoint/checkpoint.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/bundle/safetensors.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::checkpoint::checkpoint_test {
namespace {

namespace fs = std::filesystem;

/// Same type, shape and bytes.
bool same_bytes(const at::Tensor& left, const at::Tensor& right) {
  if (left.scalar_type() != right.scalar_type() || left.sizes() != right.sizes()) return false;
  const auto a = left.contiguous();
  const auto b = right.contiguous();
  return a.nbytes() == 0 || std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()) == 0;
}

bool same(const Checkpoint& left, const Checkpoint& right) {
  if (left.tensors.size() != right.tensors.size() || left.numbers.size() != right.numbers.size())
    return false;
  for (const auto& [name, tensor] : left.tensors) {
    const auto found = right.tensors.find(name);
    if (found == right.tensors.end() || !same_bytes(tensor, found->second)) return false;
  }
  for (const auto& [name, number] : left.numbers) {
    const auto found = right.numbers.find(name);
    if (found == right.numbers.end() ||
        std::bit_cast<std::uint64_t>(number) != std::bit_cast<std::uint64_t>(found->second)) {
      return false;
    }
  }
  return left.texts == right.texts && left.integers == right.integers;
}

Checkpoint small() {
  Checkpoint checkpoint;
  checkpoint.tensors["w"] = torch::tensor({0.1F, -2.5F, 3e-30F});
  checkpoint.tensors["flag"] = torch::tensor({true, false});
  checkpoint.texts["t"] = "a \"quoted\"\nline";
  checkpoint.integers["step"] = 7;
  checkpoint.numbers["best"] = 0.1;
  return checkpoint;
}

/// Without the syncing of an atomic write: for tests that write thousands of files.
void write_plainly(const fs::path& path, const std::vector<std::byte>& bytes) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

/// A safetensors file around a hand-written header, to be refused.
std::vector<std::byte> with_header(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::vector<std::byte> bytes(8 + header.size() + data_bytes);
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

TEST(Checkpoint, EveryTypeAndShapeComesBack) {
  const test::TemporaryFolder folder;
  Checkpoint stored;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt,
                          at::kByte, at::kBool}) {
    const std::string name = std::string("deep.") + at::toString(type);
    stored.tensors[name + ".matrix"] = (torch::rand({3, 5}) * 100).to(type);
    stored.tensors[name + ".scalar"] = (torch::rand({}) * 100).to(type);
    stored.tensors[name + ".empty"] = torch::empty({0, 4}, type);
  }
  stored.tensors["strided"] = torch::rand({4, 6}).t();
  stored.tensors["channels_last"] =
      torch::rand({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  stored.tensors["view"] = torch::rand({10}).slice(0, 3, 7);
  stored.tensors["trained"] = torch::rand({2}, torch::requires_grad());
  stored.tensors["odd"] = torch::tensor({std::numeric_limits<float>::quiet_NaN(), -0.0F,
                                         std::numeric_limits<float>::infinity(), 1e-45F});
  save(folder / "c.safetensors", stored);
  const auto loaded = load(folder / "c.safetensors");
  EXPECT_TRUE(same(loaded, stored));
  EXPECT_TRUE(loaded.tensors.at("strided").is_contiguous());
  EXPECT_FALSE(loaded.tensors.at("trained").requires_grad());
}

TEST(Checkpoint, ValuesComeBackExactly) {
  const test::TemporaryFolder folder;
  Checkpoint stored;
  stored.texts = {
      {"recipe", "[train]\nsteps = 3 # \"ü\" \\ \t\n"}, {"empty", ""}, {"text:nested", "x"}};
  stored.integers = {{"least", std::numeric_limits<std::int64_t>::min()},
                     {"most", std::numeric_limits<std::int64_t>::max()},
                     {"recipe", -1}};
  stored.numbers = {{"tenth", 0.1},
                    {"negative_zero", -0.0},
                    {"tiny", std::numeric_limits<double>::denorm_min()},
                    {"infinite", -std::numeric_limits<double>::infinity()},
                    {"payload", std::bit_cast<double>(std::uint64_t{0x7ff8dead0000beef})}};
  save(folder / "c.safetensors", stored);
  EXPECT_TRUE(same(load(folder / "c.safetensors"), stored));
}

TEST(Checkpoint, EmptyComesBack) {
  const test::TemporaryFolder folder;
  save(folder / "c.safetensors", {});
  EXPECT_TRUE(same(load(folder / "c.safetensors"), {}));
}

TEST(Checkpoint, SameContentsSameBytes) {
  const test::TemporaryFolder folder;
  save(folder / "a", small());
  save(folder / "b", load(folder / "a"));
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
}

TEST(Checkpoint, WhatCannotBeStoredIsRefused) {
  const test::TemporaryFolder folder;
  const auto refuse = [&](const std::string& name, const at::Tensor& tensor, const char* part) {
    Checkpoint checkpoint;
    checkpoint.tensors[name] = tensor;
    EXPECT_CHIARO_ERROR(save(folder / "c", checkpoint), Internal, part);
  };
  refuse("complex", torch::zeros({2}, at::kComplexFloat), "'complex' has type");
  refuse("nothing", {}, "undefined");
  refuse("", torch::zeros({2}), "no name");
  refuse("\xff", torch::zeros({2}), "UTF-8");
  Checkpoint unnamed;
  unnamed.integers[""] = 1;
  EXPECT_CHIARO_ERROR(save(folder / "c", unnamed), Internal, "no name");
  EXPECT_FALSE(fs::exists(folder / "c"));
  EXPECT_CHIARO_ERROR(save(folder / "absent" / "c", small()), Output, "absent");
  EXPECT_CHIARO_ERROR(load(folder / "absent"), Input, "absent");
}

TEST(Checkpoint, FlippedBitsAreFoundInEveryByte) {
  const test::TemporaryFolder folder;
  const auto path = folder / "c.safetensors";
  save(path, small());
  auto bytes = read_file(path);
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  int harmless = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto original = bytes[i];
    for (const std::size_t bit : {i % 8, (i + 3) % 8}) {  // all eight would take seconds
      bytes[i] = original ^ static_cast<std::byte>(1 << bit);
      write_plainly(path, bytes);
      try {
        // Only a blank that pads the header may change unseen, and only if nothing is lost.
        const bool unharmed = same(load(path), small());
        EXPECT_TRUE(unharmed && original == std::byte{' '} && i >= 8 && i < 8 + header_bytes)
            << "byte " << i;
        ++harmless;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Bundle);
        EXPECT_NE(std::string(error.what()).find("c.safetensors"), std::string::npos)
            << error.what();
      }
    }
    bytes[i] = original;
  }
  EXPECT_LE(harmless, 8);
}

TEST(Checkpoint, EveryTruncationIsFound) {
  const test::TemporaryFolder folder;
  const auto path = folder / "c.safetensors";
  save(path, small());
  const auto bytes = read_file(path);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    write_plainly(path, {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)});
    EXPECT_CHIARO_ERROR(load(path), Bundle, "c.safetensors");
  }
  auto longer = bytes;
  longer.push_back(std::byte{0});
  write_plainly(path, longer);
  EXPECT_CHIARO_ERROR(load(path), Bundle, "c.safetensors");
}

TEST(Checkpoint, HostileHeadersAreRefused) {
  const test::TemporaryFolder folder;
  const auto path = folder / "c.safetensors";
  const auto refuse = [&](const std::vector<std::byte>& bytes) {
    write_plainly(path, bytes);
    EXPECT_CHIARO_ERROR(load(path), Bundle, "c.safetensors' is damaged");
  };
  const auto tensors = [](const std::string& entries) {
    return R"({"__metadata__":{"chiaro.format":"checkpoint 1"},)" + entries + "}";
  };
  refuse(with_header(
      tensors(
          R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})"),
      8));
  refuse(with_header(tensors(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]})"), 8));
  refuse(with_header(tensors(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), 8));
  refuse(with_header(
      tensors(R"("a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]})"), 0));
  refuse(with_header(tensors(R"("a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"), 4));
  refuse(with_header(tensors(R"("a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]})"), 4));
  refuse(with_header(
      tensors(
          R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]})"),
      4));
  refuse(with_header(std::string(100'000, '['), 0));
  auto huge = with_header("{}", 0);
  const std::uint64_t claimed = std::uint64_t{1} << 63;
  std::memcpy(huge.data(), &claimed, 8);
  refuse(huge);
}

TEST(Checkpoint, OtherSafetensorsFilesAreRefused) {
  const test::TemporaryFolder folder;
  const std::vector<std::byte> zeros(4);
  const bundle::TensorMap foreign = {{"a", {bundle::Dtype::U32, {1}, zeros}}};
  bundle::write_safetensors(folder / "foreign", foreign);
  EXPECT_CHIARO_ERROR(load(folder / "foreign"), Bundle, "is not a checkpoint");
  bundle::write_safetensors(folder / "later", foreign,
                            {{"chiaro.format", "checkpoint 2"}, {"chiaro.checksum", ""}});
  EXPECT_CHIARO_ERROR(load(folder / "later"), Bundle, "got format 'checkpoint 2'");
}

TEST(Checkpoint, NamesBelowAPrefix) {
  EXPECT_TRUE(is_below("network.stem.weight", "network"));
  EXPECT_TRUE(is_below("network.stem.weight", "network.stem"));
  EXPECT_FALSE(is_below("networks.stem", "network"));
  EXPECT_FALSE(is_below("network", "network"));
  EXPECT_TRUE(is_below("network", ""));
  EXPECT_EQ(below("a", "b"), "a.b");
  EXPECT_EQ(below("", "b"), "b");
}

}  // namespace
}  // namespace chiaro::checkpoint::checkpoint_test
