#include "apps/cli/serve_work.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/cli/events.h"
#include "apps/cli/inspection_text.h"
#include "apps/cli/untouched.h"
#include "apps/server/result_formats.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pages.h"
#include "chiaro/restore/again.h"

namespace chiaro::cli {
namespace {

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// As the picture came; formats that the server does not give come back as PNG.
const server::ResultFormat& result_format(const server::JobRequest& request,
                                          const image::Image& picture) {
  const std::string& wanted =
      request.format.empty() ? picture.metadata.source_format : request.format;
  const auto* found = server::find_result_format(wanted);
  return found == nullptr ? server::kResultFormats.front() : *found;
}

restore::RestoreOptions wanted_by(const server::JobRequest& request,
                                  const server::ServeOptions& options) {
  restore::RestoreOptions wanted{.strength = request.strength,
                                 .keep_grain = request.keep_grain,
                                 .max_memory_bytes = options.max_memory_bytes,
                                 .beside_bytes = server::ServeOptions::kBesideBytes,
                                 .guard = restore::parse_guard_mode(request.guard)};
  if (!request.stated.empty()) wanted.stated = restore::parse_stated_damages(request.stated);
  return wanted;
}

std::string findings_of(const server::JobRequest& request, const restore::RestoreReport& report,
                        const restore::Restorer& restorer, int pages_left_out) {
  Json findings = {{"strength", report.strength}, {"blind", report.blind}};
  if (!report.blind) findings["as"] = request.stated;
  if (request.keep_grain > 0) findings["keep_grain"] = request.keep_grain;
  const auto& info = restorer.manifest().condition;
  if (report.inspection && info)
    findings["inspection"] = inspection_json(*report.inspection, *info);
  if (report.guard) findings["guard"] = guard_json(*report.guard);
  if (report.below && info) findings["below"] = inspection_json(*report.below, *info);
  if (pages_left_out > 0) findings["pages_left_out"] = pages_left_out;
  return text_of(findings);
}

std::string inspected(restore::Inspector& inspector, std::span<const std::byte> file,
                      const server::ServeOptions& options) {
  const double end = monotonic_s() + options.max_job_seconds;
  const image::Image picture = image::decode(
      file, "the picture",
      {.max_pixels = options.max_pixels, .go_on = [end] { return monotonic_s() < end; }});
  const restore::Inspection found = inspector.inspect(picture);
  const auto decision = restore::judge(found, inspector.info());
  Json json = {{"width", picture.width()}, {"height", picture.height()}};
  json.update(inspection_json(found, inspector.info()));
  json["confidence"] = decision.confidence;
  json["unlike"] = decision.unlike;
  json["recommendation"] = restore::recommendation(decision);
  json["guard"] = guard_json(decision);
  return text_of(json);
}

/// Before it is decoded: that alone may take more. Errors: Resource.
void expect_within_limit(const restore::Restorer& restorer, std::span<const std::byte> file,
                         const restore::RestoreOptions& options) {
  if (options.max_memory_bytes > 0)
    restore::expect_within_limit(restorer, image::probe(file, "the picture"), options);
}

image::Image restored(restore::Restorer& restorer, image::Image picture,
                      const server::JobRequest& request, const restore::RestoreOptions& wanted,
                      const ProgressCallback& progress, restore::RestoreReport& report) {
  return request.again
             ? restore::restore_again(restorer, std::move(picture), wanted, progress, &report)
             : restorer.restore(std::move(picture), wanted, progress, &report);
}

std::vector<std::byte> encoded(const image::Image& picture, const server::ResultFormat& format,
                               int quality, const ProgressCallback& progress) {
  return image::encode(picture, {.format = std::string(format.name),
                                 .quality = quality,
                                 .go_on = [&] { return progress(1); }});
}

}  // namespace

server::JobFunction restore_work(restore::RestorerPool& restorers,
                                 const server::ServeOptions& options) {
  // Pictures of all sizes leave holes in the heaps, which would take long to settle.
  constexpr unsigned kTidiedEvery = 100;
  const auto jobs = std::make_shared<std::atomic<unsigned>>(0);
  return [&restorers, options, jobs](const server::JobRequest& request,
                                     const ProgressCallback& progress) {
    if (++*jobs % kTidiedEvery == 0) return_free_memory();
    const restore::RestoreOptions wanted = wanted_by(request, options);
    expect_within_limit(*restorers.take(), request.picture, wanted);
    image::Image picture =
        image::decode(request.picture, "the picture",
                      {.max_pixels = options.max_pixels, .go_on = [&] { return progress(0); }});
    const int left_out = image::PageReader(request.picture, "the picture").count() - 1;
    const server::ResultFormat& format = result_format(request, picture);
    restore::RestoreReport report;
    const Before before(picture);
    picture = restored(*restorers.take(), std::move(picture), request, wanted, progress, report);
    const bool as_sent = format.name == picture.metadata.source_format && request.quality == 0 &&
                         left_out == 0 && before.same_picture(picture, report);
    return server::JobResult{
        .file = as_sent ? std::vector(request.picture.begin(), request.picture.end())
                        : encoded(picture, format, request.quality, progress),
        .type = std::string(format.media_type),
        .width = picture.width(),
        .height = picture.height(),
        .pages_left_out = left_out,
        .findings = findings_of(request, report, restorers.any(), left_out)};
  };
}

server::CheckFunction check_work(restore::RestorerPool& restorers,
                                 const server::ServeOptions& options) {
  return [&restorers, options](const server::JobRequest& request) {
    const restore::RestoreOptions wanted = wanted_by(request, options);
    restorers.any().expect_possible(wanted);
    if (request.again) restore::expect_possible_again(restorers.any(), wanted);
  };
}

server::InspectFunction inspect_work(restore::Inspector& inspector,
                                     restore::RestorerPool& restorers,
                                     const server::ServeOptions& options) {
  return [&inspector, &restorers, options](std::span<const std::byte> file) {
    if (options.max_memory_bytes == 0) return inspected(inspector, file, options);
    const auto alone = restorers.take();  // one picture at a time under a limit
    expect_within_limit(*alone, file, {.max_memory_bytes = options.max_memory_bytes});
    return inspected(inspector, file, options);
  };
}

}  // namespace chiaro::cli
