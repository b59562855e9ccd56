// Many pictures one after the other, where one that is broken does not stop the rest.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/image/pages.h"

namespace chiaro::cli {

/// What is treated: a picture, or a page of one that has several.
struct PageOf {
  std::filesystem::path file;
  int page = 1;  ///< from 1
  int pages = 1;

  /// "scan.tif", or "scan.tif, page 2 of 3".
  std::string name() const;
};

using TreatPicture = std::function<void(const PageOf& which, const image::Image&)>;

/// A word of pages that a file leads to and does not have.
void say_cut_off(const image::PageReader& reader);

/// Hands the picture, or one page after the other, to `treat`. Errors: Input; those of `treat`;
/// Interrupted.
void treat_pages(const std::filesystem::path& file, const TreatPicture& treat);
/// `bytes` are the file.
void treat_pages(const std::filesystem::path& file, std::span<const std::byte> bytes,
                 const TreatPicture& treat);

/// Reads each file and hands it, or its pages, to `treat`. One that cannot be read (Input, from
/// either) is logged and, with `json`, printed as an event "failed". Returns how many. Errors:
/// whatever is not the picture's fault; Interrupted.
std::size_t treat_each(const std::vector<std::filesystem::path>& files, bool json,
                       const TreatPicture& treat);

/// All of it. Errors: Input.
std::vector<std::byte> read_stdin();

/// Logs what is there but cannot be read and, with `json`, prints it as an event "failed".
void tell_unreadable(const std::filesystem::path& path, const std::string& reason, bool json);

/// Errors: SomeFailed, unless `failed` is 0.
void expect_none_failed(std::size_t failed, std::size_t count);

}  // namespace chiaro::cli
