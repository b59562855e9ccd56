// What `chiaro serve` does with a picture.
#pragma once

#include "apps/server/jobs.h"
#include "apps/server/service.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/restorer_pool.h"

namespace chiaro::cli {

/// Decodes, restores, encodes. The restorers must outlive it.
server::JobFunction restore_work(restore::RestorerPool& restorers,
                                 const server::ServeOptions& options);

/// Decodes and asks the controller: as the event `inspected` of `chiaro inspect --json`. The
/// inspector must outlive it.
server::InspectFunction inspect_work(restore::Inspector& inspector,
                                     const server::ServeOptions& options);

}  // namespace chiaro::cli
