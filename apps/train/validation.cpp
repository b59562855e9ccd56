#include "apps/train/validation.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include <ATen/ATen.h>

#include "apps/train/code_measures.h"
#include "apps/train/part_measures.h"
#include "chiaro/base/error.h"
#include "chiaro/image/codec.h"
#include "chiaro/networks/controller_calibration.h"

namespace chiaro::apps {
namespace {

constexpr std::int64_t kBatch = 4;

at::Device device_of(const torch::nn::Module& module) {
  const auto parameters = module.parameters();
  return parameters.empty() ? at::Device(at::kCPU) : parameters.front().device();
}

data::Batch moved(data::Batch batch, at::Device device) {
  const auto move = [&](at::Tensor* tensor) {
    if (tensor->defined()) *tensor = tensor->to(device);
  };
  for (at::Tensor* pictures : batch.pictures()) move(pictures);
  for (at::Tensor* labels : batch.labels()) move(labels);
  return batch;
}

/// What the product makes of a batch, on the CPU.
struct Restored {
  at::Tensor output;     // (N,3,sH,sW), limited to [0,1]
  at::Tensor diagnosis;  // (N,2K+E), what the conditioner says; undefined without one
};

Restored restore(methods::Method& method, const data::Batch& batch) {
  const methods::Product product = method.product();
  const auto here = moved(batch, device_of(*product.restorer));
  const auto set_training = [&](bool on) {
    product.restorer->train(on);
    if (product.conditioner) product.conditioner->train(on);
  };
  set_training(false);
  at::Tensor diagnosis;
  if (product.conditioner) {
    const auto views = networks::cut_views(here.context, product.conditioner->layout());
    diagnosis = product.conditioner->diagnose(views.native, views.whole).code.to(at::kCPU);
  }
  const at::Tensor output = product.restorer->forward(here.input, {method.condition(here)});
  set_training(true);
  return {output.to(at::kCPU).to(at::kFloat).clamp(0, 1), diagnosis};
}

/// How well the controller names the damage.
class TypeScore {
 public:
  void add(const data::Batch& batch, const at::Tensor& code) {
    if (!code.defined()) return;
    probabilities_.push_back(code.narrow(1, 0, batch.kinds.size(1)).to(at::kDouble));
    kinds_.push_back(batch.kinds);
  }

  /// "type_accuracy", and "type_ece": networks::calibration_error.
  void report(train::Metrics& metrics) const {
    if (kinds_.empty()) return;
    const auto probabilities = at::cat(probabilities_);
    const auto kinds = at::cat(kinds_);
    const auto right = kinds.gather(1, probabilities.argmax(1, /*keepdim=*/true));
    metrics["type_accuracy"] = right.to(at::kDouble).mean().item<double>();
    metrics["type_ece"] = networks::calibration_error(probabilities, kinds);
  }

 private:
  std::vector<at::Tensor> probabilities_;
  std::vector<at::Tensor> kinds_;
};

/// The damaged pictures, as large as the clean ones: what a network that enlarges is compared with.
at::Tensor damaged(const data::Batch& batch) {
  if (!batch.target.defined() || batch.input.sizes() == batch.target.sizes()) return batch.input;
  return at::upsample_bicubic2d(batch.input, batch.target.sizes().slice(2), false).clamp(0, 1);
}

/// Puts a module's buffers back: a method's losses are those of training, in which a layer may
/// gather statistics of what it sees, and held-out pictures are not for that.
class BuffersStay {
 public:
  explicit BuffersStay(const torch::nn::Module& module) : buffers_(module.buffers()) {
    for (const at::Tensor& buffer : buffers_) before_.push_back(buffer.clone());
  }
  ~BuffersStay() {
    const c10::NoGradGuard no_grad;
    for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(before_[i]);
  }
  BuffersStay(const BuffersStay&) = delete;
  BuffersStay& operator=(const BuffersStay&) = delete;

 private:
  std::vector<at::Tensor> buffers_;
  std::vector<at::Tensor> before_;
};

/// The weighted sum of the method's terms; no gradient.
double loss_of(methods::Method& method, const data::Batch& batch, methods::StepInfo taken) {
  taken.micro_batch = 1;  // examinations are for training alone
  const auto here = moved(batch, device_of(method.state()));
  double sum = 0;
  for (const auto& term : method.losses(here, taken).terms)
    sum += term.weight * term.value.item<double>();
  return sum;
}

void paste(const at::Tensor& picture, image::Image& sheet, int top, int left) {
  const auto values = picture.contiguous();
  const auto* from = values.data_ptr<float>();
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < picture.size(1); ++y) {
      for (int x = 0; x < picture.size(2); ++x) sheet.at(c, top + y, left + x) = *from++;
    }
  }
}

using Names = std::vector<std::string>;

void append(Names more, Names& names) {
  std::ranges::move(more, std::back_inserter(names));
}

Names restorer_names(const methods::Product& product, const data::Dataset& held_out,
                     const PictureMeasures& measures) {
  Names names;
  if (product.conditioner) names = {"type_accuracy", "type_ece"};
  if (!held_out.has_some_targets()) return names;
  append({"gain", "worse"}, names);
  for (const auto& measure : measures.names()) {
    names.push_back(measure);
    for (const auto& task : held_out.tasks()) names.push_back(measure + "_" + task);
  }
  return names;
}

}  // namespace

std::vector<std::string> measure_names(methods::Method& method, const data::Dataset& held_out,
                                       const PictureMeasures& measures) {
  const methods::Product product = method.product();
  Names names =
      product.restorer ? restorer_names(product, held_out, measures) : code_measure_names(product);
  if (product.encoder) append(part_measure_names(*product.encoder), names);
  if (!method.views().needs_target) names.emplace_back("pretext");
  std::ranges::sort(names);
  return names;
}

bool is_less_better(const std::string& measure) {
  return measure == "worse" || measure == "type_ece" || measure.ends_with("_chance");
}

Validation::Validation(const data::Dataset& dataset, std::int64_t samples, PictureMeasures measures)
    : tasks_(dataset.tasks()), measures_(std::move(measures)) {
  for (const auto& task : tasks_) {
    const std::string column = "psnr_" + task;
    CHIARO_CHECK(!measures_.contains(column), Usage,
                 "[validate.metrics] got '{}' beside a task '{}', whose PSNR has that column; "
                 "expected another name of the task",
                 column, task);
  }
  // One by one where some lack a target: a batch has targets for all samples or for none. Else two
  // scenes at least, so that a sample can be told what another one is.
  const std::int64_t scenes = std::max(kBatch, 2 * dataset.options().variants);
  const std::int64_t together = dataset.has_targets() ? scenes : 1;
  for (std::int64_t first = 0; first < samples; first += together) {
    batches_.push_back(dataset.batch(first, std::min(together, samples - first)));
  }
}

void Validation::add_pretext(const data::Dataset& dataset, std::int64_t samples) {
  const std::int64_t size = dataset.options().batch;
  for (std::int64_t first = 0; first < samples; first += size)
    pretext_.push_back(dataset.batch(first, size));
}

train::Metrics Validation::measure(methods::Method& method, const methods::StepInfo& taken) const {
  train::Metrics metrics =
      method.product().restorer ? measure_restorer(method) : measure_codes(method, batches_);
  if (const auto encoder = method.product().encoder)
    metrics.merge(measure_parts(*encoder, batches_));
  const BuffersStay buffers_stay(method.state());
  for (const auto& batch : pretext_)
    metrics["pretext"] -= loss_of(method, batch, taken) / static_cast<double>(pretext_.size());
  return metrics;
}

namespace {

/// Whether they differ by no more than rounding to 8 bit does (data.input_u8).
bool is_undamaged(const at::Tensor& input, const at::Tensor& target) {
  return (input - target).abs().max().item<float>() < 0.51F / 255.0F;
}

}  // namespace

train::Metrics Validation::measure_restorer(methods::Method& method) const {
  TaskMeans means;
  std::set<std::int64_t> damaged_tasks;
  double gain = 0;
  int worse = 0;
  int count = 0;
  TypeScore types;
  for (const auto& batch : batches_) {
    const auto [output, diagnosis] = restore(method, batch);
    types.add(batch, diagnosis);
    if (!batch.target.defined()) continue;
    const at::Tensor input = damaged(batch);
    for (std::int64_t i = 0; i < output.size(0); ++i) {
      const auto task = batch.task[i].item<std::int64_t>();
      const auto values = measures_.of(output[i], batch.target[i]);
      for (const auto& [measure, value] : values) means.add(measure, task, value);
      if (is_undamaged(input[i], batch.target[i])) continue;  // no gain to be had
      const double before = rgb_psnr(input[i], batch.target[i]);
      const double after = values.front().second;
      damaged_tasks.insert(task);
      gain += after - before;
      worse += after < before ? 1 : 0;
      ++count;
    }
  }
  train::Metrics metrics;
  // Undamaged pictures count up to 100 dB each and would rule the mean.
  means.report(tasks_, damaged_tasks, metrics);
  types.report(metrics);
  if (!means.empty()) {
    metrics["gain"] = gain / std::max(1, count);
    metrics["worse"] = static_cast<double>(worse) / std::max(1, count);
  }
  return metrics;
}

bool Validation::write_strip(methods::Method& method, const std::filesystem::path& file) const {
  if (!method.product().restorer) return false;
  std::map<std::int64_t, std::vector<at::Tensor>> rows;
  for (const auto& batch : batches_) {
    const at::Tensor output = restore(method, batch).output;
    const at::Tensor input = damaged(batch);
    for (std::int64_t i = 0; i < output.size(0); ++i) {
      std::vector<at::Tensor> row{input[i], output[i]};
      if (batch.target.defined()) row.push_back(batch.target[i]);
      rows.try_emplace(batch.task[i].item<std::int64_t>(), std::move(row));
    }
  }
  const int side = static_cast<int>(rows.begin()->second.front().size(2));
  image::Image sheet(3, side * static_cast<int>(rows.size()), side * 3, 1.0F);
  int top = 0;
  for (const auto& [task, row] : rows) {
    for (std::size_t column = 0; column < row.size(); ++column)
      paste(row[column], sheet, top, side * static_cast<int>(column));
    top += side;
  }
  image::write(file, sheet);
  return true;
}

}  // namespace chiaro::apps
