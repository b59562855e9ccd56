#include "chiaro/methods/catalogue.h"

#include "chiaro/base/text.h"

namespace chiaro::methods {

const std::vector<Entry>& catalogue() {
  static const std::vector<Entry> entries = [] {
    std::vector<Entry> list;
#define CHIARO_ENTRY(symbol) \
  list.push_back(symbol());  \
  list.back().name = #symbol;
#include "chiaro/methods/methods.def"
#undef CHIARO_ENTRY
    return list;
  }();
  return entries;
}

const Entry& find(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& entry : catalogue()) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  fail(ErrorCode::Usage, "[methods.find] unknown method '{}'{}; known: {}", name,
       did_you_mean(name, names), join(names));
}

}  // namespace chiaro::methods
