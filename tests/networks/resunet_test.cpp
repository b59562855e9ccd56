#include <ATen/ops/rand.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/networks/network.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks {
namespace {

TEST(Resunet, StartsAsTheIdentity) {
  torch::manual_seed(1);
  const auto network = make("resunet");
  const auto x = at::rand({2, 3, 32, 48});
  EXPECT_TRUE(at::equal(network->forward(x), x));
}

TEST(Resunet, DefaultFitsTheShippedBundle) {
  const auto network = make("resunet");
  printf("%ld parameters, %g GMAC, rf %ld\n", (long)parameter_count(*network),
         multiplications(*network, 512, 512) / 1e9, (long)network->geometry().receptive_field_px);
  EXPECT_LT(parameter_count(*network), 1'900'000);
}

}  // namespace
}  // namespace chiaro::networks
