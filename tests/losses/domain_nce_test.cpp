#include "chiaro/losses/domain_nce.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "tests/losses/angles.h"
#include "tests/support/expect_error.h"

namespace chiaro::losses::domain_nce_test {
namespace {

at::Tensor equal_pairs(const at::Tensor& labels) {
  return labels.unsqueeze(0).eq(labels.unsqueeze(1));
}

DomainRelations relations_of(const at::Tensor& domains, const at::Tensor& identities) {
  const auto same = equal_pairs(identities);
  return {equal_pairs(domains), same, same.logical_not()};
}

/// Codes of N samples and of their copies.
at::Tensor logits_of(const at::Tensor& own, const at::Tensor& copy, double temperature) {
  return at::matmul(own, at::cat({own, copy}).t()) / temperature;
}

TEST(DomainNce, OneAnchorByHand) {
  // Anchor at 0°, its copy at 15°, others of the domain at 40°, 95°, 200°, τ = 0.2:
  // ln(1 + Σ exp((cos − cos 15°)/0.2)).
  const auto own = at_angles({0, 40, 95, 200});
  const auto copy = at_angles({15, 0, 0, 0});
  auto pairs = inside_pairs(relations_of(at::zeros({4}, at::kLong), at::arange(4)));
  pairs.queries = pairs.queries.narrow(0, 0, 1);
  pairs.positives = pairs.positives.narrow(0, 0, 1);
  pairs.negatives = pairs.negatives.narrow(0, 0, 1);
  EXPECT_NEAR(domain_nce(logits_of(own, copy, 0.2), pairs).item<double>(), 0.317244, 1e-6);
}

TEST(DomainNce, OfEqualLogitsIsTheLogarithmOfNegativesAndOne) {
  const auto pairs = inside_pairs(relations_of(at::zeros({32}, at::kLong), at::arange(32)));
  EXPECT_NEAR(domain_nce(at::full({32, 64}, 2.5, at::kDouble), pairs).item<double>(), std::log(32),
              1e-12);
}

TEST(DomainNce, NegativesAreTheDistinctOfTheDomainWithoutCopies) {
  // Domains 0 0 0 1 1, scenes 0 1 0 0 1.
  const auto relations = relations_of(at::tensor({0, 0, 0, 1, 1}), at::tensor({0, 1, 0, 0, 1}));
  const auto inside = inside_pairs(relations);
  EXPECT_TRUE(at::equal(inside.positives, at::tensor({5, 6, 7, 8, 9}).to(at::kLong)));
  const auto expected = at::tensor({0, 1, 0, 0, 0,  //
                                    1, 0, 1, 0, 0,  //
                                    0, 1, 0, 0, 0,  //
                                    0, 0, 0, 0, 1,  //
                                    0, 0, 0, 1, 0})
                            .to(at::kBool)
                            .view({5, 5});
  EXPECT_TRUE(at::equal(inside.negatives.narrow(1, 0, 5), expected));
  EXPECT_FALSE(inside.negatives.narrow(1, 5, 5).any().item<bool>());

  const auto own = across_pairs(relations, /*of_positive=*/false);
  const auto other = across_pairs(relations, /*of_positive=*/true);
  EXPECT_EQ(own.queries.size(0), 6);  // (0,3) (1,4) (2,3) (3,0) (3,2) (4,1)
  EXPECT_TRUE(at::equal(own.queries, at::tensor({0, 1, 2, 3, 3, 4}).to(at::kLong)));
  EXPECT_TRUE(at::equal(own.positives, at::tensor({3, 4, 3, 0, 2, 1}).to(at::kLong)));
  EXPECT_TRUE(at::equal(own.negatives[0].narrow(0, 0, 5), expected[0]));
  // Of pair (0,3): what differs from sample 0 in the domain of sample 3.
  EXPECT_TRUE(
      at::equal(other.negatives[0].narrow(0, 0, 5), at::tensor({0, 0, 0, 0, 1}).to(at::kBool)));
}

/// Twelve samples in three domains, four scenes in each.
struct Twelve {
  at::Tensor own, copy;
  DomainRelations relations = relations_of(at::arange(12).div(4, "floor"), at::arange(12) % 4);
  Twelve() {
    torch::manual_seed(3);
    const auto unit = [](const at::Tensor& rows) { return rows / rows.norm(2, 1, true); };
    own = unit(at::randn({12, 5}, at::kDouble));
    copy = unit(own + 0.3 * at::randn({12, 5}, at::kDouble));
  }
  double inside() const {
    return domain_nce(logits_of(own, copy, 0.2), inside_pairs(relations)).item<double>();
  }
};

// Domains 0 0 0 1 1 1, everything distinct: two negatives inside, five anywhere.
TEST(DomainNce, OrdinaryNegativesComeFromAnywhereAllOrEquallyMany) {
  const auto relations = relations_of(at::tensor({0, 0, 0, 1, 1, 1}), at::arange(6));
  const auto inside = inside_pairs(relations);
  const auto all = with_all_negatives(inside, relations.distinct).negatives;
  EXPECT_TRUE(at::equal(all, at::constant_pad_nd(relations.distinct, {0, 6}, 0)));
  auto drawn = at::zeros({6, 12}, at::kLong);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto few = with_equally_many_negatives(inside, relations.distinct, seed).negatives;
    EXPECT_TRUE(at::equal(few.sum(1), inside.negatives.sum(1)));
    EXPECT_FALSE(few.logical_and(all.logical_not()).any().item<bool>());
    drawn += few;
  }
  // Each of five in two of five draws.
  const auto shares = drawn.masked_select(all).to(at::kDouble) / 200;
  EXPECT_GT(shares.min().item<double>(), 0.25);
  EXPECT_LT(shares.max().item<double>(), 0.55);
}

TEST(DomainNce, TurningAWholeDomainChangesNothingInsideAndAlmostAllAcross) {
  Twelve before;
  Twelve after;
  const auto turn = std::get<0>(at::linalg_qr(at::randn({5, 5}, at::kDouble)));
  const auto turned = [&](const at::Tensor& rows) {
    auto result = rows.clone();
    result.slice(0, 4, 8).copy_(at::matmul(rows.slice(0, 4, 8), turn));
    return result;
  };
  after.own = turned(before.own);
  after.copy = turned(before.copy);
  EXPECT_NEAR(before.inside(), after.inside(), 1e-12);
  const auto across = [](const Twelve& all) {
    return domain_nce(logits_of(all.own, all.copy, 0.2), across_pairs(all.relations, false))
        .item<double>();
  };
  EXPECT_GT(std::abs(across(before) - across(after)), 0.01);
}

TEST(DomainNce, CodesOfOtherDomainsNeitherCountNorGetAGradient) {
  Twelve all;
  auto own = all.own.clone().requires_grad_(true);
  // The pairs of the first domain alone.
  auto pairs = inside_pairs(all.relations);
  const auto loss_of = [&](const at::Tensor& codes) {
    DomainPairs first{pairs.queries.narrow(0, 0, 4), pairs.positives.narrow(0, 0, 4),
                      pairs.negatives.narrow(0, 0, 4)};
    return domain_nce(logits_of(codes, all.copy, 0.2), first);
  };
  loss_of(own).backward();
  EXPECT_GT(own.grad().slice(0, 0, 4).abs().min().item<double>(), 0);
  EXPECT_EQ(own.grad().slice(0, 4, 12).abs().max().item<double>(), 0);
  auto moved = all.own.clone();
  moved.slice(0, 4, 12).copy_(all.own.slice(0, 4, 12).flip({0}));
  EXPECT_EQ(loss_of(moved).item<double>(), loss_of(all.own).item<double>());
}

TEST(DomainNce, GradientEqualsFiniteDifferences) {
  const Twelve all;
  for (const bool of_positive : {false, true}) {
    const auto pairs = across_pairs(all.relations, of_positive);
    auto logits = logits_of(all.own, all.copy, 0.2).detach().requires_grad_(true);
    domain_nce(logits, pairs).backward();
    const auto direction = at::randn_like(logits);
    const auto at_offset = [&](double t) {
      return domain_nce(logits.detach() + t * direction, pairs).item<double>();
    };
    const double slope = (at_offset(1e-6) - at_offset(-1e-6)) / 2e-6;
    EXPECT_GT(std::abs(slope), 1e-3);
    EXPECT_NEAR((logits.grad() * direction).sum().item<double>(), slope, 1e-7);
  }
}

TEST(DomainNce, WithoutNegativesIsZeroWithAFiniteGradient) {
  const auto pairs = inside_pairs(relations_of(at::arange(4), at::arange(4)));
  auto logits = at::randn({4, 8}).requires_grad_(true);
  const auto loss = domain_nce(logits, pairs);
  loss.backward();
  EXPECT_EQ(loss.item<double>(), 0);
  EXPECT_EQ(logits.grad().abs().max().item<double>(), 0);
  // Where only some have negatives, those alone count.
  const auto some = inside_pairs(relations_of(at::tensor({0, 0, 1, 2}), at::arange(4)));
  const auto value = domain_nce(at::zeros({4, 8}, at::kDouble), some);
  EXPECT_NEAR(value.item<double>(), std::log(2), 1e-12);
}

TEST(DomainNce, RefusesShapesThatDoNotFit) {
  const auto pairs = inside_pairs(relations_of(at::arange(4), at::arange(4)));
  EXPECT_CHIARO_ERROR(domain_nce(at::zeros({4, 7}), pairs), Internal, "losses.domain_nce");
  EXPECT_CHIARO_ERROR(domain_uniformity(at::zeros({4, 2}), at::zeros({3})), Internal,
                      "domain_uniformity");
}

TEST(DomainUniformity, OfAPointIsZeroAndOfOppositesMinusEight) {
  const auto codes = at_angles({0, 0, 0, 180, 90});
  const auto values = domain_uniformity(codes, at::tensor({0, 0, 1, 1, 2}));
  ASSERT_EQ(values.size(), 2U);  // the last domain has one sample
  EXPECT_NEAR(values[0], 0, 1e-9);
  EXPECT_NEAR(values[1], -8, 1e-9);  // distance 2: ln exp(−2·4)
}

}  // namespace
}  // namespace chiaro::losses::domain_nce_test
