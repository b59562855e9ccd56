#include "chiaro/freeze/extent.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::freeze {
namespace {

void reduce(Extent& extent) {
  std::int64_t factor = extent.denominator;
  for (const std::int64_t n : extent.numerators) factor = std::gcd(factor, n);
  for (std::int64_t& n : extent.numerators) n /= factor;
  extent.denominator /= factor;
}

}  // namespace

bool Extent::is_constant() const {
  return std::all_of(numerators.begin() + 1, numerators.end(),
                     [](std::int64_t n) { return n == 0; });
}

std::int64_t Extent::constant() const {
  CHIARO_CHECK(is_constant(), Usage,
               "[freeze.export] an option of an operator depends on the picture's size; got {}; "
               "expected a constant",
               text());
  return numerators[0] / denominator;
}

std::optional<std::int64_t> Extent::at(const PictureSize& size) const {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < numerators.size(); ++k) {
    if (numerators[k] == 0) continue;
    std::int64_t term = numerators[k];
    if (k & 1U) term *= size.batch;
    if (k & 2U) term *= size.height;
    if (k & 4U) term *= size.width;
    sum += term;
  }
  if (sum % denominator != 0) return std::nullopt;
  return sum / denominator;
}

Extent Extent::operator+(const Extent& other) const {
  Extent sum;
  sum.denominator = denominator * other.denominator;
  for (std::size_t k = 0; k < numerators.size(); ++k) {
    sum.numerators[k] = numerators[k] * other.denominator + other.numerators[k] * denominator;
  }
  reduce(sum);
  return sum;
}

std::string Extent::text() const {
  std::vector<std::string> terms;
  for (std::size_t k = 0; k < numerators.size(); ++k) {
    if (numerators[k] == 0) continue;
    std::vector<std::string> factors;
    if (k == 0 || numerators[k] != 1) factors.push_back(std::to_string(numerators[k]));
    if (k & 1U) factors.emplace_back("N");
    if (k & 2U) factors.emplace_back("H");
    if (k & 4U) factors.emplace_back("W");
    terms.push_back(join(factors, "·"));
  }
  if (terms.empty()) return "0";
  const std::string sum = join(terms, " + ");
  if (denominator == 1) return sum;
  return (terms.size() > 1 ? "(" + sum + ")" : sum) + "/" + std::to_string(denominator);
}

double constant_ratio(const Extent& a, const Extent& b) {
  double ratio = 0;
  for (std::size_t k = 0; k < a.numerators.size(); ++k) {
    if (a.numerators[k] == 0 && b.numerators[k] == 0) continue;
    if (a.numerators[k] == 0 || b.numerators[k] == 0) return 0;
    const double here = static_cast<double>(a.numerators[k] * b.denominator) /
                        static_cast<double>(b.numerators[k] * a.denominator);
    if (ratio != 0 && ratio != here) return 0;
    ratio = here;
  }
  return ratio;
}

Extent fit_extent(const std::array<std::int64_t, 8>& samples, const PictureSize& small,
                  const PictureSize& large) {
  // Constants first: they may be as large as INT64_MAX ("to the end"), with which one cannot
  // compute.
  if (std::all_of(samples.begin(), samples.end(),
                  [&](std::int64_t s) { return s == samples[0]; })) {
    return Extent::of(samples[0]);
  }
  Extent extent{samples, 1};
  const std::array<std::int64_t, 3> low = {small.batch, small.height, small.width};
  const std::array<std::int64_t, 3> high = {large.batch, large.height, large.width};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    // Along one axis: f(a) = (f0·a1 − f1·a0 + (f1 − f0)·a) / (a1 − a0).
    for (std::size_t k = 0; k < 8; ++k) {
      if ((k >> axis) & 1U) continue;
      auto& at_low = extent.numerators[k];
      auto& at_high = extent.numerators[k | (std::size_t{1} << axis)];
      const std::int64_t intercept = at_low * high[axis] - at_high * low[axis];
      const std::int64_t slope = at_high - at_low;
      at_low = intercept;
      at_high = slope;
    }
    extent.denominator *= high[axis] - low[axis];
  }
  reduce(extent);
  return extent;
}

}  // namespace chiaro::freeze
