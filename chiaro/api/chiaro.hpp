// chiaro in other people's programs: the C++ interface of libchiaro (docs/library.md). Header only,
// C++17, over chiaro.h; it links with that library alone.
//
//   chiaro::api::Restorer restorer;  // the bundle "default"
//   restorer.restore_file("old.jpg", "clear.png");
//
// Everything throws Error. A Restorer may be used from several threads, whose calls wait for each
// other; for work at the same time take several. Objects can be moved, not copied; one that was
// moved from may only be destroyed or assigned to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "chiaro.h"

namespace chiaro::api {

/// Why something could not be done. status() is what the C interface and the program's exit status
/// would be.
class Error : public std::runtime_error {
 public:
  Error(chiaro_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  chiaro_status status() const noexcept { return status_; }

 private:
  chiaro_status status_;
};

/// "major.minor.patch" of the library that is loaded.
inline std::string version() {
  return chiaro_version();
}

/// What the last call of this thread warned of, one line each.
inline std::string last_notes() {
  return chiaro_last_notes();
}

enum class Layout {
  Grey = CHIARO_GREY,
  GreyAlpha = CHIARO_GREY_ALPHA,
  Rgb = CHIARO_RGB,
  Rgba = CHIARO_RGBA,
  Bgr = CHIARO_BGR,
  Bgra = CHIARO_BGRA
};

inline int samples_per_pixel(Layout layout) {
  constexpr int kSamples[] = {0, 1, 2, 3, 4, 3, 4};
  return kSamples[static_cast<int>(layout)];
}

/// Pixels in memory that belong to somebody else: std::uint8_t, std::uint16_t or float samples,
/// const for sources. Distances as in chiaro_picture; 0: no gaps, the channels side by side.
template <typename Sample>
struct Picture {
  using Plain = std::remove_const_t<Sample>;
  static_assert(std::is_same_v<Plain, std::uint8_t> || std::is_same_v<Plain, std::uint16_t> ||
                    std::is_same_v<Plain, float>,
                "samples are std::uint8_t, std::uint16_t or float");

  Sample* data = nullptr;
  int width = 0;
  int height = 0;
  Layout layout = Layout::Rgb;
  std::ptrdiff_t row_bytes = 0;
  std::ptrdiff_t pixel_bytes = 0;
  std::ptrdiff_t plane_bytes = 0;

  chiaro_picture c_picture() const {
    constexpr chiaro_sample kKind = std::is_same_v<Plain, std::uint8_t>    ? CHIARO_U8
                                    : std::is_same_v<Plain, std::uint16_t> ? CHIARO_U16
                                                                           : CHIARO_F32;
    return {const_cast<Plain*>(data),
            width,
            height,
            static_cast<std::int32_t>(layout),
            kKind,
            row_bytes,
            pixel_bytes,
            plane_bytes};
  }
};

enum class Precision {
  Auto = CHIARO_PRECISION_AUTO,
  F32 = CHIARO_PRECISION_F32,
  Bf16 = CHIARO_PRECISION_BF16
};
enum class Guard { Off = CHIARO_GUARD_OFF, Soft = CHIARO_GUARD_SOFT, Strict = CHIARO_GUARD_STRICT };
enum class Alpha {
  Keep = CHIARO_ALPHA_KEEP,
  Restore = CHIARO_ALPHA_RESTORE,
  Drop = CHIARO_ALPHA_DROP
};
enum class Depth { Source = 0, U8 = CHIARO_U8, U16 = CHIARO_U16, F32 = CHIARO_F32 };

struct OpenOptions {
  int threads = 0;  ///< 0: as many as the processor has cores
  Precision precision = Precision::Auto;
};

struct RestoreOptions {
  double strength = 1;  ///< 0: the input's pixels, 1: the network's
  Guard guard = Guard::Soft;
  Alpha alpha = Alpha::Keep;
  std::string as = {};                ///< "rain(0.6)+noise(0.2)"; "": finds out
  std::int64_t max_memory_bytes = 0;  ///< ceiling of the whole process; 0: none
  int tile_px = 0;                    ///< 0: as memory allows
  int overlap_px = -1;                ///< -1: what the network needs
  /// Told how much is done, 0 to 1; returns false to cancel. What it throws comes out of the call.
  std::function<bool(double done)> progress = {};
  double keep_grain = 0;  ///< share of the fine grain that comes back, 0 to 1
  bool again = false;     ///< look at the result, and restore once more where another damage shows
};

struct WriteOptions {
  std::string format = {};  ///< "png", "jpeg", …; "": by the file's name
  Depth depth = Depth::Source;
  int quality = 0;  ///< of JPEG and WebP; 0: as a JPEG of 80 or more, else 95
  bool strip_metadata = false;
  bool overwrite = false;
};

/// What a restoration went by.
struct Report {
  double strength = 1;  ///< that was used; 0: the input's pixels
  double confidence = 1;
  bool guarded = false;    ///< the guard looked at the picture
  bool clean = false;      ///< taken for undamaged
  bool unlike = false;     ///< unlike anything seen in training
  bool blind = true;       ///< false: it was told what is wrong
  std::string below = {};  ///< with `again`, what was restored once more, "haze"; "": nothing
};

/// What a bundle is and how it is run.
struct Facts {
  std::string name, summary, license, file, card, manifest;
  std::vector<std::string> types;  ///< damages its controller knows; empty without one
  int scale = 1;                   ///< side of a result / side of its input
  int channels = 3;
  int alignment_px = 1;
  int reach_px = 1;
  int threads = 1;
  Precision precision = Precision::F32;
  std::int64_t parameters = 0;
};

struct Finding {
  std::string type;
  double probability = 0;
  double severity = 0;
};

struct Inspection {
  std::vector<Finding> findings;  ///< the most probable first
  double confidence = 0;
  double novelty = 0;  ///< the larger, the less like training
  double strength = 1;
  bool clean = false;
  bool unlike = false;
  std::string advice;
};

namespace detail {

inline void expect(chiaro_status status) {
  if (status != CHIARO_OK) throw Error(status, chiaro_last_error());
}

/// Exceptions must not fly through the library: kept here until the call is over.
struct Progress {
  const std::function<bool(double)>& call;
  std::exception_ptr thrown = {};

  static int report(double done, void* self) {
    auto& progress = *static_cast<Progress*>(self);
    try {
      return progress.call(done) ? 0 : 1;
    } catch (...) {
      progress.thrown = std::current_exception();
      return 1;
    }
  }
  void expect(chiaro_status status) const {
    if (thrown) std::rethrow_exception(thrown);
    detail::expect(status);
  }
};

inline chiaro_restore_options c_options(const RestoreOptions& options, Progress& progress) {
  chiaro_restore_options c;
  chiaro_restore_defaults(&c, sizeof(c));
  c.strength = options.strength;
  c.guard = static_cast<std::int32_t>(options.guard);
  c.alpha = static_cast<std::int32_t>(options.alpha);
  c.as = options.as.empty() ? nullptr : options.as.c_str();
  c.max_memory_bytes = options.max_memory_bytes;
  c.tile_px = options.tile_px;
  c.overlap_px = options.overlap_px;
  c.keep_grain = options.keep_grain;
  c.again = options.again ? 1 : 0;
  if (options.progress) {
    c.progress = &Progress::report;
    c.user = &progress;
  }
  return c;
}

inline Report report_of(const chiaro_report& c) {
  return {c.strength,
          c.confidence,
          c.guarded != 0,
          c.clean != 0,
          c.unlike != 0,
          c.blind != 0,
          c.below == nullptr ? "" : c.below};
}

}  // namespace detail

class Restorer {
 public:
  /// A path (with "/" or ending in ".chiaro") or a name, as chiaro_open.
  explicit Restorer(const std::string& bundle = "default", const OpenOptions& options = {}) {
    chiaro_open_options c;
    chiaro_open_defaults(&c, sizeof(c));
    c.threads = options.threads;
    c.precision = static_cast<std::int32_t>(options.precision);
    chiaro_restorer* opened = nullptr;
    detail::expect(chiaro_open(bundle.c_str(), &c, &opened));
    handle_.reset(opened);
  }

  /// Restores pixels into the target, whose sides are the source's times facts().scale; it may be
  /// the source itself, and is untouched where this throws. As chiaro_restore.
  template <typename From, typename To>
  Report restore(const Picture<From>& source, const Picture<To>& target,
                 const RestoreOptions& options = {}) {
    const chiaro_picture from = source.c_picture();
    const chiaro_picture to = target.c_picture();
    static_assert(!std::is_const_v<To>, "a target is written to");
    chiaro_report report{};
    report.size = sizeof(report);
    detail::Progress progress{options.progress};
    const auto c = detail::c_options(options, progress);
    progress.expect(chiaro_restore(handle_.get(), &from, &to, &c, &report));
    return detail::report_of(report);
  }

  /// The restored pixels, of the same kind as the source, without gaps.
  template <typename From>
  std::vector<std::remove_const_t<From>> restored(const Picture<From>& source,
                                                  const RestoreOptions& options = {}) {
    using Sample = std::remove_const_t<From>;
    const std::int64_t scale = c_facts().scale;
    const auto side = [scale](int length) { return length > 0 ? length * scale : 0; };
    const std::int64_t width = side(source.width);
    const std::int64_t height = side(source.height);
    // As many as the library takes; no memory is asked for where it would refuse.
    constexpr std::int64_t kMostPixels = 2'000'000'000;
    if (width > kMostPixels || height > kMostPixels || width * height > kMostPixels)
      throw Error(CHIARO_USAGE, "[api.restored] the result would have too many pixels");
    std::vector<Sample> pixels(static_cast<std::size_t>(width * height) *
                               static_cast<std::size_t>(samples_per_pixel(source.layout)));
    restore(source,
            Picture<Sample>{pixels.data(), static_cast<int>(width), static_cast<int>(height),
                            source.layout},
            options);
    return pixels;
  }

  /// The part of the whole result that begins at (x, y) of the source, as large as the target.
  template <typename From, typename To>
  void restore_region(const Picture<From>& source, int x, int y, const Picture<To>& target,
                      const RestoreOptions& options = {}) {
    const chiaro_picture from = source.c_picture();
    const chiaro_picture to = target.c_picture();
    static_assert(!std::is_const_v<To>, "a target is written to");
    detail::Progress progress{options.progress};
    const auto c = detail::c_options(options, progress);
    progress.expect(chiaro_restore_region(handle_.get(), &from, x, y, &to, &c));
  }

  /// As `chiaro restore` does it.
  Report restore_file(const std::string& input, const std::string& output,
                      const RestoreOptions& options = {}, const WriteOptions& write = {}) {
    chiaro_write_options w;
    chiaro_write_defaults(&w, sizeof(w));
    w.format = write.format.empty() ? nullptr : write.format.c_str();
    w.depth = static_cast<std::int32_t>(write.depth);
    w.quality = write.quality;
    w.strip_metadata = write.strip_metadata ? 1 : 0;
    w.overwrite = write.overwrite ? 1 : 0;
    chiaro_report report{};
    report.size = sizeof(report);
    detail::Progress progress{options.progress};
    const auto c = detail::c_options(options, progress);
    progress.expect(
        chiaro_restore_file(handle_.get(), input.c_str(), output.c_str(), &c, &w, &report));
    return detail::report_of(report);
  }

  /// What is wrong with a picture; needs a bundle with a controller.
  template <typename From>
  Inspection inspect(const Picture<From>& source) {
    const chiaro_picture from = source.c_picture();
    chiaro_inspection* seen = nullptr;
    detail::expect(chiaro_inspect(handle_.get(), &from, &seen));
    return taken(seen);
  }

  Inspection inspect_file(const std::string& input) {
    chiaro_inspection* seen = nullptr;
    detail::expect(chiaro_inspect_file(handle_.get(), input.c_str(), &seen));
    return taken(seen);
  }

  Facts facts() const {
    const chiaro_facts c = c_facts();
    const auto text = [this](chiaro_text which) -> std::string {
      return chiaro_bundle_text(handle_.get(), which);
    };
    Facts facts;
    facts.name = text(CHIARO_TEXT_NAME);
    facts.summary = text(CHIARO_TEXT_SUMMARY);
    facts.license = text(CHIARO_TEXT_LICENSE);
    facts.file = text(CHIARO_TEXT_FILE);
    facts.card = text(CHIARO_TEXT_CARD);
    facts.manifest = text(CHIARO_TEXT_MANIFEST);
    const std::string types = text(CHIARO_TEXT_TYPES);
    for (std::size_t first = 0; !types.empty() && first <= types.size();) {
      const std::size_t end = std::min(types.find(',', first), types.size());
      facts.types.push_back(types.substr(first, end - first));
      first = end + 1;
    }
    facts.scale = c.scale;
    facts.channels = c.channels;
    facts.alignment_px = c.alignment_px;
    facts.reach_px = c.reach_px;
    facts.threads = c.threads;
    facts.precision = static_cast<Precision>(c.precision);
    facts.parameters = c.parameters;
    return facts;
  }

  /// Resident memory of the process, at the most, while a picture of this size is restored.
  std::int64_t predicted_memory(int width, int height, const RestoreOptions& options = {}) {
    std::int64_t bytes = 0;
    detail::Progress progress{options.progress};
    const auto c = detail::c_options(options, progress);
    detail::expect(chiaro_predict_memory(handle_.get(), width, height, &c, &bytes));
    return bytes;
  }

  /// Frees work memory that is kept for the next picture of the same size.
  void release_memory() { detail::expect(chiaro_release_memory(handle_.get())); }

  /// For calls of the C interface; stays this object's.
  chiaro_restorer* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(chiaro_restorer* restorer) const { chiaro_close(restorer); }
  };
  struct Free {
    void operator()(chiaro_inspection* inspection) const { chiaro_inspection_free(inspection); }
  };

  chiaro_facts c_facts() const {
    chiaro_facts facts{};
    facts.size = sizeof(facts);
    detail::expect(chiaro_describe(handle_.get(), &facts));
    return facts;
  }

  static Inspection taken(chiaro_inspection* owned) {
    const std::unique_ptr<chiaro_inspection, Free> seen(owned);
    chiaro_verdict verdict{};
    verdict.size = sizeof(verdict);
    detail::expect(chiaro_inspection_verdict(seen.get(), &verdict));
    Inspection inspection{{},
                          verdict.confidence,
                          verdict.novelty,
                          verdict.strength,
                          verdict.clean != 0,
                          verdict.unlike != 0,
                          chiaro_inspection_advice(seen.get())};
    std::size_t count = 0;
    const chiaro_finding* findings = chiaro_inspection_findings(seen.get(), &count);
    for (std::size_t i = 0; i < count; ++i) {
      inspection.findings.push_back(
          {findings[i].type, findings[i].probability, findings[i].severity});
    }
    return inspection;
  }

  std::unique_ptr<chiaro_restorer, Close> handle_;
};

}  // namespace chiaro::api
