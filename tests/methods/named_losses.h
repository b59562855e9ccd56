// What a step says, by name. What it does not say fails the test that asks.
#pragma once

#include <ATen/ATen.h>

#include <stdexcept>
#include <string>

#include "chiaro/methods/method.h"

namespace chiaro::methods {

inline const Term& named_term(const Losses& losses, const std::string& name) {
  for (const auto& one : losses.terms) {
    if (one.name == name) return one;
  }
  throw std::runtime_error("no term " + name);
}

/// The value of a term, without its weight.
inline double term(const Losses& losses, const std::string& name) {
  return named_term(losses, name).value.item<double>();
}

inline double meter(const Losses& losses, const std::string& name) {
  for (const auto& [known, value] : losses.meters) {
    if (known == name) return value;
  }
  throw std::runtime_error("no meter " + name);
}

/// What is descended: the sum of the terms by their weights.
inline at::Tensor total(const Losses& losses) {
  at::Tensor sum = at::zeros({});
  for (const auto& one : losses.terms) sum = sum + one.weight * one.value;
  return sum;
}

}  // namespace chiaro::methods
