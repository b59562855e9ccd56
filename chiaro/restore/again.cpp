#include "chiaro/restore/again.h"

#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/bundle/manifest.h"

namespace chiaro::restore {
namespace {

/// Whether `found` is sure of another kind of damage than the one that was restored, in a picture
/// like those of training. What is named once more is what the network left of it, and gets no
/// better.
bool is_below(const Inspection& found, const Inspection& restored,
              const bundle::ConditionInfo& info) {
  const std::size_t top = found.top();
  return top != restored.top() && info.types[top] != bundle::kCleanType &&
         found.probabilities[top] >= kSurelyBelow && found.novelty <= info.novelty_threshold;
}

bool may_look_at_result(const Restorer& restorer) {
  return restorer.manifest().condition && restorer.manifest().scale == 1;
}

/// Whether a result shows what the network left, and nothing of the source beside it.
bool is_as_it_came(const RestoreOptions& options) {
  return !options.stated && options.strength == 1 && options.keep_grain == 0;
}

}  // namespace

bool is_possible_again(const Restorer& restorer, const RestoreOptions& options) {
  return may_look_at_result(restorer) && is_as_it_came(options);
}

void expect_possible_again(const Restorer& restorer, const RestoreOptions& options) {
  CHIARO_CHECK(may_look_at_result(restorer), Usage,
               "[restore.again] bundle '{}' cannot look at its result and restore that; expected "
               "one with a controller that does not enlarge",
               restorer.manifest().name);
  CHIARO_CHECK(is_as_it_came(options), Usage,
               "[restore.again] a result is looked at as it came from the network; leave out what "
               "is wrong (as), the strength and the grain that is kept");
}

image::Image restore_again(Restorer& restorer, image::Image source, const RestoreOptions& wanted,
                           const ProgressCallback& progress, RestoreReport* report) {
  expect_possible_again(restorer, wanted);
  RestoreOptions options = wanted;
  if (options.max_memory_bytes > 0 && !source.empty())  // no larger tiles than were foretold
    options.max_window_pixels =
        restorer.plan(source.height(), source.width(), options).window_pixels();
  const auto half = [&progress](double before) {
    return [&progress, before](double done) { return !progress || progress(before + done / 2); };
  };
  RestoreReport first;
  image::Image result = restorer.restore(std::move(source), options, half(0), &first);
  if (first.strength > 0 && first.inspection) {
    if (options.max_memory_bytes > 0) restorer.release_memory();  // as before the first look
    Inspection found = restorer.inspect(result);
    if (is_below(found, *first.inspection, *restorer.manifest().condition)) {
      RestoreOptions once_more = options;
      once_more.seen = found;
      once_more.range.reset();  // of the result's own values
      RestoreReport second;
      result = restorer.restore(std::move(result), once_more, half(0.5), &second);
      if (second.strength > 0) first.below = std::move(found);
    }
  }
  CHIARO_CHECK(!progress || progress(1.0), Interrupted, "[restore.again] stopped");
  if (report != nullptr) *report = std::move(first);
  return result;
}

}  // namespace chiaro::restore
