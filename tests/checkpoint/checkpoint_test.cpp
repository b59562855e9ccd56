#include "chiaro/checkpoint/checkpoint.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::checkpoint {
namespace {

TEST(Checkpoint, ComesBack) {
  const test::TemporaryFolder folder;
  Checkpoint stored;
  stored.tensors["a.b"] = torch::rand({2, 3});
  stored.numbers["x"] = 0.1;
  save(folder / "c.safetensors", stored);
  const auto loaded = load(folder / "c.safetensors");
  EXPECT_TRUE(torch::equal(loaded.tensors.at("a.b"), stored.tensors.at("a.b")));
  EXPECT_EQ(loaded.numbers, stored.numbers);
}

}  // namespace
}  // namespace chiaro::checkpoint
