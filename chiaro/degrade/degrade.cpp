#include "chiaro/degrade/degrade.h"

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::degrade {

Image apply(const Image& clean, const Chain& chain, Rng& rng, const Inputs& inputs) {
  CHIARO_CHECK(!clean.empty(), Usage, "[degrade.apply] the picture is empty");
  if (inputs.depth != nullptr) {
    CHIARO_CHECK(inputs.depth->channels() == 1 && inputs.depth->height() == clean.height() &&
                     inputs.depth->width() == clean.width(),
                 Usage,
                 "[degrade.apply] the depth map does not fit; got {}x{}x{}; expected 1x{}x{}",
                 inputs.depth->channels(), inputs.depth->height(), inputs.depth->width(),
                 clean.height(), clean.width());
  }
  Image picture = clean;
  for (const Step& step : chain) {
    Rng step_rng = rng.fork(step.name);
    find(step.name).apply(picture, step.options, step_rng, inputs);
    for (float& value : picture.pixels()) {
      value = value > 0.0F ? (value < 1.0F ? value : 1.0F) : 0.0F;  // NaN compares false: 0
    }
  }
  return picture;
}

double severity(const Step& step) {
  return find(step.name).severity(step.options);
}

Step at_severity(const std::string& name, double severity) {
  CHIARO_CHECK(severity >= 0 && severity <= 1, Usage,
               "[degrade.at_severity] severity is out of range; got {}; expected 0 to 1",
               shortest(severity, false));
  return {name, find(name).at_severity(severity)};
}

}  // namespace chiaro::degrade
