#include "apps/train/freeze_controller.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "chiaro/base/error.h"
#include "chiaro/data/dataset.h"
#include "chiaro/networks/controller.h"
#include "chiaro/networks/controller_calibration.h"

namespace chiaro::apps {
namespace {

/// What a conditioner says of n samples, and what they have.
struct Examined {
  at::Tensor logits;   // (n,K) of a controller; else undefined
  at::Tensor kinds;    // (n,K) bool
  at::Tensor novelty;  // (n)
};

Examined look_at(networks::Conditioner& conditioner, const data::Dataset& held_out,
                 std::int64_t samples) {
  const at::NoGradGuard no_grad;
  conditioner.eval();
  auto* controller = dynamic_cast<networks::Controller*>(&conditioner);
  std::vector<at::Tensor> logits, kinds, novelty;
  for (std::int64_t i = 0; i < samples; ++i) {
    const data::Batch sample = held_out.batch(i, 1);
    const auto views = networks::cut_views(sample.context, conditioner.layout());
    novelty.push_back(conditioner.diagnose(views.native, views.whole).novelty.view(-1));
    kinds.push_back(sample.kinds);
    if (controller != nullptr)
      logits.push_back(controller->features(views.native, views.whole).logits);
  }
  return {controller != nullptr ? at::cat(logits) : at::Tensor(), at::cat(kinds), at::cat(novelty)};
}

Calibration calibrate(const at::Tensor& logits, const at::Tensor& kinds) {
  const std::int64_t half = logits.size(0) / 2;
  const auto asked = logits.slice(0, half);
  const auto asked_kinds = kinds.slice(0, half);
  const auto error = [&](double temperature) {
    return networks::calibration_error(at::softmax(asked / temperature, 1), asked_kinds);
  };
  Calibration found{.error_before = error(1), .samples = asked.size(0)};
  found.error_after = found.error_before;
  const double fitted =
      networks::fit_temperature(logits.slice(0, 0, half), kinds.slice(0, 0, half));
  if (error(fitted) < found.error_before) {
    found.temperature = fitted;
    found.error_after = error(fitted);
  }
  return found;
}

}  // namespace

std::vector<bundle::Score> Calibration::scores() const {
  const std::string set = fmt::format("{} held-out samples", samples);
  return {{set, "type_ece", error_after, std::nullopt, {}},
          {set, "type_ece_uncalibrated", error_before, std::nullopt, {}}};
}

std::string Calibration::text() const {
  const std::string measured =
      fmt::format("of the highest probability over ten bins, on {} held-out samples", samples);
  if (temperature == 1) {
    return fmt::format(
        "## Calibration\n\nThe controller's probabilities are as trained; their expected "
        "calibration error, {}, is {:.3f}.",
        measured, error_after);
  }
  return fmt::format(
      "## Calibration\n\nThe probabilities that are shown, and that the guard goes by, have the "
      "temperature {:.3f}, which fits other held-out samples; the restorer is told them as "
      "trained. "
      "Expected calibration error, {}: {:.3f} before, {:.3f} after.",
      temperature, measured, error_before, error_after);
}

ControllerEvidence examine_controller(networks::Conditioner& conditioner, const Recipe& recipe,
                                      const std::filesystem::path& data_root,
                                      std::int64_t samples) {
  constexpr double kQuantile = 0.99;
  CHIARO_CHECK(samples >= 2, Internal, "[freeze.controller] expected two samples or more");
  const data::Dataset held_out(recipe, data_root, data::Part::Validation);
  const Examined seen = look_at(conditioner, held_out, samples);
  ControllerEvidence evidence{at::quantile(seen.novelty, kQuantile).item<double>(), std::nullopt};
  if (seen.logits.defined()) evidence.calibration = calibrate(seen.logits, seen.kinds);
  return evidence;
}

}  // namespace chiaro::apps
