// Text from command lines and recipes; the first byte says which.
#include <string>
#include <string_view>

#include "chiaro/base/recipe.h"
#include "chiaro/degrade/degrade.h"
#include "chiaro/degrade/spec.h"
#include "chiaro/restore/override.h"
#include "chiaro/restore/region.h"
#include "chiaro/restore/shard.h"
#include "tests/fuzz/target.h"

namespace {

using namespace chiaro;

void read_spec(std::string_view text) {
  const degrade::Chain chain = degrade::parse_spec(text);
  if (degrade::print_spec(degrade::parse_spec(degrade::print_spec(chain))) !=
      degrade::print_spec(chain))
    std::abort();
}

void read_recipe(std::string_view text) {
  const std::string printed = print_recipe(parse_recipe(text, "input"));
  if (print_recipe(parse_recipe(printed, "printed")) != printed) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  fuzz::expect_no_fault([&] {
    switch (data[0]) {
      case 's':
        return read_spec(text);
      case 't':
        return (void)degrade::parse_template(text);
      case 'd':
        return (void)restore::parse_stated_damages(text);
      case 'r':
        return (void)restore::parse_region(text);
      case 'k':
        return (void)restore::parse_shard(text, [](const char*) { return nullptr; });
      default:
        return read_recipe(text);
    }
  });
  return 0;
}
