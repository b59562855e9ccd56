// Training samples: clean pictures damaged on the fly, real pairs, and noisy pictures without
// targets, mixed by weight; beside each, where wanted, a clean picture of something else.
//
// Every sample is a pure function of (seed, index): order and resume do not depend on threads or
// time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/base/options.h"
#include "chiaro/base/recipe.h"
#include "chiaro/base/rng.h"
#include "chiaro/data/batch.h"
#include "chiaro/data/picture_store.h"
#include "chiaro/degrade/degrade.h"

namespace chiaro::data {

struct Listing;

/// Table [data] of a recipe.
struct DataOptions {
  std::int64_t crop_px = 128;
  std::int64_t scale = 1;
  std::int64_t context_px = 0;
  std::int64_t variants = 1;
  std::int64_t alike = 1;
  std::int64_t batch = 8;
  std::int64_t workers = 1;
  std::int64_t ahead = 8;
  std::int64_t cache_mb = 2048;
  std::int64_t seed = 1;
  double holdout = 0.05;
  double label_fraction = 1.0;
  bool input_u8 = false;
  double filed_as_jpeg = 0;
  double resized = 0;
  double mist = 0.3;
  bool dihedral = true;
  std::string root;
  static Fields<DataOptions> fields();
};

/// Each [[source]]: pictures.
struct SourceOptions {
  std::string name;
  std::string kind = "clean";
  std::vector<std::string> folders;
  std::string depths;
  std::string input;
  std::string target;
  std::string pairing;
  std::string list;
  std::string task;
  double weight = 1.0;
  double scale_min = 1.0;
  double scale_max = 1.0;
  double strength_min = 1.0;
  double strength_max = 1.0;
  double recolour = 0;
  std::vector<std::string> exclude;
  std::string scene;
  std::string license;
  static Fields<SourceOptions> fields();
};

/// Each [[task]]: a damage put on clean pictures.
struct TaskOptions {
  std::string name;
  std::string spec;
  double weight = 1.0;
  double tones = 0;
  double mist = -1;
  double backdrop = 0;
  std::vector<std::string> sources;
  static Fields<TaskOptions> fields();
};

/// Which scenes a data set shows. The scenes of each source are split by a hash of their name, so
/// that pictures of one scene stay together; where there are two scenes, at least one is held out.
enum class Part { Training, Validation };

/// One sample before stacking.
struct Sample {
  image::Image input;
  image::Image target;
  image::Image context;         ///< empty where the input is all there is
  image::Image context_target;  ///< empty as well then
  image::Image unpaired;        ///< empty unless there are sources of that kind
  std::vector<std::pair<std::int64_t, double>> kinds;  ///< number and severity; −1: unknown
  std::int64_t task = 0;
  std::int64_t source = 0;
  std::int64_t content = 0;
  double severity = 0;
  std::uint64_t seed = 0;
  std::string origin;
};

class Dataset {
 public:
  /// Reads [data], [[source]] and [[task]] of a recipe; relative folders are taken from `root`.
  /// Errors: Usage (recipe), Input (folders missing or empty, pairs broken).
  Dataset(const Recipe& recipe, const std::filesystem::path& root, Part part);

  /// Pure in (seed, index). Broken files are named and skipped by drawing again. Errors: Input when
  /// nothing can be drawn.
  Sample sample(std::int64_t index) const;

  /// Samples [first, first + count) stacked.
  Batch batch(std::int64_t first, std::int64_t count) const;

  const DataOptions& options() const { return options_; }
  const std::vector<std::string>& tasks() const { return tasks_; }
  /// Kinds of damage that the tasks and paired sources can show; "clean" first.
  const std::vector<std::string>& kinds() const { return kinds_; }
  /// Names of the sources, as numbered in Batch::source.
  std::vector<std::string> source_names() const;
  /// What the pictures of this part are, for a model card.
  struct SourceSummary {
    std::string name;
    std::string license;
    std::int64_t pictures;  ///< or pairs
  };
  std::vector<SourceSummary> source_summaries() const;
  /// Whether every sample has a target: there is no noisy source.
  bool has_targets() const;
  /// Whether some sample of this part may have one.
  bool has_some_targets() const;
  /// The files of this part, and those of the sources that could not be read when it was listed.
  const std::vector<std::filesystem::path>& files() const { return store_->files(); }
  /// Those of them that could not be read so far; each was named once in the log.
  std::vector<std::filesystem::path> unread() const { return store_->broken(); }
  /// One line per source: pictures and pairs in this part.
  std::string summary() const;

 private:
  struct Pair {
    std::int64_t input;   // number in the store; -1: clean picture only
    std::int64_t target;  // -1: noisy picture only
    std::int64_t depth;   // -1: none
    std::int64_t content;
  };
  struct Source {
    SourceOptions options;
    std::vector<Pair> pairs;
    std::int64_t task = -1;  // of a paired source
  };
  /// What the sampler balances: a damage on clean pictures, or a paired source.
  struct Stream {
    double cumulative_weight = 0;
    std::int64_t task = -1;
    std::int64_t source = -1;                      // -1: any clean source, drawn by weight
    std::optional<degrade::ChainTemplate> damage;  // none: a paired source
    double tones = 0;                  // probability of other tones of the clean picture
    double mist = 0;                   // largest black level of those
    double backdrop = 0;               // probability of a plain wall behind it
    std::vector<std::string> sources;  // clean sources to draw from; empty: all
  };

  void add_sources(const Recipe& recipe, const std::filesystem::path& root, Part part);
  void note_unread(const Listing& list, Part part);
  void add_streams(const Recipe& recipe, Part part);
  std::int64_t task_number(const std::string& name);
  std::int64_t kind_number(const std::string& name) const;
  void add_kinds(const std::vector<Stream>& planned);
  const Stream& stream_of(std::int64_t index) const;
  void expect_clean_source(const TaskOptions& task, const std::string& name) const;
  static double share(const Source& source, const std::string& kind,
                      const std::vector<std::string>& names);
  std::int64_t draw_source(const std::string& kind, const std::vector<std::string>& names,
                           Rng& rng) const;
  bool try_sample(const Stream& stream, Rng& scene, Rng& damage, Sample& sample) const;
  void damage_sample(const Stream& stream, const Pair& pair, const image::Image& depth, Rng& rng,
                     Sample& sample) const;
  bool add_unpaired(Rng& rng, std::int64_t shown, Sample& sample) const;
  void vary_damage(const SourceOptions& options, Rng& rng, Sample& sample) const;
  void note_real_damage(const Stream& stream, const Pair& pair, Sample& sample) const;
  void file_as_jpeg(Rng& rng, Sample& sample) const;
  void cut_crop(Rng& rng, Sample& sample) const;

  DataOptions options_;
  std::unique_ptr<PictureStore> store_;
  std::vector<std::string> tasks_;
  std::vector<std::string> kinds_;
  std::vector<Source> sources_;
  std::vector<Stream> streams_;
  double offset_ = 0;
};

/// (N,3,H,W) from pictures of one size.
at::Tensor stack(const std::vector<const image::Image*>& pictures);

}  // namespace chiaro::data
