#include "apps/console/events.h"

#include <cmath>
#include <cstdio>

#include "apps/console/text_bytes.h"

namespace chiaro::console {
namespace {

void make_finite(Json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    const auto number = value.get<double>();
    value = std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
  } else if (value.is_structured()) {
    for (Json& item : value) make_finite(item);
  }
}

/// Beside each text that is not UTF-8, its bytes.
Json with_bytes(const Json& fields) {
  Json all = fields;
  for (const auto& [key, value] : fields.items()) {
    if (!value.is_string()) continue;
    const auto& text = value.get_ref<const std::string&>();
    if (as_utf8(text) != text) all[key + "_bytes"] = percent_encoded(text);
  }
  return all;
}

}  // namespace

void print_event(const std::string& name, const Json& fields) {
  Json line = {{"event", name}};
  line.update(with_bytes(fields));
  make_finite(line);
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace chiaro::console
