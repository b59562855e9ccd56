// No damage: what a restorer must leave alone.
#include "chiaro/degrade/catalogue.h"

namespace chiaro::degrade {
namespace {

struct CleanOptions {
  static Fields<CleanOptions> fields() { return {}; }
};

}  // namespace

Entry clean() {
  return define<CleanOptions>({
      .name = "clean",
      .summary = "the picture as it is",
      .reference = "identity",
      .random = false,
      .apply = [](Image&, const CleanOptions&, Rng&, const Inputs&) {},
      .severity = [](const CleanOptions&) { return 0.0; },
      .at_severity = [](double) { return CleanOptions{}; },
  });
}

}  // namespace chiaro::degrade
