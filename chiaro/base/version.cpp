#include "chiaro/base/version.h"

namespace chiaro {

std::string version() {
  return CHIARO_PROJECT_VERSION;
}

}  // namespace chiaro
