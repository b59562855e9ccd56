#include "chiaro/restore/graph_inputs.h"

#include <algorithm>
#include <string>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/bundle.h"

namespace chiaro::restore {

int picture_channels(const bundle::Manifest& manifest) {
  return manifest.color == "grey" ? 1 : 3;
}

std::vector<engine::NamedShape> window_shapes(const bundle::Manifest& manifest, int height,
                                              int width) {
  std::vector<engine::NamedShape> shapes{
      {std::string(kPictureInput), {1, picture_channels(manifest), height, width}}};
  if (manifest.condition)
    shapes.push_back({std::string(kConditionInput), {1, manifest.condition->width()}});
  return shapes;
}

void check_restore_graph(const engine::Engine& engine, const bundle::Manifest& manifest,
                         const std::string& origin) {
  auto got = engine.input_names();
  std::sort(got.begin(), got.end());
  std::vector<std::string> expected{std::string(kPictureInput)};
  if (manifest.condition) expected.insert(expected.begin(), std::string(kConditionInput));
  CHIARO_CHECK(got == expected, Bundle,
               "[restore.open] '{}': {} has the wrong inputs for a bundle {} condition; got {}; "
               "expected {}",
               origin, bundle::kRestoreMember, manifest.condition ? "with" : "without", join(got),
               join(expected));
  const auto shape = engine.stated_input_shape(kPictureInput);
  const int channels = picture_channels(manifest);
  CHIARO_CHECK(shape.size() == 4, Bundle,
               "[restore.open] '{}': the picture's input of {} has {} sides; expected 4", origin,
               bundle::kRestoreMember, shape.size());
  CHIARO_CHECK(
      shape[1] == 0 || shape[1] == channels, Bundle,
      "[restore.open] bundle '{}' says its pictures have {} channels, but its graph takes {}",
      origin, channels, shape[1]);
  if (!manifest.condition) return;
  const auto condition = engine.stated_input_shape(kConditionInput);
  const std::int64_t width = manifest.condition->width();
  CHIARO_CHECK(condition.size() == 2 && (condition[0] == 0 || condition[0] == 1) &&
                   (condition[1] == 0 || condition[1] == width),
               Bundle,
               "[restore.open] '{}': the condition of {} does not fit the manifest; got ({}), 0 "
               "being free; expected (1, {})",
               origin, bundle::kRestoreMember, fmt::join(condition, ", "), width);
}

}  // namespace chiaro::restore
