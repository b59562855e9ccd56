// --audit: says what came along beside the pixels, and refuses a result that lost something.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "apps/cli/restore_arguments.h"
#include "chiaro/image/fidelity.h"

namespace chiaro::cli {

/// Compares the file `input` with the coded result. Under --json the event `audit`, else lines on
/// stdout: every trait, or in `brief` only what is not as before. Errors: CheckFailed where
/// something was lost or changed that --strip, --depth or --alpha did not ask for; Input.
void audit(const std::string& input, std::span<const std::byte> result,
           const RestoreArguments& arguments, bool brief);

}  // namespace chiaro::cli
