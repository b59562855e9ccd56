#include "chiaro/restore/code_inspector.h"

#include <string>
#include <utility>

#include "chiaro/base/error.h"

namespace chiaro::restore {
namespace {

/// The part that the tree is over; "" where the bundle describes no codes, which the encoder
/// refuses.
std::string tree_part(const bundle::Bundle& bundle) {
  const auto& code = bundle.manifest.code;
  return code && !code->parts.empty() ? code->parts.front().name : "";
}

}  // namespace

CodeInspector::CodeInspector(const bundle::Bundle& bundle, engine::EngineOptions options)
    : tree_(bundle), encoder_(bundle, tree_part(bundle), std::move(options)) {
  const bundle::CodeInfo& info = *bundle.manifest.code;
  const bundle::CodePart& part = info.parts.front();
  CHIARO_CHECK(
      !part.whole, Bundle,
      "[restore.open] '{}': the tree is over native views, but the first part of the code, "
      "'{}', is of the whole picture",
      bundle.origin, part.name);
  CHIARO_CHECK(tree_.dimension() == part.width && tree_.view_px() == info.view_px &&
                   tree_.max_views() == info.max_views,
               Bundle,
               "[restore.open] '{}': the tree does not fit the manifest's code '{}'; got {} values "
               "of at most {} views of {} px; expected {} of at most {} of {} px",
               bundle.origin, part.name, tree_.dimension(), tree_.max_views(), tree_.view_px(),
               part.width, info.max_views, info.view_px);
}

}  // namespace chiaro::restore
