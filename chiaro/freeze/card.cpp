#include "chiaro/freeze/card.h"

#include <fmt/format.h>

#include <iterator>

#include "chiaro/base/text.h"

namespace chiaro::freeze {

namespace {

/// The command that it is for.
std::string use_of(const bundle::Manifest& manifest) {
  if (manifest.kind != "encode") return "restore photo.jpg -o clear.png";
  if (manifest.format_version >= bundle::kTreeFormatVersion) return "inspect photo.jpg";
  const bool described = manifest.code && !manifest.code->parts.empty();
  const std::string part = described ? manifest.code->parts.front().name : "degradation";
  return fmt::format("retrieve photo.jpg --in photos --by {}", part);
}

}  // namespace

std::string write_card(const bundle::Manifest& manifest, const std::string& notes) {
  std::string card;
  const auto out = std::back_inserter(card);
  fmt::format_to(out, "# {}\n\n", manifest.name);
  if (!manifest.summary.empty()) fmt::format_to(out, "{}\n\n", manifest.summary);
  const bool encodes = manifest.kind == "encode";
  fmt::format_to(out, "    chiaro {} --bundle {}.chiaro\n\n", use_of(manifest), manifest.name);

  fmt::format_to(out, "## What it is\n\n- Network: `{}`, {} parameters",
                 encodes ? "encoder" : manifest.network, manifest.parameters);
  if (manifest.macs_per_pixel > 0)
    fmt::format_to(out, ", {:.0f} multiplications per pixel", manifest.macs_per_pixel);
  fmt::format_to(out, "\n");
  if (!manifest.method.empty()) fmt::format_to(out, "- Training method: `{}`\n", manifest.method);
  if (!manifest.labels.empty())
    fmt::format_to(out, "- Trained against: {}\n", join(manifest.labels));
  fmt::format_to(
      out, "- Input: sRGB-coded RGB in [0, 1], sides multiples of {} (chiaro pads by itself)\n",
      manifest.alignment_px);
  if (encodes) {
    fmt::format_to(out, "- Output: a code of length 1, of the whole input\n");
  } else if (manifest.global_statistics) {
    fmt::format_to(
        out, "- Output: {} times the input's sides; each pixel depends on the whole picture\n",
        manifest.scale);
  } else {
    fmt::format_to(
        out,
        "- Output: {} times the input's sides; each pixel depends on a square of {} input pixels\n",
        manifest.scale, manifest.receptive_field_px);
  }
  if (!manifest.license.empty()) fmt::format_to(out, "- License: {}\n", manifest.license);

  if (!manifest.training_data.empty()) {
    fmt::format_to(out,
                   "\n## Training data\n\n| source | pictures | license |\n| --- | --- | --- |\n");
    for (const auto& source : manifest.training_data) {
      fmt::format_to(out, "| {} | {} | {} |\n", source.name, source.pictures, source.license);
    }
  }
  if (!manifest.scores.empty()) {
    fmt::format_to(
        out, "\n## Measured\n\n| set | metric | input | result |\n| --- | --- | --- | --- |\n");
    for (const auto& score : manifest.scores) {
      const std::string input = score.input_value ? fmt::format("{:.4g}", *score.input_value) : "";
      fmt::format_to(out, "| {} | {} | {} | {:.4g} |\n", score.set, score.metric, input,
                     score.value);
    }
  }
  if (manifest.precision) {
    const auto& cost = *manifest.precision;
    fmt::format_to(out,
                   "\n## Precision\n\nbfloat16 costs {:.4f} dB on {} test pictures; 99.9 % of "
                   "values move by at most {:.2f} "
                   "of 255, none by more than {:.2f}.\n",
                   cost.bf16_psnr_cost_db, cost.pictures, cost.bf16_q999_level_diff,
                   cost.bf16_max_level_diff);
  }
  if (!notes.empty()) fmt::format_to(out, "\n{}\n", trim(notes));
  return card;
}

}  // namespace chiaro::freeze
