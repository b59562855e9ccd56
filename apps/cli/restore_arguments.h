// What `chiaro restore` is told, in one place for its two forms: one picture, and many.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/cli/flags.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::cli {

struct RestoreArguments {
  std::vector<std::string> files;  ///< positional: inputs and, without -o, one output
  std::string input;               ///< -i
  std::string output;              ///< -o
  EngineFlags engine;
  OutputFlags show;
  restore::RestoreOptions options;
  std::string max_memory;
  std::string alpha = "keep";
  std::string guard = "soft";
  std::string stated;
  std::string depth = "auto";
  image::WriteOptions write;
  bool overwrite = false;
  // Checks and variants.
  std::string region;
  bool ensemble = false;
  bool again = false;  ///< what the result shows is restored, too
  bool verify_tiles = false;
  double tile_bound = 0;  ///< 0: by the precision
  bool audit = false;
  bool salvage = false;
  // Many pictures.
  std::string name;  ///< template; "": {stem}.{ext}
  std::string shard;
  bool skip_existing = false;
  bool fail_fast = false;
  bool dry_run = false;
  int engines = 0;  ///< networks side by side; 0: as many as are fastest

  /// Lives until the process ends: to take a network apart in order takes a noticeable part of the
  /// time that a small picture needs.
  std::unique_ptr<restore::Restorer> restorer;

  std::vector<std::string> inputs;  ///< after settle: all of them
};

void add_restore_flags(CLI::App& command, RestoreArguments& arguments);

/// Puts positionals and -i/-o together and checks the values. Errors: Usage.
void settle(RestoreArguments& arguments);

/// Whether the results go into a folder: several inputs, a folder, a pattern, or an output that is
/// a folder.
bool means_many(const RestoreArguments& arguments);

/// Of the restored float32 values (planar, then alpha): equal for equal results, whatever the file
/// format.
std::string pixels_sha256(const image::Image& picture);

void restore_one(RestoreArguments& arguments);
void restore_many(RestoreArguments& arguments);

}  // namespace chiaro::cli
