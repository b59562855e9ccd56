#include "chiaro/image/colour_profile.h"

#include <lcms2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>

#include "chiaro/image/tone_table.h"

namespace chiaro::image {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};

using Matrix = std::array<std::array<double, 3>, 3>;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 3; ++k) result[i][j] += a[i][k] * b[k][j];
    }
  }
  return result;
}

std::optional<Matrix> inverse(const Matrix& m) {
  const auto minor = [&](std::size_t row, std::size_t column) {
    const std::size_t r0 = (row + 1) % 3, r1 = (row + 2) % 3, c0 = (column + 1) % 3,
                      c1 = (column + 2) % 3;
    return m[r0][c0] * m[r1][c1] - m[r0][c1] * m[r1][c0];
  };
  const double determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
  if (std::abs(determinant) < 1e-9) return std::nullopt;
  Matrix result{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) result[i][j] = minor(j, i) / determinant;
  }
  return result;
}

/// Columns: XYZ (D50) of the three primaries.
std::optional<Matrix> primaries(cmsHPROFILE profile) {
  Matrix result{};
  constexpr std::array kTags{cmsSigRedColorantTag, cmsSigGreenColorantTag, cmsSigBlueColorantTag};
  for (std::size_t c = 0; c < 3; ++c) {
    const auto* xyz = static_cast<const cmsCIEXYZ*>(cmsReadTag(profile, kTags[c]));
    if (xyz == nullptr) return std::nullopt;
    result[0][c] = xyz->X;
    result[1][c] = xyz->Y;
    result[2][c] = xyz->Z;
  }
  return result;
}

/// The tone curves of the profile, or none where one is missing or cannot be inverted.
std::vector<ToneTable> tone_tables(cmsHPROFILE profile, std::span<const cmsTagSignature> tags) {
  std::vector<ToneTable> result;
  for (const cmsTagSignature tag : tags) {
    const auto* curve = static_cast<const cmsToneCurve*>(cmsReadTag(profile, tag));
    if (curve == nullptr || cmsIsToneCurveMonotonic(curve) == 0 ||
        cmsIsToneCurveDescending(curve) != 0 || !(cmsEvalToneCurveFloat(curve, 1.0F) > 0)) {
      return {};
    }
    result.emplace_back([curve](double v) {
      return static_cast<double>(cmsEvalToneCurveFloat(curve, static_cast<float>(v)));
    });
  }
  return result;
}

/// Curves, a matrix, curves: nearly every RGB profile. A direct implementation keeps what the
/// general one clips or rounds, and is many times faster.
class ShaperConversion : public ColourConversion {
 public:
  ShaperConversion(std::vector<ToneTable> tables, const Matrix& to_srgb, bool forward)
      : tables_(std::move(tables)), forward_(forward) {
    for (std::size_t i = 0; i < 9; ++i) matrix_[i] = static_cast<float>(to_srgb[i / 3][i % 3]);
  }

  void convert(const float* from, float* to, std::size_t n) const override {
    const ToneTable& srgb = ToneTable::srgb();
    const auto source = [&](std::size_t c) -> const ToneTable& {
      return forward_ ? tables_[c] : srgb;
    };
    const auto target = [&](std::size_t c) -> const ToneTable& {
      return forward_ ? srgb : tables_[c];
    };
    if (tables_.size() == 1) {
      for (std::size_t i = 0; i < n; ++i) to[i] = target(0).coded(source(0).light(from[i]));
      return;
    }
    const auto& m = matrix_;
    for (std::size_t i = 0; i < n; ++i) {
      const float r = source(0).light(from[i]);
      const float g = source(1).light(from[n + i]);
      const float b = source(2).light(from[2 * n + i]);
      to[i] = target(0).coded(m[0] * r + m[1] * g + m[2] * b);
      to[n + i] = target(1).coded(m[3] * r + m[4] * g + m[5] * b);
      to[2 * n + i] = target(2).coded(m[6] * r + m[7] * g + m[8] * b);
    }
  }

 private:
  std::vector<ToneTable> tables_;  // one (grey) or three
  bool forward_;                   // to sRGB
  std::array<float, 9> matrix_{};
};

/// Profiles with tables in several dimensions, CMYK above all: through Little CMS.
class GeneralConversion : public ColourConversion {
 public:
  GeneralConversion(cmsHTRANSFORM transform, int channels)
      : transform_(transform), channels_(channels) {}

  void convert(const float* from, float* to, std::size_t n) const override {
    if (channels_ != 4) {
      cmsDoTransform(transform_.get(), from, to, static_cast<cmsUInt32Number>(n));
      return;
    }
    std::vector<float> percent(4 * n);  // the library's unit for inks
    std::ranges::transform(std::span(from, 4 * n), percent.begin(),
                           [](float v) { return 100.0F * v; });
    cmsDoTransform(transform_.get(), percent.data(), to, static_cast<cmsUInt32Number>(n));
  }

 private:
  std::unique_ptr<std::remove_pointer_t<cmsHTRANSFORM>, DeleteTransform> transform_;
  int channels_;
};

constexpr cmsUInt32Number float_planes(cmsUInt32Number space, cmsUInt32Number channels) {
  return FLOAT_SH(1) | COLORSPACE_SH(space) | CHANNELS_SH(channels) | BYTES_SH(4) | PLANAR_SH(1);
}

Profile srgb_profile(int channels) {
  if (channels != 1) return Profile(cmsCreate_sRGBProfile());
  cmsFloat64Number parameters[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  cmsToneCurve* curve = cmsBuildParametricToneCurve(nullptr, 4, parameters);
  Profile result(cmsCreateGrayProfile(cmsD50_xyY(), curve));
  cmsFreeToneCurve(curve);
  return result;
}

/// Primaries that differ by what profiles round are the same; what is left would mix a little of
/// each colour into the others.
Matrix without_rounding(const Matrix& m) {
  constexpr double kRounding = 1e-4;
  for (std::size_t i = 0; i < 9; ++i) {
    if (std::abs(m[i / 3][i % 3] - (i % 4 == 0 ? 1.0 : 0.0)) > kRounding) return m;
  }
  return {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
}

std::unique_ptr<ColourConversion> shaper(cmsHPROFILE profile, int channels, bool forward) {
  if (cmsIsTag(profile, cmsSigAToB0Tag) != 0 || cmsIsTag(profile, cmsSigDToB0Tag) != 0)
    return nullptr;
  constexpr std::array kGrey{cmsSigGrayTRCTag};
  constexpr std::array kColour{cmsSigRedTRCTag, cmsSigGreenTRCTag, cmsSigBlueTRCTag};
  if (channels == 1) {
    auto tables = tone_tables(profile, kGrey);
    if (tables.empty()) return nullptr;
    return std::make_unique<ShaperConversion>(std::move(tables), Matrix{}, forward);
  }
  if (channels != 3 || cmsGetPCS(profile) != cmsSigXYZData) return nullptr;
  const auto source = primaries(profile);
  const auto srgb = primaries(srgb_profile(3).get());
  if (!source || !srgb || !inverse(*source) || !inverse(*srgb)) return nullptr;
  auto tables = tone_tables(profile, kColour);
  if (tables.empty()) return nullptr;
  const Matrix to_srgb = without_rounding(product(*inverse(*srgb), *source));
  return std::make_unique<ShaperConversion>(std::move(tables),
                                            forward ? to_srgb : *inverse(to_srgb), forward);
}

std::unique_ptr<ColourConversion> general(cmsHPROFILE profile, int channels, bool forward) {
  const cmsUInt32Number space = channels == 1 ? PT_GRAY : channels == 3 ? PT_RGB : PT_CMYK;
  const cmsUInt32Number there = float_planes(space, static_cast<cmsUInt32Number>(channels));
  const cmsUInt32Number here = channels == 1 ? float_planes(PT_GRAY, 1) : float_planes(PT_RGB, 3);
  const Profile srgb = srgb_profile(channels);
  // Without a cache one transform may serve several threads.
  const cmsUInt32Number flags =
      cmsFLAGS_NOCACHE | (channels == 4 ? cmsFLAGS_BLACKPOINTCOMPENSATION : 0U);
  cmsHTRANSFORM transform = forward ? cmsCreateTransform(profile, there, srgb.get(), here,
                                                         INTENT_RELATIVE_COLORIMETRIC, flags)
                                    : cmsCreateTransform(srgb.get(), here, profile, there,
                                                         INTENT_RELATIVE_COLORIMETRIC, flags);
  if (transform == nullptr) return nullptr;
  return std::make_unique<GeneralConversion>(transform, channels);
}

/// Whether the conversion moves no colour of a lattice by half a level of 8 bits.
bool changes_nothing(const ColourConversion& conversion, int channels) {
  constexpr std::size_t kSide = 6;
  const std::size_t n = channels == 1 ? kSide : kSide * kSide * kSide;
  std::vector<float> from(n * static_cast<std::size_t>(channels));
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t digits = i;
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c, digits /= kSide) {
      from[c * n + i] = static_cast<float>(digits % kSide) / (kSide - 1);
    }
  }
  std::vector<float> to(from.size());
  conversion.convert(from.data(), to.data(), n);
  return std::ranges::equal(from, to,
                            [](float a, float b) { return std::abs(a - b) < 0.5F / 255; });
}

bool is_linear(cmsHPROFILE profile, int channels) {
  constexpr std::array kGrey{cmsSigGrayTRCTag};
  constexpr std::array kColour{cmsSigRedTRCTag, cmsSigGreenTRCTag, cmsSigBlueTRCTag};
  const std::span<const cmsTagSignature> tags =
      channels == 1 ? std::span<const cmsTagSignature>(kGrey) : kColour;
  return channels <= 3 && std::ranges::all_of(tags, [profile](cmsTagSignature tag) {
           const auto* curve = static_cast<const cmsToneCurve*>(cmsReadTag(profile, tag));
           return curve != nullptr && cmsIsToneCurveLinear(curve) != 0;
         });
}

std::vector<std::uint8_t> saved(const Profile& profile) {
  cmsUInt32Number size = 0;
  if (!profile || cmsSaveProfileToMem(profile.get(), nullptr, &size) == 0) return {};
  std::vector<std::uint8_t> bytes(size);
  if (cmsSaveProfileToMem(profile.get(), bytes.data(), &size) == 0) return {};
  // The date of its making (ICC.1:2022, 7.2.8) would make equal files differ: 1 January 2000.
  constexpr std::array<std::uint8_t, 12> kDate{0x07, 0xd0, 0, 1, 0, 1};
  constexpr std::size_t kDateAt = 24;
  if (size < kDateAt + kDate.size()) return {};
  std::ranges::copy(kDate, bytes.begin() + kDateAt);
  return bytes;
}

struct FreeCurve {
  void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};
using Curve = std::unique_ptr<cmsToneCurve, FreeCurve>;

ProfileConversion conversion(std::span<const std::uint8_t> icc, int channels, bool forward) {
  cmsSetLogErrorHandler(nullptr);
  const Profile profile(
      cmsOpenProfileFromMem(icc.data(), static_cast<cmsUInt32Number>(icc.size())));
  if (!profile) return {};
  const cmsColorSpaceSignature expected = channels == 1   ? cmsSigGrayData
                                          : channels == 3 ? cmsSigRgbData
                                                          : cmsSigCmykData;
  if (cmsGetColorSpace(profile.get()) != expected) return {};
  auto made = shaper(profile.get(), channels, forward);
  if (!made) made = general(profile.get(), channels, forward);
  if (!made) return {};
  if (channels != 4 && changes_nothing(*made, channels)) return {ProfileKind::Srgb, nullptr};
  return {ProfileKind::Other, std::move(made), is_linear(profile.get(), channels)};
}

}  // namespace

ProfileConversion conversion_to_srgb(std::span<const std::uint8_t> icc, int channels) {
  return conversion(icc, channels, true);
}

ProfileConversion conversion_from_srgb(std::span<const std::uint8_t> icc, int channels) {
  return conversion(icc, channels, false);
}

std::vector<std::uint8_t> linear_profile(int channels) {
  if (channels == 3)
    return linear_profile({{{0.64, 0.33}, {0.3, 0.6}, {0.15, 0.06}, {0.3127, 0.329}}});
  const Curve curve(cmsBuildGamma(nullptr, 1.0));
  return saved(Profile(cmsCreateGrayProfile(cmsD50_xyY(), curve.get())));
}

std::vector<std::uint8_t> linear_profile(const std::array<std::array<double, 2>, 4>& points) {
  for (const auto& point : points) {
    if (!(std::abs(point[0]) <= 2 && std::abs(point[1]) <= 2)) return {};
  }
  const double area = (points[1][0] - points[0][0]) * (points[2][1] - points[0][1]) -
                      (points[2][0] - points[0][0]) * (points[1][1] - points[0][1]);
  if (!(points[3][0] > 0 && points[3][1] > 0 && std::abs(area) > 1e-3)) return {};
  const auto point = [&points](std::size_t i) { return cmsCIExyY{points[i][0], points[i][1], 1}; };
  const cmsCIExyY white = point(3);
  const cmsCIExyYTRIPLE primaries{point(0), point(1), point(2)};
  const Curve curve(cmsBuildGamma(nullptr, 1.0));
  cmsToneCurve* curves[] = {curve.get(), curve.get(), curve.get()};
  auto bytes = saved(Profile(cmsCreateRGBProfile(&white, &primaries, curves)));
  return conversion_to_srgb(bytes, 3).kind == ProfileKind::Unusable ? std::vector<std::uint8_t>()
                                                                    : bytes;
}

}  // namespace chiaro::image
