// From a bundle and a picture to a better picture: padding, tiles, grey, alpha, strength, limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/base/log.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/guard.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/margin.h"
#include "chiaro/restore/override.h"
#include "chiaro/restore/range_curve.h"

namespace chiaro::restore {

/// What happens to transparency.
enum class AlphaMode {
  Keep,     ///< passed through unchanged (enlarged where the scale is not 1)
  Restore,  ///< goes through the network like a grey picture
  Drop      ///< removed
};

/// "keep", "restore", "drop". Errors: Usage.
AlphaMode parse_alpha_mode(std::string_view text);

struct RestoreOptions {
  int tile_px = 0;      ///< side of a tile's window at the input; 0: as large as the memory allows
  int overlap_px = -1;  ///< context on each side of a tile; -1: from the receptive field
  double strength = 1.0;  ///< 0: the input's pixels, 1: the network's; below 1 only at scale 1
  double keep_grain = 0;  ///< share of the removed grain that comes back, 0 to 1; only at scale 1
  AlphaMode alpha = AlphaMode::Keep;
  std::int64_t max_memory_bytes = 0;  ///< ceiling of the whole process; 0: the graph gets 512 MiB
  std::int64_t beside_bytes = 0;  ///< of that ceiling, what is needed for other things meanwhile
  /// Has an effect only with a conditioned bundle and without `stated`.
  GuardMode guard = GuardMode::Soft;
  /// What is wrong with the picture, instead of what the controller would say; not blind any more.
  std::optional<std::vector<StatedDamage>> stated = std::nullopt;
  /// What the controller said of the picture that this one is a part of (Restorer::inspect): it is
  /// not asked again, and a part is restored as the whole would be.
  std::optional<Inspection> seen = std::nullopt;
  /// Of the values of the picture that this one is a part of; absent: of this one's own.
  std::optional<SeenRange> range = std::nullopt;
  /// Of a picture that is a part of another; absent: margin_of.
  std::optional<Margin> margin = std::nullopt;
  /// Of a window, at most, also where the memory has room for more; 0: no bound.
  std::int64_t max_window_pixels = 0;
  /// What strips will be written as: nothing finer is kept of them; absent: they are floats.
  std::optional<image::SampleType> written_as = std::nullopt;
};

/// What a restoration will do, before it is done.
struct RestorePlan {
  int window_height_px = 0;  ///< of the input, padded; the whole picture where tiles() == 1
  int window_width_px = 0;
  int overlap_px = 0;
  int rows = 1;
  int columns = 1;
  std::int64_t predicted_peak_bytes = 0;  ///< resident memory of the process

  int tiles() const { return rows * columns; }
  std::int64_t window_pixels() const {
    return std::int64_t{1} * window_height_px * window_width_px;
  }
  /// How often the network computes a pixel of a picture of this size, on average: 1 as a whole.
  double repetition(int height, int width) const {
    return double{1} * tiles() * window_height_px * window_width_px / height / width;
  }
};

/// What a restoration went by.
struct RestoreReport {
  bool blind = true;                     ///< false: the damages were stated
  std::optional<Inspection> inspection;  ///< where the controller looked at the picture
  std::optional<GuardDecision> guard;    ///< where the guard was on
  double strength = 1;                   ///< that was used; 0: the input's pixels
  std::optional<RestorePlan> plan;  ///< that was kept to, of a part the part's; none: strength 0
  std::optional<Inspection> below;  ///< of the result, where it was restored once more
};

class Restorer {
 public:
  /// Loads restore.onnx and, of a conditioned bundle, condition.onnx. Precision::Auto takes bf16
  /// where the processor has it and the manifest's evidence calls it harmless. Errors: Bundle,
  /// Usage.
  explicit Restorer(bundle::Bundle bundle, engine::EngineOptions options = {});
  ~Restorer();
  Restorer(Restorer&&) noexcept;
  Restorer& operator=(Restorer&&) noexcept;

  /// The restored picture, same metadata, sides times scale. Takes the source by value: moved in,
  /// its memory is used for the result. Values that are not finite are replaced with one warning;
  /// those outside [0,1] stay there (RangeCurve), and at strength 0 all are returned as they came.
  /// A controller looks once, at the whole picture; every tile, and alpha, is restored by what it
  /// said. Where memory runs out, smaller tiles are tried. `report`, if given, is filled. Errors:
  /// Usage (options), Resource (memory limit too small; names the smallest that works), CheckFailed
  /// (guard: unlike anything seen in training), Interrupted (progress returned false).
  image::Image restore(image::Image source, const RestoreOptions& options = {},
                       const ProgressCallback& progress = {}, RestoreReport* report = nullptr);

  /// What the controller says of a picture. Errors: Bundle (there is none), and as Inspector.
  Inspection inspect(const image::Image& picture);

  /// How restore would go about a picture of this size. `undecoded_bytes`: what the picture itself
  /// will take, where it is not in memory yet. Errors: Usage, Resource.
  RestorePlan plan(int height, int width, const RestoreOptions& options = {},
                   std::int64_t undecoded_bytes = 0) const;

  /// Refuses options with which no picture can be restored by this bundle. Errors: Usage.
  void expect_possible(const RestoreOptions& options) const;

  const bundle::Manifest& manifest() const;
  engine::Precision precision() const;  ///< F32 or Bf16
  int threads() const;

  /// Puts what was prepared into the cache of EngineOptions; for when the result has been written.
  void keep_prepared();

  /// Frees the work memory of the graph, for example before encoding a large result.
  void release_memory();

 private:
  friend class StripRestoration;
  struct State;
  std::unique_ptr<State> state_;
};

/// How far from a pixel its result depends on the input, where the network sees no whole picture.
int reach_px(const bundle::Manifest& manifest, const RestoreOptions& options);

/// Refuses a picture for which options.max_memory_bytes is too small, before it is decoded: that
/// alone may exceed it. Errors: Resource (names the smallest limit that works).
void expect_within_limit(const Restorer& restorer, const image::Probe& picture,
                         const RestoreOptions& options);

/// find_bundle + read_bundle + Restorer.
Restorer open_restorer(std::string_view name_or_path = "default",
                       const engine::EngineOptions& options = {});

}  // namespace chiaro::restore
