#include "chiaro/degrade/storage.h"

#include <cstdint>

#include "chiaro/base/error.h"

namespace chiaro::degrade {
namespace {

/// floor(limited · scale + offset) / scale; NaN becomes 0.
void step_down(std::span<float> values, float scale, float offset) {
  for (float& value : values) {
    const float limited = value > 0.0F ? (value < 1.0F ? value : 1.0F) : 0.0F;
    value = static_cast<float>(static_cast<std::int32_t>(limited * scale + offset)) / scale;
  }
}

}  // namespace

const std::vector<std::string>& storage_conventions() {
  static const std::vector<std::string> list = {"round", "truncate", "float"};
  return list;
}

void store(std::span<float> values, const std::string& convention) {
  if (convention == "round") return step_down(values, 255.0F, 0.5F);
  if (convention == "truncate") return step_down(values, 255.0F, 0.0F);
  CHIARO_CHECK(convention == "float", Internal, "[degrade.store] unknown convention '{}'",
               convention);
}

void keep_levels(std::span<float> values, int levels) {
  step_down(values, static_cast<float>(levels - 1), 0.5F);
}

}  // namespace chiaro::degrade
