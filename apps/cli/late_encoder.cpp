#include "apps/cli/late_encoder.h"

#include <algorithm>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/text.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/damage_code.h"

namespace chiaro::cli {

LateEncoder::LateEncoder(const EngineFlags& flags, const std::string& part)
    : file_(restore::find_bundle(flags.bundle)),
      manifest_(bundle::read_manifest(file_)),
      part_name_(part),
      options_(engine_options(flags)) {
  options_.many_shapes = true;  // squares and any number of native views, in turn
  expect_encoder(flags.bundle);
  if (!asks_controller())
    part_ = restore::find_code_part(restore::code_info(manifest_, file_.string()), part_name_,
                                    file_.string());
}

bool LateEncoder::makes_codes(const bundle::Manifest& manifest) const {
  if (manifest.condition) return part_name_ == restore::kDamagePart;
  const auto is_asked = [&](const bundle::CodePart& part) { return part.name == part_name_; };
  return manifest.kind == "encode" && manifest.code &&
         std::ranges::any_of(manifest.code->parts, is_asked);
}

bool LateEncoder::asks_controller() const {
  return manifest_.condition.has_value() && part_name_ == restore::kDamagePart;
}

restore::CodeLayout LateEncoder::layout_of(const bundle::Manifest& manifest) const {
  return asks_controller() ? restore::damage_layout(manifest, file_.string())
                           : restore::code_layout(manifest, file_.string());
}

restore::CodeViews LateEncoder::look(image::Image picture) const {
  return asks_controller() ? restore::damage_views(std::move(picture), *manifest_.condition)
                           : restore::code_views(std::move(picture),
                                                 restore::code_info(manifest_, file_.string()));
}

std::vector<float> LateEncoder::codes(const restore::CodeViews& views) {
  if (!encoder_ && !controller_) load();
  return controller_ ? restore::damage_code(controller_->inspect(views.native, views.whole))
                     : encoder_->codes(views);
}

void LateEncoder::load() {
  const bundle::Bundle bundle = bundle::read_bundle(file_);
  CHIARO_CHECK(layout_of(bundle.manifest).encoder == layout().encoder, Bundle,
               "[cli.retrieve] bundle '{}' changed while it was in use", file_.string());
  if (asks_controller()) {
    controller_.emplace(bundle, options_);
  } else {
    encoder_.emplace(bundle, part_name_, options_);
  }
}

void LateEncoder::expect_encoder(const std::string& name) const {
  if (manifest_.kind == "encode" || asks_controller()) return;
  std::vector<std::string> fitting;
  for (const std::filesystem::path& path : restore::list_bundles()) {
    try {
      if (makes_codes(bundle::read_manifest(path))) fitting.push_back(path.string());
    } catch (const Error& error) {  // one that is damaged is not the one that is looked for
      spdlog::debug("{}", error.what());
    }
  }
  fail(ErrorCode::Bundle,
       "[cli.retrieve] bundle '{}' makes no codes of {}; expected --bundle with one that does, {}",
       name, part_name_,
       fitting.empty() ? "of which none ships: train one with chiaro train recipes/dcodr.toml, "
                         "then chiaro freeze (docs/methods/dcodr.md)"
                       : "such as " + join(fitting));
}

}  // namespace chiaro::cli
