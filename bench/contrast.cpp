// contrast: what queues, clusters, sorting and matching add to the steps of the methods that use
// them, at the sizes of their recipes.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include "bench/rooms.h"
#include "bench/timing.h"
#include "chiaro/losses/pyramid_l1.h"
#include "chiaro/methods/method.h"
#include "chiaro/networks/disentangled_encoder.h"
#include "chiaro/networks/network.h"
#include "chiaro/nn/kmeans.h"
#include "chiaro/nn/prototype_tree.h"

namespace chiaro::bench {
namespace {

constexpr double kMostWithExtras = 1.25;
constexpr double kMostClusteringMs = 2000;
constexpr std::int64_t kViewPx = 64;  // of every recipe's crops

/// A step by hand: whatever `loss` computes, backwards, and an update.
class Step {
 public:
  Step(std::vector<at::Tensor> weights, std::function<at::Tensor()> loss)
      : optimizer_(std::move(weights), torch::optim::AdamWOptions(1e-4)), loss_(std::move(loss)) {}
  void take() {
    optimizer_.zero_grad();
    loss_().backward();
    optimizer_.step();
  }

 private:
  torch::optim::AdamW optimizer_;
  std::function<at::Tensor()> loss_;
};

/// A method in the midst of a long run, whose contrasts are examined now and then.
class MethodSteps {
 public:
  MethodSteps(const std::string& method, const OptionTable& options, data::Batch batch,
              std::shared_ptr<networks::Network> network = nullptr)
      : batch_(std::move(batch)) {
    methods::Setting setting{.network = std::move(network),
                             .tasks = {"clean", "noise"},
                             .seed = 1,
                             .kinds = {"clean", "noise"},
                             .sources = {"photos"}};
    method_ = methods::find(method).make(setting, options);
    step_ = std::make_unique<Step>(method_->trainable("train"), [this] {
      const auto losses = method_->losses(batch_, info_);
      at::Tensor total = at::zeros({});
      for (const auto& term : losses.terms) total = total + term.value * term.weight;
      return total;
    });
  }

  MethodSteps(const MethodSteps&) = delete;
  MethodSteps& operator=(const MethodSteps&) = delete;

  void take() {
    step_->take();
    advance();
  }

  /// So often what a step computes and keeps, without teaching.
  void warm_up(std::int64_t steps) {
    for (std::int64_t i = 0; i < steps; ++i) {
      method_->losses(batch_, info_);
      advance();
    }
  }

  methods::Method& method() { return *method_; }

 private:
  void advance() {
    ++info_.step;
    ++info_.phase_step;
    const c10::NoGradGuard no_grad;
    method_->after_step(info_);
  }

  data::Batch batch_;
  std::unique_ptr<methods::Method> method_;
  std::unique_ptr<Step> step_;
  methods::StepInfo info_{
      .step = 1, .total_steps = 400, .phase = "train", .phase_step = 1, .phase_steps = 400};
};

/// Windows of `scenes` soft pictures, each `count / scenes` times under another noise.
data::Batch windows_of(std::int64_t count, std::int64_t scenes, std::int64_t context_px) {
  data::Batch batch;
  const std::int64_t coarse = context_px / 8;
  batch.context_target = at::upsample_bilinear2d(at::rand({scenes, 3, coarse, coarse}),
                                                 {context_px, context_px}, false)
                             .repeat_interleave(count / scenes, 0);
  batch.severity = at::linspace(0, 1, count);
  const auto noise = 0.2 * batch.severity.view({count, 1, 1, 1});
  batch.context = (batch.context_target + noise * at::randn_like(batch.context_target)).clamp(0, 1);
  const auto cut = [](const at::Tensor& window) {
    return window.narrow(2, 0, kViewPx).narrow(3, 0, kViewPx).contiguous();
  };
  batch.input = cut(batch.context);
  batch.target = cut(batch.context_target);
  batch.unpaired = batch.target.flip({0, 3}).contiguous();
  batch.kinds = at::one_hot(batch.severity.gt(0).to(at::kLong), 2).to(at::kBool);
  batch.severities = batch.severity.unsqueeze(1) * batch.kinds.to(at::kFloat);
  batch.severities.select(1, 0).zero_();  // undamaged
  batch.task = batch.severity.gt(0).to(at::kLong);
  batch.source = at::zeros({count}, at::kLong);
  batch.content = at::arange(count).div(count / scenes, "floor");
  for (std::int64_t i = 0; i < count; ++i) batch.seeds.push_back(static_cast<std::uint64_t>(i));
  batch.origins.resize(batch.seeds.size());
  return batch;
}

void begin(const Setting& setting) {
  at::set_num_threads(setting.threads);
  torch::manual_seed(1);
}

/// One row: with ÷ without. `more_ms` of work that is not in each step comes on top.
void add_ratio(Report& report, const std::string& name, const Times& with, const Times& without,
               const std::string& what, std::optional<double> most, double more_ms = 0) {
  const double more = more_ms / (1e3 * median(without));
  report.add({.name = name,
              .value = median_ratio(with, without) + more,
              .unit = "x",
              .at_most = most,
              .detail = what + ": " + pair_text(with, without)});
}

/// Against the same crops through both encoders, the query's forwards and backwards. The tree is
/// made in every hundredth step: a hundredth of the time for it counts.
void hcsc_step(benchmark::State& state, const Setting& setting, Report& report) {
  begin(setting);
  constexpr std::int64_t kSamples = 32;
  constexpr std::int64_t kQueue = 2048;
  constexpr std::int64_t kTreeEvery = 100;
  MethodSteps whole("hcsc",
                    {{"prototypes", std::vector<std::int64_t>{80, 20, 8}},
                     {"queue", kQueue},
                     {"tree_every", kTreeEvery},
                     {"warmup", 0.15}},
                    windows_of(kSamples, kSamples, 128));
  whole.warm_up(kQueue / kSamples);  // fills the queue; the tree comes at step 60
  const auto tree = whole.method().product().tree;
  networks::DegradationEncoder query({});
  networks::DegradationEncoder key({});
  const at::Tensor crops = at::rand({kSamples, 3, kViewPx, kViewPx});
  Step plain(query.parameters(), [&] {
    const at::Tensor z = query.encode(crops);
    const c10::NoGradGuard no_grad;
    const at::Tensor k = key.encode(crops);
    const c10::AutoGradMode with_gradient(true);
    return -(z * k).sum(1).mean();
  });
  const auto codes = at::randn({kQueue, tree->dimension()});
  const auto units = codes / codes.norm(2, 1, /*keepdim=*/true);
  nn::PrototypeTree made({.prototypes = {80, 20, 8}}, tree->dimension(), 3);
  const auto notes = at::zeros({kQueue, 3});
  const auto times = take_turns(state, {{.run = [&] { whole.take(); }},
                                        {.run = [&] { plain.take(); }},
                                        {.run = [&] { made.build(units, notes, 1); }}});
  const double tree_ms = 1e3 * median(times[2]) / static_cast<double>(kTreeEvery);
  add_ratio(report, "contrast/hcsc_step", times[0], times[1],
            fmt::format("32 windows of 128, queue 2048, and {:.2f} ms of the tree", tree_ms),
            kMostWithExtras, tree_ms);
}

/// Against the same passes through encoder and generator, pictures beside them in order.
void dcodr_step(benchmark::State& state, const Setting& setting, Report& report) {
  begin(setting);
  constexpr std::int64_t kSamples = 64;
  MethodSteps whole("dcodr", {}, windows_of(kSamples, 8, 96));
  networks::DisentangledEncoder encoder({});
  const auto layout = encoder.layout();
  const std::int64_t whole_px = layout.whole_px;
  networks::CodeGenerator generator(layout.parts[0].width, layout.parts[1].width, whole_px);
  const at::Tensor pictures = at::rand({kSamples, 3, whole_px, whole_px});
  const at::Tensor crops = at::rand({2 * kSamples, 3, kViewPx, kViewPx});
  auto weights = encoder.parameters();
  for (auto& weight : generator.parameters()) weights.push_back(weight);
  Step plain(std::move(weights), [&] {
    const at::Tensor content = encoder.content(pictures);
    const at::Tensor copies = encoder.content(pictures);
    const auto damage = encoder.degradation(crops).chunk(2);
    const auto painted = [&](const at::Tensor& code) {
      return losses::pyramid_l1(generator.forward(code, damage[0]), pictures);
    };
    return painted(content) + painted(content.flip({0})) - (content * copies).sum(1).mean() -
           (damage[0] * damage[1]).sum(1).mean();
  });
  const auto times =
      take_turns(state, {{.run = [&] { whole.take(); }}, {.run = [&] { plain.take(); }}});
  add_ratio(report, "contrast/dcodr_step", times[0], times[1], "64 windows of 96, 8 of a scene",
            kMostWithExtras);
}

/// Against the same step with places drawn at random, and against that without L_layer.
void nlcl_step(benchmark::State& state, const Setting& setting, Report& report) {
  begin(setting);
  const OptionTable recipe{{"location", 0.0},
                           {"layer", 0.2},
                           {"clean", 5.0},
                           {"transfer", 5.0},
                           {"patch_px", std::int64_t{8}},
                           {"window_px", std::int64_t{24}},
                           {"damage_patches", std::int64_t{64}},
                           {"discriminator_width", std::int64_t{24}},
                           {"discriminator_halvings", std::int64_t{1}},
                           {"deepest_tap", true},
                           {"head_width", std::int64_t{64}}};
  const auto with = [&](const char* name, const OptionValue& value) {
    OptionTable options = recipe;
    options[name] = value;
    return MethodSteps(
        "nlcl", options, windows_of(8, 8, kViewPx),
        networks::make("dncnn", {{"depth", std::int64_t{6}}, {"width", std::int64_t{16}}}));
  };
  MethodSteps matched = with("places", std::string("matched"));
  MethodSteps random = with("places", std::string("random"));
  MethodSteps plain = with("layer", 0.0);
  const auto times = take_turns(state, {{.run = [&] { matched.take(); }},
                                        {.run = [&] { random.take(); }},
                                        {.run = [&] { plain.take(); }}});
  add_ratio(report, "contrast/nlcl_step", times[0], times[1], "8 crops of 64, matched places",
            kMostWithExtras);
  // Without the contrast the discriminator need not look at what was taken off: no aim.
  add_ratio(report, "contrast/nlcl_step_with_layer", times[0], times[2],
            "8 crops of 64, with the layer contrast", {});
}

/// Against the same crops through the network with L1.
void rcl_step(benchmark::State& state, const Setting& setting, Report& report) {
  begin(setting);
  using List = std::vector<std::int64_t>;
  const auto network = [] {
    return networks::make("resunet", {{"channels", List{16, 32, 64}},
                                      {"encoder_blocks", List{1, 1}},
                                      {"middle_blocks", std::int64_t{1}},
                                      {"decoder_blocks", List{1, 1}}});
  };
  MethodSteps whole("rcl", {}, windows_of(8, 8, 160), network());
  data::Batch crops = windows_of(16, 16, kViewPx);
  MethodSteps plain("supervised", {{"loss", std::string("l1")}}, std::move(crops), network());
  const auto times =
      take_turns(state, {{.run = [&] { whole.take(); }}, {.run = [&] { plain.take(); }}});
  add_ratio(report, "contrast/rcl_step", times[0], times[1], "8 windows of 160, two crops of 64",
            kMostWithExtras);
}

void clustering(benchmark::State& state, const Setting& setting, Report& report) {
  begin(setting);
  constexpr std::int64_t kCodes = 20'000;
  constexpr std::int64_t kValues = 64;
  constexpr std::int64_t kCentres = 40;
  const auto centre = at::randint(kCentres, {kCodes}, at::TensorOptions(at::kLong));
  const auto near =
      at::randn({kCentres, kValues}).index_select(0, centre) + 0.7 * at::randn({kCodes, kValues});
  const auto codes = near / near.norm(2, 1, /*keepdim=*/true);
  const auto times = take_turns(
      state, {{.run = [&] { benchmark::DoNotOptimize(nn::kmeans(codes, {.clusters = 80})); }}});
  report.add({.name = "contrast/clustering",
              .value = 1e3 * median(times[0]),
              .unit = "ms",
              .at_most = kMostClusteringMs,
              .detail = "20,000 codes of 64 values, 80 clusters, the best of 5 starts"});
}

}  // namespace

void add_contrast(const Setting& setting, Report& report) {
  const auto add = [&](const char* name, auto* measure) {
    benchmark::RegisterBenchmark(
        name,
        [&setting, &report, measure](benchmark::State& state) { measure(state, setting, report); })
        ->UseManualTime()
        ->Iterations(setting.rounds)
        ->Unit(benchmark::kMillisecond);
  };
  add("contrast/hcsc_step", hcsc_step);
  add("contrast/dcodr_step", dcodr_step);
  add("contrast/nlcl_step", nlcl_step);
  add("contrast/rcl_step", rcl_step);
  add("contrast/clustering", clustering);
}

}  // namespace chiaro::bench
