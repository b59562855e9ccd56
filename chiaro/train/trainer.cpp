#include "chiaro/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <spdlog/spdlog.h>
#include <torch/utils.h>

#include "chiaro/base/log.h"
#include "chiaro/base/rng.h"
#include "chiaro/base/text.h"
#include "chiaro/checkpoint/module_state.h"
#include "chiaro/checkpoint/optimizer_state.h"
#include "chiaro/data/loader.h"
#include "chiaro/train/averaged_weights.h"
#include "chiaro/train/device.h"
#include "chiaro/train/optimizer.h"
#include "chiaro/train/run_log.h"
#include "chiaro/train/schedule.h"

namespace chiaro::train {
namespace {

constexpr const char* kMethodPrefix = "method";
constexpr const char* kEmaPrefix = "ema";
constexpr const char* kOptimizerPrefix = "optimizer";
constexpr int kConvolutionsTried = 3;

/// Mixed precision by autocast while this lives.
class AutocastScope {
 public:
  AutocastScope(bool enabled, c10::DeviceType device) : enabled_(enabled), device_(device) {
    if (!enabled_) return;
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  }
  ~AutocastScope() {
    if (!enabled_) return;
    at::autocast::set_autocast_enabled(device_, false);
    at::autocast::clear_cache();
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  bool enabled_;
  c10::DeviceType device_;
};

void set_learning_rate(torch::optim::Optimizer& optimizer, double rate) {
  for (auto& group : optimizer.param_groups()) group.options().set_lr(rate);
}

void to_channels_last(torch::nn::Module& module) {
  const c10::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) {
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

}  // namespace

/// What one optimiser step did.
struct Trainer::StepReport {
  double learning_rate = 0;
  double gradient_norm = 0;
  /// Over the micro-batches that have it.
  struct Mean {
    std::string name;
    double sum;
    std::int64_t count;
  };
  std::vector<Mean> means;  // "loss" first, then terms and meters
  std::vector<std::string> warnings;
  std::vector<std::string> remarks;

  void add(const std::string& name, double value) {
    const auto found = std::ranges::find(means, name, &Mean::name);
    if (found == means.end()) {
      means.push_back({name, value, 1});
    } else {
      found->sum += value;
      ++found->count;
    }
  }

  std::vector<std::pair<std::string, double>> values() const {
    std::vector<std::pair<std::string, double>> list;
    for (const auto& [name, sum, count] : means)
      list.emplace_back(name, sum / static_cast<double>(count));
    return list;
  }
};

Trainer::Trainer(const TrainOptions& options, std::shared_ptr<const data::Dataset> dataset,
                 std::unique_ptr<methods::Method> method, checkpoint::RunFolder& folder,
                 std::string recipe_text, Surroundings surroundings)
    : options_(options),
      dataset_(std::move(dataset)),
      method_(std::move(method)),
      folder_(folder),
      recipe_text_(std::move(recipe_text)),
      surroundings_(std::move(surroundings)),
      device_(choose_device(options.device)) {
  CHIARO_CHECK(
      options.clip_norm <= 0 || method_->may_clip_gradients(), Usage,
      "[train.clip_norm] the networks of this method play against each other, and one norm "
      "over both ties them; got {}; expected 0",
      options.clip_norm);
  set_threads(options_.threads);
  // Shapes stay as they are through a phase: the card's library tries its convolutions once, the
  // few it thinks best (ten of each took some 18 s a phase on an H200, three some 11).
  if (device_.is_cuda()) {
    at::globalContext().setBenchmarkCuDNN(true);
    at::globalContext().setBenchmarkLimitCuDNN(kConvolutionsTried);
  }
  method_->state().to(device_);
  if (options_.channels_last) to_channels_last(method_->state());
  double share = 0;
  std::int64_t begin = 0;
  std::int64_t first_sample = 0;
  for (const auto& phase : method_->phases()) {
    share += phase.share;
    const auto end =
        static_cast<std::int64_t>(std::llround(share * static_cast<double>(options_.steps)));
    const std::int64_t batch = phase.batch > 0 ? phase.batch : dataset_->options().batch;
    const std::int64_t samples_a_step = batch * options_.accumulate;
    phases_.push_back({phase, begin, end, first_sample, samples_a_step});
    first_sample += (end - begin) * samples_a_step;
    begin = end;
  }
  CHIARO_CHECK(!phases_.empty() && phases_.back().end == options_.steps, Internal,
               "[train.Trainer] the shares of the phases sum to {}; expected 1", share);
  ema_ = std::make_unique<Ema>(averaged_tensors(*method_), options_.ema_decay);
  enter_phase(phase_at(0));
}

Trainer::~Trainer() = default;

const Trainer::PhaseSpan& Trainer::phase_at(std::int64_t step) const {
  for (const auto& span : phases_) {
    if (step < span.end) return span;
  }
  return phases_.back();
}

methods::StepInfo Trainer::info_at(std::int64_t step) const {
  const PhaseSpan& span = phase_at(step);
  return {.step = step,
          .total_steps = options_.steps,
          .phase = span.phase.name,
          .phase_step = step - span.begin,
          .phase_steps = span.end - span.begin};
}

void Trainer::enter_phase(const PhaseSpan& span) {
  current_phase_ = span.phase.name;
  trainable_ = method_->trainable(current_phase_);
  optimizer_ = make_optimizer(trainable_, {.kind = options_.optimizer,
                                           .learning_rate = options_.learning_rate,
                                           .beta1 = options_.beta1,
                                           .beta2 = options_.beta2,
                                           .weight_decay = options_.weight_decay});
}

/// What a method is made of beside options and weights, so that it can be made again without data.
void Trainer::put_descriptions(checkpoint::Checkpoint& state) const {
  state.texts["recipe"] = recipe_text_;
  state.texts["tasks"] = join(dataset_->tasks(), ",");
  state.texts["kinds"] = join(dataset_->kinds(), ",");
  state.texts["sources"] = join(dataset_->source_names(), ",");
}

checkpoint::Checkpoint Trainer::state() const {
  checkpoint::Checkpoint state;
  checkpoint::put_module(state, kMethodPrefix, method_->state());
  checkpoint::put_optimizer(state, kOptimizerPrefix, *optimizer_);
  for (std::size_t i = 0; i < ema_->averages().size(); ++i) {
    state.tensors[checkpoint::below(kEmaPrefix, std::to_string(i))] = ema_->averages()[i];
  }
  state.integers["ema_updates"] = ema_->updates();
  state.integers["step"] = step_;
  state.texts["phase"] = current_phase_;
  put_descriptions(state);
  if (has_best_) state.numbers["best"] = best_;
  return state;
}

/// What the outputs of a controller or encoder stand for goes by number: another order of the
/// recipe's tasks or sources would give them other meanings.
void Trainer::expect_same_outputs(const checkpoint::Checkpoint& held,
                                  const std::string& origin) const {
  checkpoint::Checkpoint now;
  put_descriptions(now);
  for (const std::string name : {"tasks", "kinds", "sources"}) {
    const auto found = held.texts.find(name);
    CHIARO_CHECK(found == held.texts.end() || found->second == now.texts.at(name), Usage,
                 "[train.resume] the recipe's {} are '{}'; '{}' was trained with '{}'", name,
                 now.texts.at(name), origin, found->second);
  }
}

bool Trainer::resume() {
  const auto latest = folder_.latest();
  if (!latest) return false;
  const checkpoint::Checkpoint& state = latest->checkpoint;
  const std::string& origin = latest->path.string();
  const auto integer = [&](const std::string& name) {
    const auto found = state.integers.find(name);
    CHIARO_CHECK(found != state.integers.end(), Bundle, "[train.resume] '{}' holds no '{}'", origin,
                 name);
    return found->second;
  };
  if (const auto recipe = state.texts.find("recipe");
      recipe == state.texts.end() || recipe->second != recipe_text_) {
    spdlog::warn("the recipe has changed since '{}' was written: training goes on with the new one",
                 origin);
  }
  expect_same_outputs(state, origin);
  step_ = integer("step");
  CHIARO_CHECK(step_ <= options_.steps, Usage,
               "[train.resume] '{}' is at step {}, beyond train.steps = {}", origin, step_,
               options_.steps);
  // At the border of two phases the checkpoint belongs to the phase that just ended; the loop
  // enters the next one.
  const std::int64_t last_taken = std::max<std::int64_t>(0, step_ - 1);
  enter_phase(phase_at(last_taken));
  checkpoint::take_module(state, kMethodPrefix, method_->state(), method_->newer_state());
  checkpoint::take_optimizer(state, kOptimizerPrefix, *optimizer_);
  load_averages(state, ema_->averages(), origin);
  ema_->set_updates(integer("ema_updates"));
  if (const auto found = state.numbers.find("best"); found != state.numbers.end()) {
    best_ = found->second;
    has_best_ = true;
  }
  return true;
}

data::Batch Trainer::to_device(data::Batch batch) const {
  const auto format =
      options_.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  for (at::Tensor* pictures : batch.pictures()) {
    if (pictures->defined())
      *pictures = pictures->to(device_, /*non_blocking=*/true).contiguous(format);
  }
  for (at::Tensor* labels : batch.labels()) {
    if (labels->defined()) *labels = labels->to(device_, /*non_blocking=*/true);
  }
  return batch;
}

void Trainer::add_losses(data::Batch batch, std::int64_t micro_batch, StepReport& report) {
  const double part = 1.0 / static_cast<double>(options_.accumulate);
  methods::StepInfo info = info_at(step_);
  info.micro_batch = micro_batch;
  methods::Losses losses;
  {
    const AutocastScope autocast(options_.precision == "bf16", device_.type());
    losses = method_->losses(batch, info);
  }
  at::Tensor total;
  double sum = 0;
  for (const auto& term : losses.terms) {
    const at::Tensor weighted = term.value.to(at::kFloat) * term.weight;
    total = total.defined() ? total + weighted : weighted;
    const double value = term.value.item<double>();
    if (!std::isfinite(value)) {
      std::string samples;
      for (std::size_t i = 0; i < batch.seeds.size(); ++i) {
        samples += fmt::format("\n  sample {}: {}", batch.seeds[i], batch.origins[i]);
      }
      fail(ErrorCode::CheckFailed,
           "[train.step] term '{}' is {} at step {}; data.seed {}, samples:{}", term.name, value,
           step_, dataset_->options().seed, samples);
    }
    sum += value * term.weight;
  }
  report.add("loss", sum);
  for (const auto& term : losses.terms) report.add(term.name, term.value.item<double>());
  for (const auto& [name, value] : losses.meters) report.add(name, value);
  std::ranges::move(losses.warnings, std::back_inserter(report.warnings));
  std::ranges::move(losses.remarks, std::back_inserter(report.remarks));
  (total * part).backward();
}

Trainer::StepReport Trainer::take_step(const std::function<data::Batch()>& next_batch) {
  const methods::StepInfo info = info_at(step_);
  if (info.phase != current_phase_) enter_phase(phase_at(step_));
  StepReport report;
  report.learning_rate =
      learning_rate(options_, info.phase_step, info.phase_steps) * phase_at(step_).phase.rate;
  set_learning_rate(*optimizer_, report.learning_rate);
  optimizer_->zero_grad();
  // Whatever draws from the default generator (dropout, …) depends on seed and step alone: resume
  // stays exact.
  torch::manual_seed(
      Rng(static_cast<std::uint64_t>(options_.seed), {static_cast<std::uint64_t>(step_)}).next());
  for (std::int64_t i = 0; i < options_.accumulate; ++i)
    add_losses(to_device(next_batch()), i, report);
  report.gradient_norm = clip_gradients(trainable_, options_.clip_norm);
  CHIARO_CHECK(std::isfinite(report.gradient_norm), CheckFailed,
               "[train.step] the gradient is {} at step {} although every term is finite",
               report.gradient_norm, step_);
  optimizer_->step();
  ++step_;
  ema_->update();
  const c10::NoGradGuard no_grad;
  methods::StepInfo done = info;
  done.step = step_;
  done.phase_step = info.phase_step + 1;
  method_->after_step(done);
  return report;
}

void Trainer::save() {
  folder_.save(step_, state(), static_cast<int>(options_.keep));
}

void Trainer::validate(Outcome& outcome) {
  if (!surroundings_.validate) return;
  const c10::NoGradGuard no_grad;
  const EmaScope averaged(*ema_);
  outcome.last_metrics =
      surroundings_.validate(*method_, info_at(std::max<std::int64_t>(0, step_ - 1)));
  log_->validation(step_, outcome.last_metrics);
  const auto found = outcome.last_metrics.find(options_.best);
  // An earlier phase prepares the last one: what is measured then is not yet what ships.
  if (current_phase_ != phase_at(options_.steps - 1).phase.name) return;
  // A tree may not be there yet, and weights may give no number: nothing to lose the run for.
  if (found == outcome.last_metrics.end() || !std::isfinite(found->second)) {
    spdlog::warn("step {}: '{}', by which the best is kept, is {} here", step_, options_.best,
                 found == outcome.last_metrics.end() ? "not measured" : "no number");
    return;
  }
  if (has_best_ && found->second <= best_) return;
  best_ = found->second;
  has_best_ = true;
  checkpoint::Checkpoint best;
  checkpoint::put_module(best, kMethodPrefix, method_->state());
  best.integers["step"] = step_;
  put_descriptions(best);
  best.numbers["best"] = best_;
  folder_.save_best(best);
}

void Trainer::warn(const StepReport& report, Outcome& outcome) {
  const auto show = [&](const std::vector<std::string>& sentences) {
    for (const auto& sentence : sentences) {
      spdlog::warn("step {}: {}", step_, sentence);
      outcome.warnings.push_back(sentence);
    }
  };
  show(report.remarks);
  const std::int64_t interval =
      options_.validate_every > 0 ? options_.validate_every : options_.checkpoint_every;
  if (report.warnings.empty() || (warned_at_ >= 0 && step_ - warned_at_ < interval)) return;
  warned_at_ = step_;
  show(report.warnings);
}

Outcome Trainer::run() {
  log_ = std::make_unique<RunLog>(folder_.path(), step_, options_.steps);
  if (step_ == 0) log_->recipe(recipe_text_);
  std::optional<data::Loader> loader;
  std::string loading;  // the phase whose batches the loader makes
  double waited_s = 0;  // of the loaders of earlier phases
  const std::function<data::Batch()> next_batch = [&] {
    const PhaseSpan& span = phase_at(step_);
    if (!loader || loading != span.phase.name) {
      if (loader) waited_s += loader->waited_s();
      loader.emplace(dataset_, span.first_sample + (step_ - span.begin) * span.samples_a_step,
                     span.phase.batch, /*pinned=*/device_.is_cuda());
      loading = span.phase.name;
    }
    return loader->next();
  };
  Outcome outcome;
  if (step_ == 0) save();  // so that a run stopped early still knows the weights it began with
  while (step_ < options_.steps && !surroundings_.should_stop()) {
    const double began_s = monotonic_s();
    const StepReport report = take_step(next_batch);
    log_->step(step_,
               {current_phase_, report.learning_rate, report.gradient_norm, report.values(),
                monotonic_s() - began_s, waited_s + loader->waited_s()},
               step_ % options_.log_every == 0 || step_ == options_.steps);
    warn(report, outcome);
    const auto due = [&](std::int64_t every) {
      return every > 0 && (step_ % every == 0 || step_ == options_.steps);
    };
    if (due(options_.validate_every)) validate(outcome);
    if (due(options_.sample_every) && surroundings_.write_samples) {
      const c10::NoGradGuard no_grad;
      const EmaScope averaged(*ema_);
      log_->samples(step_, surroundings_.write_samples(*method_, step_));
    }
    if (due(options_.checkpoint_every)) save();
  }
  if (step_ % options_.checkpoint_every != 0 && step_ < options_.steps) save();
  outcome.step = step_;
  outcome.finished = step_ == options_.steps;
  if (has_best_) outcome.best = best_;
  return outcome;
}

}  // namespace chiaro::train
