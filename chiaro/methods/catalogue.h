// One function per entry of methods.def.
#pragma once

#include "chiaro/methods/method.h"

namespace chiaro::methods {

#define CHIARO_ENTRY(name) Entry name();
#include "chiaro/methods/methods.def"
#undef CHIARO_ENTRY

}  // namespace chiaro::methods
