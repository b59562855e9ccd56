// What makes codes of pictures, prepared when it is first needed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/flags.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/restore/code_index.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/picture_encoder.h"

namespace chiaro::cli {

/// An encoder, or where codes of damage are asked of a bundle that restores, its controller. Reads
/// of the bundle the manifest alone until it is asked for a code: where all codes are known no
/// network is loaded.
class LateEncoder {
 public:
  /// `part`: of the codes. Errors: Input (no such bundle), Bundle (damaged, or nothing that
  /// makes codes: the sentence says where one comes from), Usage (no such part; engine options).
  LateEncoder(const EngineFlags& flags, const std::string& part);

  restore::CodeLayout layout() const { return layout_of(manifest_); }
  std::size_t part() const { return part_; }  ///< its number

  /// What it is shown of a picture. Called from any thread. Errors: Usage (empty picture).
  restore::CodeViews look(image::Image picture) const;

  /// All parts. Errors: as PictureEncoder or Inspector; Bundle (the file changed meanwhile).
  std::vector<float> codes(const restore::CodeViews& views);

 private:
  bool makes_codes(const bundle::Manifest& manifest) const;
  bool asks_controller() const;
  restore::CodeLayout layout_of(const bundle::Manifest& manifest) const;
  void expect_encoder(const std::string& name) const;
  void load();

  std::filesystem::path file_;
  bundle::Manifest manifest_;
  std::string part_name_;
  std::size_t part_ = 0;
  engine::EngineOptions options_;
  std::optional<restore::PictureEncoder> encoder_;
  std::optional<restore::Inspector> controller_;
};

}  // namespace chiaro::cli
