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

}  // namespace chiaro
