// --audit: says what came along beside the pixels, and refuses a result that lost something.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/cli/restore_arguments.h"
#include "chiaro/image/fidelity.h"
#include "chiaro/image/salvage.h"

namespace chiaro::cli {

/// Compares the file `input` with the coded result. Under --json the event `audit`, else lines on
/// stdout: every trait, or in `brief` only what is not as before. `damage`: of an input of which
/// rows are missing. Errors: CheckFailed where
/// something was lost or changed that --strip, --depth or --alpha did not ask for; Input.
void audit(const std::string& input, std::span<const std::byte> result,
           const RestoreArguments& arguments, bool brief,
           const std::optional<image::Damage>& damage = std::nullopt);

}  // namespace chiaro::cli
