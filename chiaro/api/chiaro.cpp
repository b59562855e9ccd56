#include "chiaro/api/chiaro.h"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "chiaro/api/boundary.h"
#include "chiaro/api/files.h"
#include "chiaro/api/handle.h"
#include "chiaro/api/pixels.h"
#include "chiaro/base/error.h"
#include "chiaro/base/version.h"
#include "chiaro/restore/again.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/region.h"

namespace chiaro::api {
namespace {

constexpr chiaro_open_options kOpenDefaults{sizeof(chiaro_open_options), 0, CHIARO_PRECISION_AUTO};
constexpr chiaro_restore_options kRestoreDefaults{sizeof(chiaro_restore_options),
                                                  1.0,
                                                  CHIARO_GUARD_SOFT,
                                                  CHIARO_ALPHA_KEEP,
                                                  nullptr,
                                                  0,
                                                  0,
                                                  -1,
                                                  nullptr,
                                                  nullptr,
                                                  0.0,
                                                  0,
                                                  0};
constexpr chiaro_write_options kWriteDefaults{sizeof(chiaro_write_options), nullptr, 0, 0, 0, 0};

/// The enumerator behind a number of the C interface.
template <typename Value>
Value one_of(int number, std::initializer_list<Value> values, const char* what) {
  CHIARO_CHECK(number >= 0 && static_cast<std::size_t>(number) < values.size(), Usage,
               "[api.options] unknown {}; got {}; expected 0 to {}", what, number,
               values.size() - 1);
  return values.begin()[number];
}

engine::EngineOptions engine_options(const chiaro_open_options* given) {
  const auto options = taken(given, kOpenDefaults, "chiaro_open_defaults");
  using engine::Precision;
  return {.precision = one_of(options.precision, {Precision::Auto, Precision::F32, Precision::Bf16},
                              "precision"),
          .threads = options.threads};
}

/// What a caller asked for, in the terms of the rooms.
struct Wish {
  restore::RestoreOptions options;
  ProgressCallback progress;
  bool again = false;
};

Wish wish_of(const chiaro_restore_options* given) {
  const auto options = taken(given, kRestoreDefaults, "chiaro_restore_defaults");
  using restore::AlphaMode;
  using restore::GuardMode;
  Wish wish;
  wish.options.strength = options.strength;
  wish.options.keep_grain = options.keep_grain;
  wish.again = options.again != 0;
  CHIARO_CHECK(options.reserved == 0, Usage, "[api.options] reserved is not 0; got {}",
               options.reserved);
  wish.options.guard =
      one_of(options.guard, {GuardMode::Off, GuardMode::Soft, GuardMode::Strict}, "guard");
  wish.options.alpha = one_of(options.alpha, {AlphaMode::Keep, AlphaMode::Restore, AlphaMode::Drop},
                              "way with alpha");
  if (options.as != nullptr) wish.options.stated = restore::parse_stated_damages(options.as);
  wish.options.max_memory_bytes = options.max_memory_bytes;
  wish.options.tile_px = options.tile_px;
  wish.options.overlap_px = options.overlap_px;
  if (options.progress != nullptr) {
    wish.progress = [call = options.progress, user = options.user](double done) {
      const Outside outside;
      return call(done, user) == 0;
    };
  }
  return wish;
}

image::Image restored(restore::Restorer& restorer, image::Image picture, const Wish& wish,
                      restore::RestoreReport* seen) {
  return wish.again ? restore::restore_again(restorer, std::move(picture), wish.options,
                                             wish.progress, seen)
                    : restorer.restore(std::move(picture), wish.options, wish.progress, seen);
}

/// `restorer` did it, and keeps what the report points to.
chiaro_report report_of(const restore::RestoreReport& seen, const restore::Restorer& restorer) {
  const restore::GuardDecision decision = seen.guard.value_or(restore::GuardDecision{});
  const auto& condition = restorer.manifest().condition;
  return {sizeof(chiaro_report),
          seen.strength,
          decision.confidence,
          seen.guard ? 1 : 0,
          decision.clean ? 1 : 0,
          decision.unlike ? 1 : 0,
          seen.blind ? 1 : 0,
          seen.below && condition ? condition->types[seen.below->top()].c_str() : nullptr};
}

/// For before the work: afterwards it would be too late to refuse. Errors: Usage.
void expect_report(const chiaro_report* report) {
  if (report != nullptr) expect_sized(*report, "report");
}

void give_report(const restore::RestoreReport& seen, const restore::Restorer& restorer,
                 chiaro_report* report) {
  if (report != nullptr) give(report_of(seen, restorer), report, "report");
}

/// Errors: Usage, unless the target can hold a result of these sides.
void expect_fitting(const Pixels& source, const Pixels& target, std::int64_t width,
                    std::int64_t height) {
  CHIARO_CHECK(target.width == width && target.height == height, Usage,
               "[api.restore] the target does not fit the result; got {} x {}; expected {} x {}",
               target.width, target.height, width, height);
  CHIARO_CHECK(target.colours == source.colours, Usage,
               "[api.restore] source and target have to be both grey or both coloured; got {} and "
               "{} colour channels",
               source.colours, target.colours);
}

void inspect(chiaro_restorer* restorer, const image::Image& picture,
             chiaro_inspection** inspection) {
  restorer->alone([&](restore::Restorer& inside) {
    const auto found = inside.inspect(picture);
    *inspection =
        std::make_unique<chiaro_inspection>(found, *inside.manifest().condition).release();
  });
}

}  // namespace
}  // namespace chiaro::api

namespace api = chiaro::api;

void chiaro_open_defaults(chiaro_open_options* options, size_t size) {
  api::give_defaults(api::kOpenDefaults, options, size);
}

void chiaro_restore_defaults(chiaro_restore_options* options, size_t size) {
  api::give_defaults(api::kRestoreDefaults, options, size);
}

void chiaro_write_defaults(chiaro_write_options* options, size_t size) {
  api::give_defaults(api::kWriteDefaults, options, size);
}

const char* chiaro_version(void) {
  static const std::string text = chiaro::version();
  return text.c_str();
}

const char* chiaro_status_text(int status) {
  switch (status) {
    case CHIARO_OK:
      return "done";
    case CHIARO_USAGE:
      return "wrong usage";
    case CHIARO_INPUT:
      return "wrong input";
    case CHIARO_OUTPUT:
      return "output not writable";
    case CHIARO_BUNDLE:
      return "bundle damaged or incompatible";
    case CHIARO_RESOURCE:
      return "not enough memory";
    case CHIARO_CHECK_FAILED:
      return "a check said no";
    case CHIARO_INTERNAL:
      return "internal fault";
    case CHIARO_CANCELLED:
      return "cancelled";
    default:
      return "unknown status";
  }
}

const char* chiaro_last_error(void) {
  return api::last_error().c_str();
}

const char* chiaro_last_notes(void) {
  return api::last_notes().c_str();
}

chiaro_status chiaro_open(const char* bundle, const chiaro_open_options* options,
                          chiaro_restorer** restorer) {
  if (restorer != nullptr) *restorer = nullptr;
  return api::guarded([&] {
    api::expect_given(restorer, "place for the restorer");
    const auto engine = api::engine_options(options);
    const auto file = chiaro::restore::find_bundle(bundle == nullptr ? "default" : bundle);
    *restorer =
        std::make_unique<chiaro_restorer>(chiaro::bundle::read_bundle(file), engine).release();
  });
}

void chiaro_close(chiaro_restorer* restorer) {
  api::guarded([&] { const std::unique_ptr<chiaro_restorer> owned(restorer); });
}

const char* chiaro_bundle_text(const chiaro_restorer* restorer, int which) {
  if (restorer == nullptr) return nullptr;
  const auto& manifest = restorer->restorer().manifest();
  switch (which) {
    case CHIARO_TEXT_NAME:
      return manifest.name.c_str();
    case CHIARO_TEXT_SUMMARY:
      return manifest.summary.c_str();
    case CHIARO_TEXT_LICENSE:
      return manifest.license.c_str();
    case CHIARO_TEXT_FILE:
      return restorer->file.c_str();
    case CHIARO_TEXT_CARD:
      return restorer->card.c_str();
    case CHIARO_TEXT_MANIFEST:
      return restorer->manifest.c_str();
    case CHIARO_TEXT_TYPES:
      return restorer->types.c_str();
    default:
      return nullptr;
  }
}

chiaro_status chiaro_describe(const chiaro_restorer* restorer, chiaro_facts* facts) {
  return api::guarded([&] {
    api::expect_given(restorer, "restorer");
    const auto& inside = restorer->restorer();
    const auto& manifest = inside.manifest();
    const bool bf16 = inside.precision() == chiaro::engine::Precision::Bf16;
    api::give(
        chiaro_facts{sizeof(chiaro_facts), manifest.scale, manifest.color == "grey" ? 1 : 3,
                     manifest.alignment_px, manifest.receptive_field_px, manifest.condition ? 1 : 0,
                     inside.threads(),
                     static_cast<std::int32_t>(bf16 ? CHIARO_PRECISION_BF16 : CHIARO_PRECISION_F32),
                     0, manifest.parameters},
        facts, "facts");
  });
}

chiaro_status chiaro_restore(chiaro_restorer* restorer, const chiaro_picture* source,
                             const chiaro_picture* target, const chiaro_restore_options* options,
                             chiaro_report* report) {
  return api::guarded([&] {
    api::expect_given(restorer, "restorer");
    const auto from = api::looked_at(source, "source");
    const auto to = api::looked_at(target, "target");
    api::expect_report(report);
    const auto wish = api::wish_of(options);
    const std::int64_t scale = restorer->restorer().manifest().scale;
    api::expect_fitting(from, to, scale * from.width, scale * from.height);
    if (wish.options.max_memory_bytes > 0) {
      restorer->alone([&](chiaro::restore::Restorer& inside) {
        (void)inside.plan(
            from.height, from.width, wish.options,
            api::float_bytes(from.height, from.width, from.colours + (from.alpha ? 1 : 0)));
      });
    }
    chiaro::image::Image picture = api::as_image(from);
    chiaro::restore::RestoreReport seen;
    restorer->alone([&](chiaro::restore::Restorer& inside) {
      picture = api::restored(inside, std::move(picture), wish, &seen);
    });
    api::give_report(seen, restorer->restorer(), report);
    api::write_pixels(picture, to);
  });
}

chiaro_status chiaro_restore_region(chiaro_restorer* restorer, const chiaro_picture* source,
                                    int32_t x, int32_t y, const chiaro_picture* target,
                                    const chiaro_restore_options* options) {
  return api::guarded([&] {
    api::expect_given(restorer, "restorer");
    const auto from = api::looked_at(source, "source");
    const auto to = api::looked_at(target, "target");
    const auto wish = api::wish_of(options);
    CHIARO_CHECK(!wish.again, Usage,
                 "[api.restore] a region is not looked at again: what shows in the whole result is "
                 "not known from a part");
    const int scale = restorer->restorer().manifest().scale;
    CHIARO_CHECK(to.width % scale == 0 && to.height % scale == 0, Usage,
                 "[api.restore] the sides of the target have to be multiples of the scale {}; got "
                 "{} x {}",
                 scale, to.width, to.height);
    api::expect_fitting(from, to, to.width, to.height);
    const chiaro::restore::Region region{x, y, to.width / scale, to.height / scale};
    chiaro::image::Image picture = api::as_image(from);
    restorer->alone([&](chiaro::restore::Restorer& inside) {
      picture = chiaro::restore::restore_region(inside, std::move(picture), region, wish.options,
                                                wish.progress);
    });
    api::write_pixels(picture, to);
  });
}

chiaro_status chiaro_restore_file(chiaro_restorer* restorer, const char* input, const char* output,
                                  const chiaro_restore_options* options,
                                  const chiaro_write_options* write, chiaro_report* report) {
  return api::guarded([&] {
    api::expect_given(restorer, "restorer");
    api::expect_given(input, "name of the input");
    api::expect_given(output, "name of the output");
    api::expect_report(report);
    const auto wish = api::wish_of(options);
    const auto given = api::taken(write, api::kWriteDefaults, "chiaro_write_defaults");
    const auto file = api::output_file(input, output, given);
    if (wish.options.max_memory_bytes > 0) {
      const auto probe = chiaro::image::probe(input);
      restorer->alone([&](chiaro::restore::Restorer& inside) {
        chiaro::restore::expect_within_limit(inside, probe, wish.options);
      });
    }
    chiaro::image::Image picture = chiaro::image::read(input);
    chiaro::restore::RestoreReport seen;
    restorer->alone([&](chiaro::restore::Restorer& inside) {
      picture = api::restored(inside, std::move(picture), wish, &seen);
      // What encoding takes has to fit below the limit too.
      if (wish.options.max_memory_bytes > 0) inside.release_memory();
    });
    chiaro::image::write(output, picture, file);
    api::give_report(seen, restorer->restorer(), report);
  });
}

chiaro_status chiaro_predict_memory(chiaro_restorer* restorer, int32_t width, int32_t height,
                                    const chiaro_restore_options* options, int64_t* peak_bytes) {
  return api::guarded([&] {
    api::expect_given(restorer, "restorer");
    api::expect_given(peak_bytes, "place for the bytes");
    const auto wish = api::wish_of(options);
    restorer->alone([&](chiaro::restore::Restorer& inside) {
      *peak_bytes = inside.plan(height, width, wish.options, api::float_bytes(height, width, 4))
                        .predicted_peak_bytes;
    });
  });
}

chiaro_status chiaro_release_memory(chiaro_restorer* restorer) {
  return api::guarded([&] {
    api::expect_given(restorer, "restorer");
    restorer->alone([](chiaro::restore::Restorer& inside) { inside.release_memory(); });
  });
}

chiaro_status chiaro_inspect(chiaro_restorer* restorer, const chiaro_picture* source,
                             chiaro_inspection** inspection) {
  if (inspection != nullptr) *inspection = nullptr;
  return api::guarded([&] {
    api::expect_given(restorer, "restorer");
    api::expect_given(inspection, "place for the inspection");
    const auto from = api::looked_at(source, "source");
    api::inspect(restorer, api::as_image(from), inspection);
  });
}

chiaro_status chiaro_inspect_file(chiaro_restorer* restorer, const char* input,
                                  chiaro_inspection** inspection) {
  if (inspection != nullptr) *inspection = nullptr;
  return api::guarded([&] {
    api::expect_given(restorer, "restorer");
    api::expect_given(input, "name of the input");
    api::expect_given(inspection, "place for the inspection");
    api::inspect(restorer, chiaro::image::read(input), inspection);
  });
}

const chiaro_finding* chiaro_inspection_findings(const chiaro_inspection* inspection,
                                                 size_t* count) {
  if (count != nullptr) *count = inspection == nullptr ? 0 : inspection->findings.size();
  return inspection == nullptr ? nullptr : inspection->findings.data();
}

chiaro_status chiaro_inspection_verdict(const chiaro_inspection* inspection,
                                        chiaro_verdict* verdict) {
  return api::guarded([&] {
    api::expect_given(inspection, "inspection");
    const auto& decision = inspection->decision;
    api::give(chiaro_verdict{sizeof(chiaro_verdict), decision.confidence, inspection->novelty,
                             decision.strength, decision.clean ? 1 : 0, decision.unlike ? 1 : 0},
              verdict, "verdict");
  });
}

const char* chiaro_inspection_advice(const chiaro_inspection* inspection) {
  return inspection == nullptr ? nullptr : inspection->advice.c_str();
}

void chiaro_inspection_free(chiaro_inspection* inspection) {
  api::guarded([&] { const std::unique_ptr<chiaro_inspection> owned(inspection); });
}
