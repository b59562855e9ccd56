#include "apps/cli/events.h"

#include <cmath>
#include <cstdio>

namespace chiaro::cli {
namespace {

void make_finite(Json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    const auto number = value.get<double>();
    value = std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
  } else if (value.is_structured()) {
    for (Json& item : value) make_finite(item);
  }
}

}  // namespace

void print_event(const std::string& name, const Json& fields) {
  Json line = {{"event", name}};
  line.update(fields);
  make_finite(line);
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace chiaro::cli
