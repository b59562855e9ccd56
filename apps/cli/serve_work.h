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

/// By the bundle: what it can be told, how it can guard. The restorers must outlive it.
server::CheckFunction check_work(restore::RestorerPool& restorers,
                                 const server::ServeOptions& options);

/// Decodes and asks the controller: as the event `inspected` of `chiaro inspect --json`. What is
/// too large to be restored within the limit of memory is not decoded for this either, and waits
/// its turn with what is restored. Inspector and restorers must outlive it.
server::InspectFunction inspect_work(restore::Inspector& inspector,
                                     restore::RestorerPool& restorers,
                                     const server::ServeOptions& options);

}  // namespace chiaro::cli
