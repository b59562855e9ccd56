// chiaro restore with pictures larger than memory: from file to file, in strips.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "apps/cli/restore_arguments.h"
#include "chiaro/base/file_state.h"
#include "chiaro/base/log.h"
#include "chiaro/image/strips.h"
#include "chiaro/restore/strip_restoration.h"

namespace chiaro::cli {

struct StripsDone {
  image::Frame result;
  restore::RestoreReport report;
  std::int64_t bytes = 0;  ///< of the file
};

/// What is told between the look at the picture and its restoration, and before the file takes its
/// name.
struct StripsObserver {
  std::function<void(const image::Frame& source, const restore::RestorePlan&)> begun = {};
  std::function<void(std::span<const std::byte> coded)> coded = {};
};

/// The options, told what the result will be written as: strips are held as that.
restore::RestoreOptions with_written(restore::RestoreOptions options, image::SampleType source,
                                     const image::WriteOptions& write, const std::string& format);

/// Errors: as StripRestoration and image::write_strips; Resource (the format cannot be written in
/// strips).
StripsDone restore_in_strips(restore::Restorer& restorer, const std::string& input,
                             const std::string& output, const RestoreArguments& arguments,
                             const restore::RestoreOptions& options,
                             const ProgressCallback& progress, const StripsObserver& observer);

/// Standard input or a named pipe (`<(…)`, mkfifo): what is read from it is gone.
bool is_piped(const std::string& input);

/// The option given that needs the picture as a whole, such as "--again"; "" where there is none.
std::string whole_picture_option(const RestoreArguments& arguments);

/// False with a whole_picture_option, for pipes, and without a limit for pictures so small that any
/// machine has the memory. Errors: Input.
bool may_need_strips(const std::string& input, const RestoreArguments& arguments);

/// As image::probe, with --salvage of damaged files, too.
image::Probe probe_of(const std::string& input, const RestoreArguments& arguments);

/// With --salvage, whether rows of the file are missing: such a picture goes as a whole. Decodes
/// it. Errors: Input.
bool has_to_be_salvaged(const std::string& input, const RestoreArguments& arguments);

/// Whether this file is to be restored so; with a note where it might have to, but cannot. Without
/// a limit it may be called beside a restoration.
bool needs_strips(const restore::Restorer& restorer, const std::string& input,
                  const std::string& output, const RestoreArguments& arguments,
                  const restore::RestoreOptions& options);

/// The note of a picture that is not restored in strips, though it may be larger than memory.
void say_tried_as_whole(const std::string& name, const image::Frame& source,
                        const restore::Passage& passage);

/// The one input of the arguments, whose restorer is open. `started` is when the program began
/// (monotonic_s), `before` what the input was then.
void restore_one_in_strips(RestoreArguments& arguments, double started, const FileState& before);

}  // namespace chiaro::cli
