#include "chiaro/methods/scene_rivals.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace chiaro::methods::scene_rivals_test {
namespace {

/// Scene 1 four times: clean, clean, noise 0.3, noise 0.31; scene 2 twice: noise 0.3, noise 0.6.
data::Batch six() {
  data::Batch batch;
  batch.content = at::tensor({1, 1, 1, 1, 2, 2}).to(at::kLong);
  batch.severities = at::zeros({6, 2});
  batch.severities.select(1, 1).copy_(at::tensor({0.0, 0.0, 0.3, 0.31, 0.3, 0.6}));
  batch.kinds = batch.severities.gt(0);
  batch.kinds.select(1, 0).copy_(batch.kinds.select(1, 1).logical_not());
  return batch;
}

TEST(SceneRivals, ShowTheSameSceneUnderAnotherDamage) {
  const auto expected = at::tensor({0, 0, 1, 1, 0, 0,  //
                                    0, 0, 1, 1, 0, 0,  //
                                    1, 1, 0, 0, 0, 0,  //
                                    1, 1, 0, 0, 0, 0,  //
                                    0, 0, 0, 0, 0, 1,  //
                                    0, 0, 0, 0, 1, 0})
                            .view({6, 6})
                            .to(at::kBool);
  EXPECT_TRUE(at::equal(scene_rivals(six()), expected));
}

TEST(SceneRivals, AnUnknownSeverityMayBeTheSame) {
  auto batch = six();
  batch.severities.select(1, 1).select(0, 5).fill_(-1);
  const auto rivals = scene_rivals(batch);
  EXPECT_FALSE(rivals[4][5].item<bool>());
  EXPECT_FALSE(rivals[5][4].item<bool>());
  batch.kinds[5].copy_(batch.kinds[0]);  // of another kind it is another damage
  EXPECT_TRUE(scene_rivals(batch)[4][5].item<bool>());
}

TEST(SceneRivals, WhereNoDamageIsKnownTheSceneDecides) {
  data::Batch batch = six();
  batch.kinds = at::Tensor();
  batch.severities = at::Tensor();
  const auto rivals = scene_rivals(batch);
  EXPECT_EQ(rivals.sum().item<std::int64_t>(), 4 * 3 + 2);
  EXPECT_FALSE(rivals.diagonal().any().item<bool>());
}

TEST(SceneRivals, ScenesShownOnceAreRefused) {
  data::Batch batch = six();
  batch.content = at::arange(6, at::kLong);
  EXPECT_CHIARO_ERROR(scene_rivals(batch), Usage, "data.variants");
}

}  // namespace
}  // namespace chiaro::methods::scene_rivals_test
