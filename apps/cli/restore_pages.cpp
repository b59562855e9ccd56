#include "apps/cli/restore_pages.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "apps/cli/audit.h"
#include "apps/cli/each_picture.h"
#include "apps/cli/events.h"
#include "apps/cli/restore_strips.h"
#include "apps/cli/restore_telling.h"
#include "apps/cli/restore_work.h"
#include "apps/cli/shown_text.h"
#include "chiaro/base/error.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/base/write_error.h"
#include "chiaro/restore/strip_restoration.h"

namespace chiaro::cli {
namespace {

/// Errors say which page they are of.
template <typename Work>
auto of_page(int page, int count, const Work& work) {
  try {
    return work();
  } catch (const WriteError&) {  // not the page's fault
    throw;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Interrupted) throw;
    fail(error.code(), "[cli.restore] page {} of {}: {}", page, count, error.what());
  }
}

/// A file in memory is there twice for a moment while it grows.
constexpr std::int64_t kGrowing = 2;

/// The network is prepared anew for a page, in a heap that the page before has left holes in, and
/// beside what it keeps of other shapes: measured, up to 18 MiB above the forecast of one page
/// alone.
constexpr std::int64_t kPreparedAnew = std::int64_t{20} << 20;

/// Of a page in a file that is not compressed.
std::int64_t page_bytes(const image::Frame& page) {
  const int sample = page.sample_type == image::SampleType::U8    ? 1
                     : page.sample_type == image::SampleType::U16 ? 2
                                                                  : 4;
  return std::int64_t{page.width} * page.height * (page.channels + (page.has_alpha ? 1 : 0)) *
         sample;
}

struct PagePlan {
  bool in_strips = false;
  restore::RestorePlan tiles = {};
};

/// One page after the other, from a source into a writer.
class Pages {
 public:
  Pages(restore::Restorer& restorer, const image::PageReader& source, const std::string& target,
        const RestoreArguments& arguments, const restore::RestoreOptions& options,
        const PagesObserver& observer)
      : restorer_(restorer),
        source_(source),
        target_(target),
        arguments_(arguments),
        options_(options),
        observer_(observer) {}

  /// The size that a page will have, after all that can be refused of it.
  image::Frame checked_frame(int page) const {
    image::Frame frame = source_.frame(page);
    check_result(restorer_, frame.height, frame.width, arguments_, "tiff");
    const int scale = options_.strength > 0 ? restorer_.manifest().scale : 1;
    frame.height *= scale;
    frame.width *= scale;
    return frame;
  }

  /// How a page would go now, beside what is held of the pages before it where they are kept in
  /// memory. Errors: Resource (the limit is too small for it).
  PagePlan planned(int page, std::int64_t kept_bytes) const {
    if (!arguments_.ensemble && !arguments_.verify_tiles && !arguments_.again) {
      const image::StripReader reader = source_.strips(page, image::Notes::Unsaid);
      const auto options = strip_options(page);
      if (goes_in_strips(reader, options))
        return {true, restore::StripRestoration::planned(restorer_, reader.frame(), options)};
    }
    const image::Frame frame = source_.frame(page);
    const int channels = frame.channels + (frame.has_alpha ? 1 : 0);
    const std::int64_t bytes = std::int64_t{frame.width} * frame.height * channels *
                               static_cast<std::int64_t>(sizeof(float));
    return {false, foretold(restorer_, frame.height, frame.width, channels, arguments_, options_,
                            bytes + kept_bytes)};
  }

  /// Under a limit, as was foretold, so that the process does not take more than that: what it
  /// keeps of the pages before may have left room for larger tiles, or too little for the whole
  /// page, which then goes in strips within what the file was said to take.
  void restore(int page, const PagePlan& before, std::int64_t peak_bytes, image::PageWriter& writer,
               const ProgressCallback& progress) const {
    const bool limited = options_.max_memory_bytes > 0;
    const bool in_strips = limited ? planned(page, 0).in_strips : before.in_strips;
    restore::RestoreOptions options = in_strips ? strip_options(page) : options_;
    if (limited && in_strips == before.in_strips)
      options.max_window_pixels = before.tiles.window_pixels();
    else if (limited)
      options.max_memory_bytes = peak_bytes;
    if (in_strips) return restore_in_strips(page, options, writer, progress);
    image::Image picture = source_.read(page);
    restore::RestoreReport report;
    picture = restored_as_asked(
        restorer_, std::move(picture), arguments_, options, progress,
        [&](const restore::TileCheck& check) {
          if (observer_.checked) observer_.checked(page + 1, check);
        },
        &report);
    if (options_.max_memory_bytes > 0) restorer_.release_memory();
    writer.add(picture);
    if (observer_.done)
      observer_.done({page + 1, picture.width(), picture.height(), report, picture});
  }

 private:
  restore::RestoreOptions strip_options(int page) const {
    return with_written(options_, source_.frame(page).sample_type, arguments_.write, "tiff");
  }

  bool goes_in_strips(const image::StripReader& reader,
                      const restore::RestoreOptions& options) const {
    restore::Passage passage = choose_passage(restorer_, reader, "tiff", options);
    if (passage.in_strips && target_.empty()) {
      CHIARO_CHECK(options_.max_memory_bytes == 0, Resource,
                   "[cli.restore] a picture of {} x {} does not fit into memory, and pages go in "
                   "strips only into a file",
                   reader.frame().width, reader.frame().height);
      passage = {.in_strips = false, .obstacle = "pages go in strips only into a file"};
    }
    if (!passage.obstacle.empty()) say_tried_as_whole(source_.name(), reader.frame(), passage);
    return passage.in_strips;
  }

  void restore_in_strips(int page, const restore::RestoreOptions& options,
                         image::PageWriter& writer, const ProgressCallback& progress) const {
    bool first = true;
    const auto open = [&] {
      return source_.strips(
          page, std::exchange(first, false) ? image::Notes::Said : image::Notes::Unsaid);
    };
    restore::StripRestoration strips(restorer_, open, options, progress);
    const image::Frame& frame = strips.frame();
    writer.add_strips(frame, [&] { return strips.next(); });
    const image::Image nothing;
    if (observer_.done)
      observer_.done({page + 1, frame.width, frame.height, strips.report(), nothing});
  }

  restore::Restorer& restorer_;
  const image::PageReader& source_;
  const std::string& target_;
  const RestoreArguments& arguments_;
  const restore::RestoreOptions& options_;
  const PagesObserver& observer_;
};

}  // namespace

bool go_by_pages(const image::PageReader& source, const RestoreArguments& arguments,
                 const std::string& output) {
  return source.count() > 1 && arguments.region.empty() &&
         output_format(arguments, output) == "tiff";
}

PagesDone restore_pages(restore::Restorer& restorer, const image::PageReader& source,
                        const std::string& target, const RestoreArguments& arguments,
                        const restore::RestoreOptions& options, const ProgressCallback& progress,
                        const PagesObserver& observer) {
  const int count = source.count();
  say_cut_off(source);
  if (source.left_aside() > 0) {
    spdlog::warn("'{}' holds reduced copies of its pages or masks beside them, which are left out",
                 source.name());
  }
  restore::RestoreOptions with_room = options;
  if (options.max_memory_bytes > 0) with_room.beside_bytes += kPreparedAnew;
  const Pages pages(restorer, source, target, arguments, with_room, observer);
  PagesDone done;
  std::vector<image::Frame> frames;
  std::vector<PagePlan> plans;
  std::int64_t peak_bytes = 0;
  std::int64_t most_bytes = 0;
  std::int64_t kept_bytes = 0;
  for (int page = 0; page < count; ++page) {
    of_page(page + 1, count, [&] {
      frames.push_back(pages.checked_frame(page));
      most_bytes += image::PageWriter::bytes_at_most(frames.back(), arguments.write);
      frames.back().metadata = {};  // of all pages together they may be large
      plans.push_back(pages.planned(page, target.empty() ? kept_bytes : 0));
      kept_bytes += kGrowing * page_bytes(frames.back());
    });
    done.pixels += std::int64_t{frames.back().width} * frames.back().height;
    peak_bytes = std::max(peak_bytes, plans.back().tiles.predicted_peak_bytes);
  }
  if (observer.begun) {
    const image::Frame first = source.frame(0);
    restore::RestorePlan plan = plans.front().tiles;
    plan.predicted_peak_bytes = peak_bytes;
    observer.begun(first.height, first.width, plan, plans.front().in_strips);
  }
  done.width = frames.front().width;
  done.height = frames.front().height;
  image::PageWriter writer(target, count, most_bytes, arguments.write);
  for (int page = 0; page < count; ++page) {
    const ProgressCallback part = [&](double share) {
      return !progress || progress((page + share) / count);
    };
    of_page(page + 1, count, [&] {
      pages.restore(page, plans[static_cast<std::size_t>(page)], peak_bytes, writer, part);
    });
    if (options.max_memory_bytes > 0) restorer.release_memory();  // for the next page
  }
  writer.with_bytes([&](std::span<const std::byte> coded) {
    done.bytes = static_cast<std::int64_t>(coded.size());
    if (observer.coded) observer.coded(coded);
  });
  if (!target.empty()) writer.commit();
  return done;
}

void restore_one_by_pages(RestoreArguments& arguments, const image::PageReader& source,
                          double started, const FileState& before) {
  const std::string& input = arguments.inputs.front();
  restore::Restorer& restorer = *arguments.restorer;
  const int count = source.count();
  const bool to_stdout = arguments.output == "-";
  const auto begun = [&](int height, int width, const restore::RestorePlan& plan, bool in_strips) {
    say_start(arguments, restorer, plan, height, width, in_strips, monotonic_s() - started, count);
  };
  const auto page_done = [&](const PageDone& one) {
    say_report(one.report, restorer.manifest(), arguments, fmt::format("page {}: ", one.page));
    if (!arguments.show.json) return;
    Json event = {{"file", input},      {"page", one.page},     {"pages", count},
                  {"width", one.width}, {"height", one.height}, {"in_strips", one.result.empty()}};
    if (!one.result.empty()) event["pixels_sha256"] = pixels_sha256(one.result);
    event.update(report_json(one.report, restorer.manifest(), arguments));
    print_event("page", event);
  };
  const auto checked = [&](int page, const restore::TileCheck& check) {
    say_tile_check(input, page, check, arguments.show);
  };
  const auto coded = [&](std::span<const std::byte> bytes) {
    if (!is_piped(input)) expect_unchanged(input, before);
    if (arguments.audit) audit(input, bytes, arguments, false);
    if (to_stdout) write_to_stdout(bytes);
  };
  PagesDone done;
  with_progress(arguments, [&](const ProgressCallback& progress) {
    done = restore_pages(restorer, source, to_stdout ? "" : arguments.output, arguments,
                         arguments.options, progress,
                         {.begun = begun, .done = page_done, .checked = checked, .coded = coded});
  });
  const double seconds = monotonic_s() - started;
  spdlog::info("wrote {} ({} pages, {:.2f} s)", shown_output(arguments.output), count, seconds);
  if (!arguments.show.json) return;
  print_event("restored", {{"file", input},
                           {"output", arguments.output},
                           {"width", done.width},
                           {"height", done.height},
                           {"pages", count},
                           {"seconds", seconds}});
  print_event("summary", {{"done", 1},
                          {"failed", 0},
                          {"seconds", seconds},
                          {"peak_resident_bytes", peak_resident_bytes()},
                          {"exit_status", 0}});
}

}  // namespace chiaro::cli
