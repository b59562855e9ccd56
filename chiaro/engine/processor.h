// What the machine offers.
#pragma once

#include <string>

namespace chiaro::engine {

/// Whether the processor computes bfloat16 natively.
bool has_bf16();

/// "AMD EPYC …", as the operating system names it; "unknown processor" where it does not.
std::string processor_name();

/// Name and instruction sets in one line: what is prepared for one processor may not run on
/// another.
std::string processor_features();

/// Cores this process may use; at least 1.
int available_cores();

}  // namespace chiaro::engine
