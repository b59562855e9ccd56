// Memory of this process and of the machine.
#pragma once

#include <cstdint>

namespace chiaro {

/// Resident memory of this process now, in bytes; 0 where the system does not tell.
std::int64_t resident_bytes();

/// The highest resident memory so far, in bytes.
std::int64_t peak_resident_bytes();

/// Memory that can be had without swapping, in bytes; 0 where the system does not tell.
std::int64_t available_memory_bytes();

/// Gives freed memory back to the system.
void return_free_memory();

/// Lets threads that begin from here on use the first heap instead of one each: what one has freed,
/// another can have. For programs that do one thing; many threads that work at once would wait for
/// each other.
void share_one_heap();

}  // namespace chiaro
