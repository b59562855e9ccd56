// Seeded, pure degradations of pictures: noise, blur, JPEG, rain, haze, low light, … and chains of
// them.
//
//   Rng rng(7);
//   const Image damaged = degrade::apply(clean,
//   degrade::parse_spec("haze(beta=1.2)+noise(sigma_u8=15)"), rng);
//
// The same picture, chain and generator state give the same bytes, whatever else runs. Safe to call
// from any number of threads, each with its own generator. Pictures are sRGB-coded in [0,1]; unless
// an entry says otherwise it works on coded values, as the literature does.
#pragma once

#include "chiaro/base/rng.h"
#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/spec.h"
#include "chiaro/image/image.h"

namespace chiaro::degrade {

/// The damaged picture: size, channels, alpha and metadata of `clean`; every value limited to [0,1]
/// after each step (NaN becomes 0); not quantised unless a step does it. Advances `rng` by one fork
/// per step. Errors: Usage (unknown names or options, an empty picture, a depth map of another
/// size).
Image apply(const Image& clean, const Chain& chain, Rng& rng, const Inputs& inputs = {});

/// How strong a step is, in [0,1]; 0: nothing or next to nothing.
double severity(const Step& step);

/// The step of that severity in [0,1], every option stated. severity(at_severity(name, s)) == s as
/// far as integer options allow. Errors: Usage.
Step at_severity(const std::string& name, double severity);

}  // namespace chiaro::degrade
