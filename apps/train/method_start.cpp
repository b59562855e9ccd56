#include "apps/train/method_start.h"

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/checkpoint/module_state.h"
#include "chiaro/freeze/freeze.h"
#include "chiaro/networks/path_conditioner.h"
#include "chiaro/nn/tree_file.h"

namespace chiaro::apps {
namespace {

/// Null where the method's conditioner goes by no tree.
networks::PathConditioner* path_conditioner(methods::Method& method) {
  return dynamic_cast<networks::PathConditioner*>(method.product().conditioner.get());
}

/// The conditioner that takes an encoder which saw these kinds in crops of view_px.
networks::PathConditioner& taker_of_encoder(methods::Method& method, const std::string& origin,
                                            const std::vector<std::string>& kinds,
                                            std::int64_t view_px) {
  auto* taker = path_conditioner(method);
  CHIARO_CHECK(taker != nullptr, Usage,
               "[train.start] '{}' holds an encoder and no restorer; got a method that goes by no "
               "encoder; expected method told with condition path, code or shuffled",
               origin);
  const networks::ConditionLayout layout = taker->layout();
  CHIARO_CHECK(kinds == layout.types, Usage,
               "[train.start] the encoder of '{}' was trained on other kinds of damage than the "
               "data shows; got {}; expected {}",
               origin, join(kinds), join(layout.types));
  CHIARO_CHECK(view_px == layout.view_px, Usage,
               "[train.start] the encoder of '{}' sees crops of {} px; got method.view_px = {}; "
               "expected the same",
               origin, view_px, layout.view_px);
  return *taker;
}

/// A conditioner goes on in the same method, with the same kinds in the same order.
void continue_conditioner(const bundle::Bundle& from, networks::Conditioner& conditioner,
                          const std::vector<std::string>& allow_missing) {
  const auto types = conditioner.layout().types;
  CHIARO_CHECK(from.manifest.condition.has_value(), Bundle,
               "[train.start] '{}' holds a controller but does not say what it knows", from.origin);
  CHIARO_CHECK(
      from.manifest.condition->types == types, Usage,
      "[train.start] the controller of '{}' knows {}; the data shows {}; expected the same "
      "kinds of damage in the same order",
      from.origin, join(from.manifest.condition->types), join(types));
  freeze::thaw(from, conditioner, allow_missing);
}

void copy_state(const torch::nn::Module& from, torch::nn::Module& to) {
  checkpoint::Checkpoint weights;
  checkpoint::put_module(weights, "", from);
  checkpoint::take_module(weights, "", to);
}

}  // namespace

void start_method(const bundle::Bundle& from, methods::Method& method,
                  const std::vector<std::string>& allow_missing) {
  const bundle::Manifest& manifest = from.manifest;
  if (manifest.kind != "encode") {
    const auto conditioner = method.product().conditioner;
    if (conditioner && from.has(bundle::kConditionMember))
      continue_conditioner(from, *conditioner, allow_missing);
    return;
  }
  CHIARO_CHECK(manifest.code.has_value() && from.has(bundle::kTreeMember), Usage,
               "[train.start] '{}' has no tree over its codes; expected a bundle of method hcsc",
               from.origin);
  auto& taker = taker_of_encoder(method, from.origin, manifest.labels, manifest.code->view_px);
  freeze::thaw(from, taker.encoder());
  const auto tree = from.member(bundle::kTreeMember);
  nn::take_tree_file({tree.begin(), tree.end()}, from.origin, taker.tree());
}

void start_method(const TrainedRun& from, const std::string& origin, methods::Method& method) {
  if (from.encoder && !from.trained) {
    auto& taker = taker_of_encoder(method, origin, from.kinds, from.encoder->layout().view_px);
    CHIARO_CHECK(from.tree && from.tree->built(), Usage,
                 "[train.start] run '{}' has no tree over its codes; expected one of method hcsc",
                 origin);
    copy_state(*from.encoder, taker.encoder());
    copy_state(*from.tree, taker.tree());
  } else if (const auto to = method.product().conditioner; to && from.conditioner) {
    copy_state(*from.conditioner, *to);
  }
}

void check_started(methods::Method& method) {
  if (const auto* conditioner = path_conditioner(method)) conditioner->check_tree();
}

}  // namespace chiaro::apps
