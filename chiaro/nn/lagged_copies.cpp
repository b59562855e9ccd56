#include "chiaro/nn/lagged_copies.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "chiaro/base/error.h"

namespace chiaro::nn {

LaggedCopies::LaggedCopies(std::vector<std::shared_ptr<torch::nn::Module>> copies)
    : copies_(std::move(copies)) {
  CHIARO_CHECK(!copies_.empty(), Internal, "[nn.lagged_copies] no copies; expected at least one");
  for (std::size_t k = 0; k < copies_.size(); ++k) {
    register_module(std::to_string(k), copies_[k]);
    copies_[k]->eval();
    for (auto& parameter : copies_[k]->parameters()) parameter.set_requires_grad(false);
  }
  ages_ = register_buffer("ages", at::zeros({static_cast<std::int64_t>(copies_.size())},
                                            at::TensorOptions().dtype(at::kDouble)));
  turn_ = register_buffer("turn", at::zeros({1}, at::TensorOptions().dtype(at::kLong)));
}

void LaggedCopies::blend(std::size_t k, const torch::nn::Module& network, double retained) {
  const at::NoGradGuard no_grad;
  const auto from = network.named_parameters();
  auto to = copies_.at(k)->named_parameters();
  CHIARO_CHECK(from.keys() == to.keys(), Internal,
               "[nn.lagged_copies] the copy has other parameters than the network");
  for (auto& item : to) {
    item.value().lerp_(from[item.key()].to(item.value().device()), 1.0 - retained);
  }
  const auto from_buffers = network.named_buffers();
  for (auto& item : copies_[k]->named_buffers()) item.value().copy_(from_buffers[item.key()]);
  ages_[static_cast<std::int64_t>(k)].mul_(retained);
}

void LaggedCopies::grow_older() {
  ages_.add_(1.0);
}

std::size_t LaggedCopies::next_in_turn() {
  const auto turn = turn_.item<std::int64_t>();
  turn_.fill_((turn + 1) % static_cast<std::int64_t>(count()));
  return static_cast<std::size_t>(turn);
}

double LaggedCopies::age_steps(std::size_t k) const {
  return ages_[static_cast<std::int64_t>(k)].item<double>();
}

void expect_room_for_copies(const torch::nn::Module& network, std::int64_t count,
                            std::int64_t available_bytes) {
  double bytes = 0;
  for (const auto& tensor : network.parameters())
    bytes += static_cast<double>(tensor.numel()) * static_cast<double>(tensor.element_size());
  for (const auto& tensor : network.buffers())
    bytes += static_cast<double>(tensor.numel()) * static_cast<double>(tensor.element_size());
  const double needed = bytes * static_cast<double>(count);
  CHIARO_CHECK(available_bytes <= 0 || needed <= static_cast<double>(available_bytes), Resource,
               "[nn.lagged_copies] {} copies of the network do not fit into memory; got {:.0f} MB "
               "free; expected {:.0f} MB: take fewer copies or a smaller network",
               count, static_cast<double>(available_bytes) / 1e6, needed / 1e6);
}

std::vector<std::int64_t> stretched_intervals(const std::vector<std::int64_t>& intervals,
                                              std::int64_t meant_for_steps,
                                              std::int64_t total_steps, std::int64_t least_steps) {
  if (meant_for_steps <= 0 || intervals.empty()) return intervals;
  const auto shortest = static_cast<double>(std::ranges::min(intervals));
  const double factor =
      std::max(static_cast<double>(total_steps) / static_cast<double>(meant_for_steps),
               static_cast<double>(least_steps) / shortest);
  std::vector<std::int64_t> stretched;
  for (const auto interval : intervals)
    stretched.push_back(
        std::max<std::int64_t>(1, std::llround(static_cast<double>(interval) * factor)));
  return stretched;
}

}  // namespace chiaro::nn
