// Damage below damage: the controller sees haze and rain under noise only once the noise is gone.
#pragma once

#include "chiaro/base/log.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::restore {

/// Whether restore_again can go by these options.
bool is_possible_again(const Restorer& restorer, const RestoreOptions& options);

/// Refuses what cannot go with restore_again. Errors: Usage (a bundle without a controller or that
/// enlarges, stated damages, a strength below 1, kept grain).
void expect_possible_again(const Restorer& restorer, const RestoreOptions& options);

/// Restorer::restore; where the controller then names in the result, with at least
/// kSurelyBelow, another kind of damage than it did before, the result is restored once more as it
/// says now, and `report->below` holds that. Takes at most twice as long, and one look more where
/// nothing is found. Errors: as Restorer::restore and expect_possible_again.
image::Image restore_again(Restorer& restorer, image::Image source, const RestoreOptions& options,
                           const ProgressCallback& progress = {}, RestoreReport* report = nullptr);

/// A choice: what `chiaro inspect` calls sure.
inline constexpr double kSurelyBelow = 0.8;

}  // namespace chiaro::restore
