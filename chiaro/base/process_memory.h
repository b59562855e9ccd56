// Memory of this process and of the machine.
#pragma once

#include <cstdint>
#include <filesystem>

namespace chiaro {

/// Resident memory of this process now, in bytes; 0 where the system does not tell.
std::int64_t resident_bytes();

/// The highest resident memory so far, in bytes.
std::int64_t peak_resident_bytes();

/// Memory that can be had without swapping, in bytes, of the machine and within the limits of the
/// control groups of this process (containers); 0 where the system does not tell.
std::int64_t available_memory_bytes();

/// What the control groups listed in `groups` (cgroup v1 and v2) still let a process take, in
/// bytes: the least that a group, or one around it, has left, where the file cache counts as free.
/// The largest number where nothing is limited.
std::int64_t room_in_control_groups(const std::filesystem::path& groups = "/proc/self/cgroup",
                                    const std::filesystem::path& mount = "/sys/fs/cgroup");

/// Gives freed memory back to the system.
void return_free_memory();

/// Gives blocks of four megabytes and more back to the system as soon as they are freed, so that
/// they leave no holes: a lower peak, always the same, for some time that new pages take. For
/// programs that promised a ceiling, or take picture after picture.
void return_large_blocks_at_once();

/// Lets all threads share three heaps instead of having one each: what one has freed, another can
/// have, and two that are busy do not wait for each other. Before there is a second thread.
void share_few_heaps();

}  // namespace chiaro
