// A whole number that may depend on the picture: a size, a slice bound, an entry of a shape.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace chiaro::freeze {

/// What a number can depend on.
struct PictureSize {
  std::int64_t batch = 1;
  std::int64_t height = 1;
  std::int64_t width = 1;
};

/// (Σ_k numerators[k] · N^k0 · H^k1 · W^k2) / denominator, where k0, k1, k2 are the bits of k (k0
/// lowest). Eager code computes with plain numbers, which a trace records as they are; following
/// one number through traces at several sizes gives its formula back.
struct Extent {
  std::array<std::int64_t, 8> numerators{};
  std::int64_t denominator = 1;  ///< > 0, without common factor

  static Extent of(std::int64_t value) { return Extent{{value}, 1}; }
  static Extent batch() { return Extent{{0, 1}, 1}; }
  static Extent height() { return Extent{{0, 0, 1}, 1}; }
  static Extent width() { return Extent{{0, 0, 0, 0, 1}, 1}; }

  bool is_constant() const;
  std::int64_t constant() const;  ///< Errors: Usage where it depends on the picture.
  std::optional<std::int64_t> at(const PictureSize& size) const;  ///< nullopt: no whole number
  std::string text() const;                                       ///< "3", "H/2", "2·H·W"
  Extent operator+(const Extent& other) const;
  bool operator==(const Extent&) const = default;
};

/// The formula through eight values: samples[k] was seen at the smaller (bit clear) or larger (bit
/// set) batch, height and width, in the order of the bits of k. All three must differ between
/// `small` and `large`.
Extent fit_extent(const std::array<std::int64_t, 8>& samples, const PictureSize& small,
                  const PictureSize& large);

/// a / b where that is the same number for every picture, as 2 for H and H/2; 0 where it is not.
double constant_ratio(const Extent& a, const Extent& b);

}  // namespace chiaro::freeze
