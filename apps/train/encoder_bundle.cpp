#include "apps/train/encoder_bundle.h"

#include "apps/train/training_recipe.h"
#include "chiaro/base/error.h"
#include "chiaro/base/recipe.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/freeze/freeze.h"

namespace chiaro::apps {

std::shared_ptr<networks::Encoder> load_encoder(const std::string& file) {
  const bundle::Bundle from = bundle::read_bundle(file);
  CHIARO_CHECK(from.manifest.kind == "encode", Usage,
               "[train.load_encoder] '{}' is no encoder; got a bundle of kind '{}'; expected one "
               "of kind 'encode', frozen from a run of hcsc or dcodr",
               file, from.manifest.kind);
  CHIARO_CHECK(!from.manifest.recipe.empty(), Bundle,
               "[train.load_encoder] '{}' holds no recipe, so how its encoder is built is not "
               "known; expected one",
               file);
  const TrainingRecipe recipe = check_training_recipe(parse_recipe(from.manifest.recipe, file));
  const auto method =
      make_method(recipe, make_network(recipe),
                  {.tasks = {}, .kinds = from.manifest.labels, .sources = {}}, Purpose::Freezing);
  auto encoder = method->product().encoder;
  CHIARO_CHECK(encoder != nullptr, Bundle,
               "[train.load_encoder] the recipe in '{}' trains no encoder; got method '{}'; "
               "expected hcsc or dcodr",
               file, recipe.method);
  freeze::thaw(from, *encoder);
  return encoder;
}

}  // namespace chiaro::apps
