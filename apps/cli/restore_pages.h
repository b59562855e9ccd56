// chiaro restore with pictures of several pages (TIFF): page by page, into one file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "apps/cli/restore_arguments.h"
#include "chiaro/base/file_state.h"
#include "chiaro/base/log.h"
#include "chiaro/image/pages.h"
#include "chiaro/restore/restorer.h"
#include "chiaro/restore/tile_check.h"

namespace chiaro::cli {

struct PagesDone {
  int width = 0;  ///< of the first page of the result
  int height = 0;
  std::int64_t pixels = 0;  ///< of all pages
  std::int64_t bytes = 0;   ///< of the file
};

/// A page that is restored; pages count from 1.
struct PageDone {
  int page = 1;
  int width = 0;  ///< of the result
  int height = 0;
  const restore::RestoreReport& report;
  const image::Image& result;  ///< empty where the page went through in strips
};

/// What is told meanwhile.
struct PagesObserver {
  /// Before the first page is restored: its size and how it goes, and the highest peak of any.
  std::function<void(int height, int width, const restore::RestorePlan& plan, bool in_strips)>
      begun = {};
  std::function<void(const PageDone&)> done = {};
  /// What --verify-tiles found of a page, before it is judged.
  std::function<void(int page, const restore::TileCheck& check)> checked = {};
  /// Before the file takes its name.
  std::function<void(std::span<const std::byte> coded)> coded = {};
};

/// Whether the pages of this source go into a result that has pages. --region is of the first page,
/// and other formats hold one: reading it says so.
bool go_by_pages(const image::PageReader& source, const RestoreArguments& arguments,
                 const std::string& output);

/// Restores each page as a picture of its own, which the controller looks at by itself; in strips
/// where it is larger than memory. An empty target: the result goes to `coded` alone, and no page
/// in strips. Errors: as image::read, Restorer::restore, StripRestoration and image::write, with
/// the page in front.
PagesDone restore_pages(restore::Restorer& restorer, const image::PageReader& source,
                        const std::string& target, const RestoreArguments& arguments,
                        const restore::RestoreOptions& options, const ProgressCallback& progress,
                        const PagesObserver& observer);

/// The one input of the arguments, whose restorer is open. `started` is when the program began
/// (monotonic_s), `before` what the input was then.
void restore_one_by_pages(RestoreArguments& arguments, const image::PageReader& source,
                          double started, const FileState& before);

}  // namespace chiaro::cli
