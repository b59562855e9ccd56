// The training loop: the one place that owns optimisers, schedules, averages of weights and
// checkpoints.
#pragma once

#include <torch/optim/optimizer.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chiaro/checkpoint/checkpoint.h"
#include "chiaro/checkpoint/run_folder.h"
#include "chiaro/data/dataset.h"
#include "chiaro/methods/method.h"
#include "chiaro/train/ema.h"
#include "chiaro/train/options.h"

namespace chiaro::train {

class RunLog;

/// Named measurements of the product as it would ship (averaged weights in place); higher is better
/// for `best`.
using Metrics = std::map<std::string, double>;

/// What the program around the loop provides.
struct Surroundings {
  /// Told of the last step taken; may be empty.
  std::function<Metrics(methods::Method&, const methods::StepInfo&)> validate;
  /// Writes sample pictures and gives their file (PNG); empty where there are none. May be absent.
  std::function<std::filesystem::path(methods::Method&, std::int64_t step)> write_samples;
  std::function<bool()> should_stop = [] { return false; };  ///< asked after every step
};

/// How a run ended.
struct Outcome {
  std::int64_t step = 0;  ///< steps complete
  bool finished = false;  ///< false: stopped on request; the checkpoint holds everything
  Metrics last_metrics;
  std::optional<double> best;         ///< of TrainOptions::best, by what best.safetensors holds
  std::vector<std::string> warnings;  ///< of the method, as shown
};

class Trainer {
 public:
  /// `recipe_text` is stored in every checkpoint; resuming with another one is allowed and said.
  /// Weights of the method must already be
  /// initialised.
  Trainer(const TrainOptions& options, std::shared_ptr<const data::Dataset> dataset,
          std::unique_ptr<methods::Method> method, checkpoint::RunFolder& folder,
          std::string recipe_text, Surroundings surroundings);
  ~Trainer();

  /// Continues from the newest sound checkpoint of the run folder; false if there is none.
  bool resume();

  /// Trains until the last step or until asked to stop. Errors: CheckFailed for a loss or gradient
  /// that is not finite, naming the step, the term and the samples.
  Outcome run();

  /// The state after `step` steps; loading it and going on equals never having stopped.
  checkpoint::Checkpoint state() const;

 private:
  struct PhaseSpan {
    methods::Phase phase;
    std::int64_t begin;
    std::int64_t end;
    std::int64_t first_sample;  ///< no phase sees samples of another
    std::int64_t samples_a_step;
  };
  struct StepReport;

  const PhaseSpan& phase_at(std::int64_t step) const;
  methods::StepInfo info_at(std::int64_t step) const;
  void enter_phase(const PhaseSpan& span);
  StepReport take_step(const std::function<data::Batch()>& next_batch);
  void add_losses(data::Batch batch, std::int64_t micro_batch, StepReport& report);
  void put_descriptions(checkpoint::Checkpoint& state) const;
  void expect_same_outputs(const checkpoint::Checkpoint& held, const std::string& origin) const;
  void save();
  void validate(Outcome& outcome);
  void warn(const StepReport& report, Outcome& outcome);
  data::Batch to_device(data::Batch batch) const;

  TrainOptions options_;
  std::shared_ptr<const data::Dataset> dataset_;
  std::unique_ptr<methods::Method> method_;
  checkpoint::RunFolder& folder_;
  std::string recipe_text_;
  Surroundings surroundings_;
  c10::Device device_;
  std::vector<PhaseSpan> phases_;
  std::string current_phase_;
  std::vector<at::Tensor> trainable_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  std::unique_ptr<Ema> ema_;
  std::int64_t step_ = 0;
  double best_ = 0;
  bool has_best_ = false;
  std::int64_t warned_at_ = -1;  ///< step; -1: not yet
  std::unique_ptr<RunLog> log_;
};

}  // namespace chiaro::train
