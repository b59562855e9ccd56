// Codes for the pictures of a folder: several threads read, one encodes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/restore/code_index.h"
#include "chiaro/restore/picture_encoder.h"

namespace chiaro::restore {

/// The pictures in a folder and below it, by path, with their stamps. Errors: Input.
std::vector<FolderPicture> list_folder(const std::filesystem::path& folder);

/// What is done with a picture. `bytes` and `look` are called from several threads, `encode` from
/// that of the caller. Each may throw.
struct CodingSteps {
  /// Memory that looking takes, known before the picture is decoded.
  std::function<std::int64_t(const std::filesystem::path&)> bytes;
  std::function<CodeViews(const std::filesystem::path&)> look;
  std::function<std::vector<float>(const CodeViews&)> encode;
};

struct CodingOptions {
  int readers = 1;                                       ///< threads that call `look`
  std::int64_t in_flight_bytes = std::int64_t{1} << 30;  ///< of pictures that are looked at
};

/// What is told meanwhile, in the thread of the caller.
struct CodingObserver {
  std::function<void()> done = {};  ///< a picture has its code
  /// One that cannot be read.
  std::function<void(const FolderPicture&, const Error&)> failed = {};
  /// After each picture, and about ten times a second. Return false to stop.
  std::function<bool()> keep_going = {};
};

/// Adds the codes of `pictures` to the index, with the stamps they have now. One that cannot be
/// read (Input) does not stop the rest, and is added as a fault where that lies in what the file
/// holds: not where it is gone, may not be opened, or changed while it was read. Returns false
/// where it was stopped; what was done until then is in the index, as it is after an error. Errors:
/// whatever is not the picture's fault.
bool code_pictures(CodeIndex& index, const std::filesystem::path& folder,
                   std::span<const FolderPicture> pictures, const CodingSteps& steps,
                   const CodingOptions& options = {}, const CodingObserver& observer = {});

}  // namespace chiaro::restore
