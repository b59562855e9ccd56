// What the tests of nlcl are made of.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/utils.h>

#include <memory>
#include <string>

#include "chiaro/methods/catalogue.h"

namespace chiaro::methods::nlcl_cases {

/// Small parts, so that a step takes milliseconds.
inline OptionTable small(OptionTable more = {}) {
  OptionTable options{{"patch_px", std::int64_t{8}},
                      {"window_px", std::int64_t{20}},
                      {"image_patches", std::int64_t{4}},
                      {"damage_patches", std::int64_t{16}},
                      {"location_patches", std::int64_t{32}},
                      {"discriminator_width", std::int64_t{8}},
                      {"discriminator_halvings", std::int64_t{2}},
                      {"head_width", std::int64_t{16}}};
  for (auto& [key, value] : more) options[key] = std::move(value);
  return options;
}

inline OptionTable alone(const std::string& term, OptionTable more = {}) {
  for (const char* name :
       {"adversarial", "location", "layer", "consistency", "sparsity", "rest", "supervised"}) {
    if (term != name) more.emplace(name, 0.0);
  }
  return small(std::move(more));
}

inline Setting setting(std::uint64_t seed = 3) {
  torch::manual_seed(seed);
  const auto make = [] {
    return networks::make("dncnn", {{"depth", std::int64_t{4}}, {"width", std::int64_t{8}}});
  };
  return {.network = make(), .tasks = {}, .seed = seed, .make_network = make};
}

inline std::unique_ptr<Method> made(const OptionTable& options, std::uint64_t seed = 3) {
  return find("nlcl").make(setting(seed), options);
}

/// Soft pictures under bright slanted streaks, and soft pictures of something else.
inline data::Batch rainy(std::int64_t count = 2, std::int64_t side = 32, std::uint64_t seed = 1) {
  torch::manual_seed(seed);
  const auto soft = [&] {
    return at::upsample_bilinear2d(at::rand({count, 3, 5, 5}), {side, side}, true) * 0.7;
  };
  data::Batch batch;
  batch.target = soft();
  batch.unpaired = soft();
  const auto row = at::arange(side).view({side, 1});
  const auto column = at::arange(side).view({1, side});
  const auto streaks = (column + row.div(4, "floor"))
                           .remainder(9)
                           .eq(0)
                           .logical_and(row.div(8, "floor").remainder(2).eq(0));
  batch.input = (batch.target + 0.3 * streaks.to(at::kFloat)).contiguous();
  batch.context = batch.input;
  batch.content = at::arange(count);
  for (std::int64_t i = 0; i < count; ++i) {
    batch.seeds.push_back(static_cast<std::uint64_t>(10 * seed) + static_cast<std::uint64_t>(i));
    batch.origins.emplace_back("made");
  }
  return batch;
}

inline const Term* find_term(const Losses& losses, const std::string& name) {
  for (const auto& term : losses.terms) {
    if (term.name == name) return &term;
  }
  return nullptr;
}

/// A network that takes something away already, so that no layer is empty.
inline void stir(Method& method) {
  const c10::NoGradGuard no_grad;
  torch::manual_seed(17);
  for (auto& parameter : method.state().parameters())
    parameter.add_(at::randn_like(parameter), 0.03);
}

}  // namespace chiaro::methods::nlcl_cases
