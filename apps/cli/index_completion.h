// Computes the codes that an index lacks, and keeps them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "apps/cli/flags.h"
#include "apps/cli/kept_codes.h"
#include "apps/cli/late_encoder.h"
#include "chiaro/base/error.h"
#include "chiaro/restore/code_index.h"

namespace chiaro::cli {

/// The pictures whose codes are wanted.
struct CodedFolder {
  std::filesystem::path path;
  const std::vector<restore::FolderPicture>& pictures;
  int threads = 0;  ///< that read; 0: as many as there are cores
  OutputFlags show;
};

/// What was done.
struct Coded {
  std::size_t computed = 0;
  std::size_t from_index = 0;
  std::size_t failed = 0;            ///< pictures that cannot be read
  std::size_t remembered = 0;        ///< of those, without being tried
  std::optional<Error> unkept = {};  ///< why a file that was named could not be written
};

/// Completes `index` for the folder, with a bar, and keeps it: once a minute, and at the end, also
/// after an error or a signal. Errors: Interrupted, saying what was kept; whatever is not a
/// picture's fault.
Coded complete_index(restore::CodeIndex& index, KeptCodes& kept, LateEncoder& encoder,
                     const CodedFolder& folder);

}  // namespace chiaro::cli
