#include "chiaro/api/handle.h"

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::api {
namespace {

std::string types_of(const bundle::Manifest& manifest) {
  return manifest.condition ? fmt::format("{}", fmt::join(manifest.condition->types, ",")) : "";
}

/// Marks the thread that is inside a handle.
class Turn {
 public:
  explicit Turn(std::atomic<std::thread::id>& inside) : inside_(inside) {
    inside_ = std::this_thread::get_id();
  }
  ~Turn() { inside_ = std::thread::id(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::atomic<std::thread::id>& inside_;
};

}  // namespace
}  // namespace chiaro::api

chiaro_restorer::chiaro_restorer(const chiaro::bundle::Bundle& bundle,
                                 const chiaro::engine::EngineOptions& options)
    : file(bundle.origin),
      card(bundle.has(chiaro::bundle::kCardMember) ? bundle.text(chiaro::bundle::kCardMember) : ""),
      manifest(chiaro::bundle::print_manifest(bundle.manifest)),
      types(chiaro::api::types_of(bundle.manifest)),
      restorer_(bundle, options) {}

void chiaro_restorer::alone(const std::function<void(chiaro::restore::Restorer&)>& work) {
  CHIARO_CHECK(inside_ != std::this_thread::get_id(), Usage,
               "[api] the restorer is at work in this very thread: a progress callback cannot use "
               "it");
  const std::lock_guard lock(mutex_);
  const chiaro::api::Turn turn(inside_);
  work(restorer_);
}

chiaro_inspection::chiaro_inspection(const chiaro::restore::Inspection& found,
                                     const chiaro::bundle::ConditionInfo& info)
    : novelty(found.novelty),
      decision(chiaro::restore::judge(found, info)),
      advice(chiaro::restore::recommendation(decision)) {
  const auto order = chiaro::restore::descending(found.probabilities);
  for (const std::size_t k : order) types.push_back(info.types[k]);
  for (std::size_t i = 0; i < order.size(); ++i) {
    findings.push_back(
        {types[i].c_str(), found.probabilities[order[i]], found.severities[order[i]]});
  }
}
