// Which pictures a batch restores and where each result goes, settled before any work is done.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "chiaro/restore/find_pictures.h"
#include "chiaro/restore/shard.h"

namespace chiaro::restore {

struct BatchItem {
  std::filesystem::path input;
  std::filesystem::path output;
};

struct BatchPlanOptions {
  std::filesystem::path output = {};  ///< the folder that results go to, mirrored below it
  /// Name of a result. {stem} and {folder} are those of the input (the folder it lies in), {source}
  /// its extension, {bundle} the bundle's name, {ext} the result's extension.
  std::string name = "{stem}.{ext}";
  std::string format = {};  ///< "": as the source, or PNG where that is read but not written
  std::string bundle = {};
  Shard shard = {};
};

struct BatchPlan {
  std::filesystem::path output;
  std::vector<BatchItem> items;             ///< of this shard
  std::vector<Unreadable> unreadable = {};  ///< not done, and why
  std::size_t left_aside = 0;               ///< entries of folders that are no pictures by name
  std::size_t in_other_shards = 0;
  std::size_t existing = 0;  ///< left out by leave_out_existing
};

/// Finds the pictures (see find_pictures) and gives each its output. Errors: those of
/// find_pictures; Usage (a name template that is not understood or gives no picture name; two
/// inputs with one output); Output (the output folder is a file, or lies inside a folder that is
/// read, where its results would become inputs; an output is one of the inputs, or a folder or
/// device).
BatchPlan plan_batch(std::span<const std::string> arguments, const BatchPlanOptions& options);

/// Takes the items whose output exists out of the plan.
void leave_out_existing(BatchPlan& plan);

/// Errors: Output if an output exists, naming the first.
void refuse_existing(const BatchPlan& plan);

/// Makes the output folders, sees that each can be written to, and removes what a killed run left
/// half written under the outputs' names. Errors: Output.
void prepare_folders(const BatchPlan& plan);

}  // namespace chiaro::restore
