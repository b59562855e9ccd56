#include "chiaro/degrade/catalogue.h"

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::degrade {

#define CHIARO_ENTRY(symbol) Entry symbol();
#include "chiaro/degrade/degrade.def"
#undef CHIARO_ENTRY

const std::vector<Entry>& catalogue() {
  static const std::vector<Entry> entries = [] {
    std::vector<Entry> list;
#define CHIARO_ENTRY(symbol) list.push_back(symbol());
#include "chiaro/degrade/degrade.def"
#undef CHIARO_ENTRY
    return list;
  }();
  return entries;
}

const std::vector<std::string>& names() {
  static const std::vector<std::string> list = [] {
    std::vector<std::string> all;
    for (const Entry& entry : catalogue()) all.push_back(entry.name);
    return all;
  }();
  return list;
}

const Entry& find(std::string_view name) {
  for (const Entry& entry : catalogue()) {
    if (entry.name == name) return entry;
  }
  fail(ErrorCode::Usage, "[degrade.find] no degradation '{}'{}; known: {}", name,
       did_you_mean(name, names()), join(names()));
}

}  // namespace chiaro::degrade
