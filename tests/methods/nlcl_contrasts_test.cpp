// The two contrasts of nlcl against their definitions, number by number.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "chiaro/base/rng.h"
#include "chiaro/networks/tapped.h"
#include "chiaro/nn/block_matching.h"
#include "chiaro/nn/patch_discriminator.h"
#include "chiaro/nn/projection_heads.h"
#include "tests/methods/nlcl_cases.h"

namespace chiaro::methods::nlcl_contrasts_test {
namespace {

using namespace nlcl_cases;

constexpr std::uint64_t kSeed = 3;
constexpr double kTemperature = 0.07;
constexpr std::int64_t kSamples = 2;

template <class Module>
std::shared_ptr<Module> part(Method& method, const std::string& name) {
  return std::dynamic_pointer_cast<Module>(method.state().named_children()[name]);
}

double power(const at::Tensor& a, const at::Tensor& b) {
  return std::exp((a.to(at::kDouble) * b.to(at::kDouble)).sum().item<double>() / kTemperature);
}

Rng draws(const data::Batch& batch, std::int64_t sample, const char* purpose) {
  return Rng(kSeed, {stable_hash(purpose), batch.seeds[static_cast<std::size_t>(sample)]});
}

nn::BlockMatching matching(std::int64_t count) {
  return {.patch_px = 8, .window_px = 20, .count = count, .spacing_px = 0};
}

/// −1/|S| Σ_{p∈S} log( exp(v·v_p/τ) / Σ_a exp(v·v_a/τ) ), S: those of the layer of v.
double of_anchor(const std::vector<at::Tensor>& pool, std::size_t i, std::size_t first,
                 std::size_t end) {
  double all = 0;
  for (std::size_t a = 0; a < pool.size(); ++a)
    if (a != i) all += power(pool[i], pool[a]);
  double sum = 0;
  for (std::size_t p = first; p < end; ++p)
    if (p != i) sum -= std::log(power(pool[i], pool[p]) / all);
  return sum / static_cast<double>(end - first - 1);
}

TEST(NlclContrasts, LayerEqualsItsDefinition) {
  const auto method = made(alone("layer"), kSeed);
  stir(*method);
  const auto batch = rainy(kSamples);
  const c10::NoGradGuard no_grad;
  const auto judge = part<nn::PatchDiscriminator>(*method, "discriminator");
  const auto image_heads = part<nn::ProjectionHeads>(*method, "image_heads");
  const auto damage_heads = part<nn::ProjectionHeads>(*method, "damage_heads");
  ASSERT_TRUE(judge && image_heads && damage_heads);
  const auto output = method->product().restorer->forward(batch.input);
  const auto b = 2 * output - 1;
  const auto r = (2 * batch.input - 1) - b;
  const auto of_image = judge->look(b).features;
  const auto of_damage = judge->look(r).features;
  constexpr std::int64_t kTaps = 3;  // the pixels and two maps, the last left out
  ASSERT_EQ(of_image.size(), kTaps + 1U);
  double expected = 0;
  for (std::int64_t n = 0; n < kSamples; ++n) {
    Rng rng = draws(batch, n, "layer places");
    const auto image_places = nn::sample_places(b[n], matching(4), rng);
    const auto damage_places = nn::sample_places(r[n], matching(16), rng);
    for (std::size_t t = 0; t < kTaps; ++t) {
      std::vector<at::Tensor> pool;
      for (const auto& v :
           image_heads->project(t, nn::vectors_at(of_image[t][n], image_places)).unbind(0))
        pool.push_back(v);
      for (const auto& v :
           damage_heads->project(t, nn::vectors_at(of_damage[t][n], damage_places)).unbind(0))
        pool.push_back(v);
      ASSERT_EQ(pool.size(), 20U);
      for (std::size_t i = 0; i < pool.size(); ++i)
        expected += (i < 4 ? of_anchor(pool, i, 0, 4) : of_anchor(pool, i, 4, 20)) / 20 /
                    (kTaps * kSamples);
    }
  }
  EXPECT_NEAR(method->losses(batch, {}).terms[0].value.item<double>(), expected, 1e-4);
}

// Half of the term is about the damaged pictures, half about the clean ones; both by the restorer's
// own first layers.
TEST(NlclContrasts, LocationEqualsItsDefinition) {
  const auto method = made(alone("location"), kSeed);
  stir(*method);
  const auto batch = rainy(kSamples);
  const c10::NoGradGuard no_grad;
  const auto restorer = method->product().restorer;
  auto* encoder = dynamic_cast<networks::Tapped*>(restorer.get());
  const auto heads = part<nn::ProjectionHeads>(*method, "location_heads");
  ASSERT_TRUE(encoder != nullptr && heads);
  double expected = 0;
  double terms = 0;
  for (const bool clean : {false, true}) {
    const auto& pictures = clean ? batch.unpaired : batch.input;
    const auto sources = encoder->taps(pictures);
    const auto outputs = encoder->taps(restorer->forward(pictures));
    for (std::int64_t n = 0; n < kSamples; ++n) {
      Rng rng = draws(batch, n, clean ? "clean places" : "places");
      const auto places = nn::sample_places(sources[0][n], matching(32), rng);
      for (std::size_t t = 0; t < sources.size(); ++t) {
        const auto queries = heads->project(t, nn::vectors_at(outputs[t][n], places));
        const auto keys = heads->project(t, nn::vectors_at(sources[t][n], places));
        ASSERT_EQ(queries.size(0), 32);
        for (std::int64_t s = 0; s < 32; ++s) {
          double all = 0;
          for (std::int64_t u = 0; u < 32; ++u) all += power(queries[s], keys[u]);
          expected -= std::log(power(queries[s], keys[s]) / all);
          ++terms;
        }
      }
    }
  }
  EXPECT_NEAR(method->losses(batch, {}).terms[0].value.item<double>(), expected / terms, 1e-4);
}

}  // namespace
}  // namespace chiaro::methods::nlcl_contrasts_test
