#include "chiaro/restore/restorer_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "chiaro/base/process_memory.h"
#include "tests/support/expect_error.h"
#include "tests/support/graph_bundle.h"

namespace chiaro::restore::restorer_pool_test {
namespace {

using namespace std::chrono_literals;

TEST(RestorerPool, LendsEachToOneAtATime) {
  RestorerPool pool(open_restorers(test::graph_bundle("stack"), {.threads = 1}, 2));
  EXPECT_EQ(pool.size(), 2);
  EXPECT_EQ(pool.any().manifest().name, "stack");
  std::atomic<bool> third = false;
  std::jthread waiting;
  const Restorer* given_back = nullptr;
  {
    const auto first = pool.take();
    {
      const auto second = pool.take();
      EXPECT_NE(&*first, &*second);
      given_back = &*second;
      waiting = std::jthread([&] {
        const auto lease = pool.take();
        EXPECT_EQ(&*lease, given_back);
        third = true;
      });
      std::this_thread::sleep_for(50ms);
      EXPECT_FALSE(third);
    }
    waiting.join();
    EXPECT_TRUE(third);
  }
  // The last that came back is the first to go.
  const Restorer* last = nullptr;
  {
    const auto one = pool.take();
    last = &*one;
  }
  EXPECT_EQ(&*pool.take(), last);
}

TEST(RestorerPool, AllGiveTheSameResult) {
  image::Image picture(3, 40, 50);
  for (std::size_t i = 0; i < picture.pixels().size(); ++i)
    picture.pixels()[i] = static_cast<float>(i % 97) / 97;
  RestorerPool pool(open_restorers(test::graph_bundle("stack"), {.threads = 1}, 2));
  const auto first = pool.take();
  const auto second = pool.take();
  const auto a = first->restore(picture);
  const auto b = second->restore(picture);
  EXPECT_TRUE(std::ranges::equal(a.pixels(), b.pixels()));
}

TEST(RestorerPool, HowManyAreFastest) {
  if (available_memory_bytes() < std::int64_t{3} << 30) GTEST_SKIP() << "needs 3 GiB of memory";
  EXPECT_EQ(fastest_restorers(200, 2, 0), 2);
  EXPECT_EQ(fastest_restorers(200, 16, 0), 2);
  EXPECT_EQ(fastest_restorers(200, 1, 0), 1);
  EXPECT_EQ(fastest_restorers(3, 2, 0), 1);
  EXPECT_EQ(fastest_restorers(200, 2, std::int64_t{8} << 30), 1);
  EXPECT_CHIARO_ERROR(RestorerPool({}), Internal, "no restorer");
}

}  // namespace
}  // namespace chiaro::restore::restorer_pool_test
