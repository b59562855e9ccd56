// An encoder that is prepared when it is first needed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/flags.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/restore/code_index.h"
#include "chiaro/restore/picture_encoder.h"

namespace chiaro::cli {

/// Reads of its bundle the manifest alone until it is asked for a code: where all codes are known
/// no network is loaded.
class LateEncoder {
 public:
  /// `part`: of the codes. Errors: Input (no such bundle), Bundle (damaged, or no encoder: the
  /// sentence says where one comes from), Usage (no such part; engine options).
  LateEncoder(const EngineFlags& flags, const std::string& part);

  const bundle::CodeInfo& info() const { return restore::code_info(manifest_, file_.string()); }
  restore::CodeLayout layout() const { return restore::code_layout(manifest_, file_.string()); }
  std::size_t part() const { return part_; }  ///< its number

  /// All parts. Errors: as PictureEncoder; Bundle (the file changed meanwhile).
  std::vector<float> codes(const restore::CodeViews& views);

 private:
  void expect_encoder(const std::string& name) const;

  std::filesystem::path file_;
  bundle::Manifest manifest_;
  std::string part_name_;
  std::size_t part_ = 0;
  engine::EngineOptions options_;
  std::optional<restore::PictureEncoder> encoder_;
};

}  // namespace chiaro::cli
