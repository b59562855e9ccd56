// Colour profiles as cameras, screens and scanners embed them, made by Little CMS.
#pragma once

#include <lcms2.h>

#include <cstdint>
#include <vector>

namespace chiaro::test {

using Icc = std::vector<std::uint8_t>;

/// Closes the profile.
inline Icc saved(cmsHPROFILE profile) {
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(profile, nullptr, &size);
  Icc result(size);
  cmsSaveProfileToMem(profile, result.data(), &size);
  cmsCloseProfile(profile);
  return result;
}

/// Frees the curve, which is that of all three colours.
inline Icc rgb_profile(const cmsCIExyY& white, const cmsCIExyYTRIPLE& primaries,
                       cmsToneCurve* curve) {
  cmsToneCurve* curves[] = {curve, curve, curve};
  const Icc result = saved(cmsCreateRGBProfile(&white, &primaries, curves));
  cmsFreeToneCurve(curve);
  return result;
}

inline constexpr cmsCIExyY kD65{0.3127, 0.3290, 1};

inline Icc srgb() {
  return saved(cmsCreate_sRGBProfile());
}

inline Icc adobe_rgb() {
  return rgb_profile(kD65, {{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}},
                     cmsBuildGamma(nullptr, 2.19921875));
}

/// The curve of sRGB, wider primaries.
inline Icc display_p3() {
  const cmsFloat64Number coding[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  return rgb_profile(kD65, {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}},
                     cmsBuildParametricToneCurve(nullptr, 4, coding));
}

/// ProPhoto RGB: two of its primaries are no colours that anybody sees.
inline Icc wide_gamut() {
  return rgb_profile({0.3457, 0.3585, 1},
                     {{0.7347, 0.2653, 1}, {0.1596, 0.8404, 1}, {0.0366, 0.0001, 1}},
                     cmsBuildGamma(nullptr, 1.8));
}

inline Icc grey_gamma(double gamma) {
  cmsToneCurve* curve = cmsBuildGamma(nullptr, gamma);
  const Icc result = saved(cmsCreateGrayProfile(cmsD50_xyY(), curve));
  cmsFreeToneCurve(curve);
  return result;
}

/// Cyan, magenta, yellow and black on paper: light passes through one after the other. Only from
/// inks to colours, as a source needs it.
inline Icc inks() {
  constexpr unsigned kInks = 4;
  constexpr double kThrough[kInks][3] = {
      {0.10, 0.55, 0.85}, {0.80, 0.12, 0.45}, {0.95, 0.85, 0.10}, {0.06, 0.06, 0.06}};
  const cmsHPROFILE srgb = cmsCreate_sRGBProfile();
  const cmsHPROFILE lab = cmsCreateLab2Profile(nullptr);
  const cmsHTRANSFORM to_lab = cmsCreateTransform(srgb, TYPE_RGB_DBL, lab, TYPE_LabV2_16,
                                                  INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOCACHE);
  std::vector<cmsUInt16Number> table;
  for (unsigned node = 0; node < 1U << kInks; ++node) {
    double rgb[3] = {0.98, 0.98, 0.96};
    for (unsigned ink = 0; ink < kInks; ++ink) {
      if ((node >> (kInks - 1 - ink) & 1U) == 0) continue;
      for (unsigned c = 0; c < 3; ++c) rgb[c] *= kThrough[ink][c];
    }
    cmsUInt16Number coded[3];
    cmsDoTransform(to_lab, rgb, coded, 1);
    table.insert(table.end(), coded, coded + 3);
  }
  cmsDeleteTransform(to_lab);
  cmsCloseProfile(lab);
  cmsCloseProfile(srgb);
  const cmsHPROFILE profile = cmsCreateProfilePlaceholder(nullptr);
  cmsSetProfileVersion(profile, 2.4);
  cmsSetDeviceClass(profile, cmsSigOutputClass);
  cmsSetColorSpace(profile, cmsSigCmykData);
  cmsSetPCS(profile, cmsSigLabData);
  cmsPipeline* pipeline = cmsPipelineAlloc(nullptr, kInks, 3);
  cmsPipelineInsertStage(pipeline, cmsAT_END,
                         cmsStageAllocCLut16bit(nullptr, 2, kInks, 3, table.data()));
  cmsWriteTag(profile, cmsSigAToB0Tag, pipeline);
  cmsPipelineFree(pipeline);
  return saved(profile);
}

}  // namespace chiaro::test
