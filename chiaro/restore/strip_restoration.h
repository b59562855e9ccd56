// A picture larger than memory, restored from the top in strips.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/image/strips.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::restore {

/// Restores as Restorer::restore does with the same tiles, value for value, but reads each row of
/// the picture when it is needed and gives each row of the result when it is done. Only bands of
/// rows are in memory. A controller looks once, at the whole picture, which is read once more for
/// that, and once more where its values may lie outside [0,1].
///
/// What looks at all of a picture at once cannot be done so: networks with global statistics, and
/// transparency (unless it is dropped), whose hidden colours are filled from wherever the nearest
/// visible pixel is.
class StripRestoration {
 public:
  /// Begins to read the picture from the top.
  using Opener = std::function<image::StripReader()>;

  /// Reads the picture once where a controller looks. `restorer` must outlive it and is not used
  /// otherwise meanwhile. options.max_memory_bytes bounds the whole process, reading and writing
  /// included. Errors: as Restorer::restore; Resource (cannot be read or restored in strips, or the
  /// limit is too small even so; names the smallest that works).
  StripRestoration(Restorer& restorer, Opener open, const RestoreOptions& options,
                   ProgressCallback progress = {});
  ~StripRestoration();
  StripRestoration(const StripRestoration&) = delete;
  StripRestoration& operator=(const StripRestoration&) = delete;

  /// What such a restoration of this picture would do. Errors: Resource (limit too small).
  static RestorePlan planned(const Restorer& restorer, const image::Frame& source,
                             const RestoreOptions& options);

  const image::Frame& frame() const;  ///< of the result
  const RestorePlan& plan() const;
  const RestoreReport& report() const;

  /// The next rows of the result, without metadata; none at the end. Errors: Input (damaged),
  /// Resource, Interrupted (progress returned false).
  image::Image next();

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

/// Why this picture cannot be restored in strips, as the end of "… cannot be restored in strips: ";
/// "" where it can.
std::string obstacle_to_strips(const Restorer& restorer, const image::StripReader& reader,
                               const RestoreOptions& options);

/// Whether restoring this picture as a whole would exceed options.max_memory_bytes, or, where that
/// is not set, what is available of the machine's memory (0: unknown). Decoded pixels and the coded
/// result count.
bool exceeds_memory(const Restorer& restorer, const image::Frame& source,
                    const RestoreOptions& options,
                    std::int64_t available = available_memory_bytes());

/// Whether a picture that could be held as a whole under options.max_memory_bytes is restored with
/// clearly less work in strips, because the network then has room for larger tiles.
bool less_work_in_strips(const Restorer& restorer, const image::Frame& source,
                         const RestoreOptions& options);

/// How a picture goes through.
struct Passage {
  bool in_strips = false;
  /// Why not, though it may be larger than memory: without a limit it is tried as a whole, since
  /// what is available is only an estimate. With one, strips say themselves what keeps them from
  /// it.
  std::string obstacle = {};
};

/// `format`: of the result. Errors: as StripReader.
Passage choose_passage(const Restorer& restorer, const image::StripReader& reader,
                       const std::string& format, const RestoreOptions& options,
                       std::int64_t available = available_memory_bytes());

}  // namespace chiaro::restore
