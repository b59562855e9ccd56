#include "chiaro/degrade/presets.h"

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::degrade {
namespace {

constexpr const char* kAirNet = "B. Li et al., AirNet, CVPR 2022";
constexpr const char* kOneRestore =
    "Y. Guo et al., OneRestore (CDD-11), ECCV 2024, arXiv:2407.04621";
constexpr const char* kUniProcessor = "H. Duan et al., UniProcessor, ECCV 2024, arXiv:2407.20928";

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> list = {
      {"airnet_noise_15", "noise(grey=false,sigma_u8=15,storage=truncate)",
       "noise cut off to 8 bit, half a level darker on average", kAirNet},
      {"airnet_noise_25", "noise(grey=false,sigma_u8=25,storage=truncate)",
       "noise cut off to 8 bit, half a level darker on average", kAirNet},
      {"airnet_noise_50", "noise(grey=false,sigma_u8=50,storage=truncate)",
       "noise cut off to 8 bit, half a level darker on average", kAirNet},
      {"ffdnet_noise", "noise(grey=false,sigma_u8=0..75,storage=float)",
       "clipped float noise of any level; the original does not clip",
       "K. Zhang et al., FFDNet, IEEE TIP 2018, arXiv:1710.04026"},
      {"daclip_noise_50", "noise(grey=false,sigma_u8=50,storage=round)", "clipped and rounded",
       "Z. Luo et al., DA-CLIP, ICLR 2024, arXiv:2310.01018"},
      {"cdd11_low", "low_light(cast=0,gain=1,gamma=2..3,read_u8=7.65..20.4,shot_u8=0)",
       "the gamma acts on the values instead of on a light map", kOneRestore},
      {"cdd11_haze", "haze(airlight=0.6..0.9,beta=0.7..1.4,near=0,tint=0)",
       "beta 1 to 2 over distances up to 0.7, rescaled to distances up to 1", kOneRestore},
      {"cdd11_rain", "rain(mode=additive,veil=0)", "own streaks instead of stored masks",
       kOneRestore},
      {"cdd11_snow", "snow(veil=0)", "own flakes instead of stored masks", kOneRestore},
      {"cdd11_low_haze_rain",
       "low_light(cast=0,gain=1,gamma=2..3,read_u8=7.65..20.4,shot_u8=0)+rain(mode=additive,veil=0)"
       "+haze(airlight=0.6..0.9,beta=0.7..1.4,near=0,tint=0)",
       "the three in the order of the original", kOneRestore},
      {"uniprocessor_jpeg",
       "jpeg(halved_chroma=true,quality=5..96|5..96|5..96|5..96|10|10|10|20|20|20|30|30|30|40|40|"
       "40)",
       "a quarter any quality, the rest 10, 20, 30 or 40", kUniProcessor},
      {"uniprocessor_blur",
       "gaussian_blur(angle_deg=0,ratio=1,sigma_px=0.1..5)/defocus_blur(radius_px=1..8)"
       "/motion_blur(angle_deg=0|90,length_px=12..28,tremble=0)",
       "the three kinds equally often", kUniProcessor},
      {"uniprocessor_noise", "noise(grey=false,sigma_u8=0..50)", "", kUniProcessor},
      {"reside_indoor_haze", "haze(airlight=1,beta=0.6..1.5,near=0.1..0.4,tint=0)",
       "white air as measured in SOTS-indoor; procedural depth unless a map is given",
       "B. Li et al., RESIDE, IEEE TIP 2019, arXiv:1712.04143"},
      {"reside_outdoor_haze", "haze(airlight=0.8..1,beta=0.4..2,near=0..0.2,ramp=0.6..1,tint=0)",
       "procedural depth unless a map is given",
       "B. Li et al., RESIDE, IEEE TIP 2019, arXiv:1712.04143"},
      {"blur_half_half", "gaussian_blur(sigma_px=0.8..3.5)/motion_blur(length_px=7..25)",
       "half Gaussian, half motion", "own"},
      {"camera_chain",
       "defocus_blur(radius_px=0.8..2)/motion_blur(length_px=2..8)?0.5+poisson_gaussian?0.7"
       "+jpeg(quality=40..95)?0.8",
       "an everyday photo: slight blur, camera noise, JPEG, in the order they happen", "own"},
  };
  return list;
}

const Preset& find_preset(std::string_view name) {
  std::vector<std::string> known;
  for (const Preset& candidate : presets()) {
    if (candidate.name == name) return candidate;
    known.push_back(candidate.name);
  }
  fail(ErrorCode::Usage, "[degrade.find_preset] no preset '{}'{}; known: {}", name,
       did_you_mean(name, known), join(known));
}

ChainTemplate preset(std::string_view name) {
  return parse_template(find_preset(name).text);
}

}  // namespace chiaro::degrade
