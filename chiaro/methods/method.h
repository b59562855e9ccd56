// What a training method is, and the catalogue of them.
//
// A method turns a batch into named losses. It never calls backward, builds an optimiser, writes a
// file or prints: the loop in train/ does that. Everything a method remembers between steps (lagged
// copies, momentum encoders, queues, counters) lives in registered modules and buffers of
// `state()`, so that one checkpoint holds it and resume is exact.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/base/options.h"
#include "chiaro/data/batch.h"
#include "chiaro/networks/conditioner.h"
#include "chiaro/networks/encoder.h"
#include "chiaro/networks/network.h"
#include "chiaro/nn/prototype_tree.h"

namespace chiaro::methods {

/// Where training stands.
struct StepInfo {
  std::int64_t step = 0;  ///< 0-based, over all phases
  std::int64_t total_steps = 1;
  std::string phase = {};  ///< name of the current phase
  std::int64_t phase_step = 0;
  std::int64_t phase_steps = 1;
  std::int64_t micro_batch = 0;  ///< 0-based, of those whose gradients one step sums

  /// Whether what is done in every n-th step of training, once, is due.
  bool due(std::int64_t n) const { return micro_batch == 0 && step % n == 0; }
};

/// One stretch of training. Methods with one phase need not mention it.
struct Phase {
  std::string name = "train";
  double share = 1.0;      ///< of the total steps; the shares of all phases sum to 1
  std::int64_t batch = 0;  ///< samples per step; 0: data.batch
  double rate = 1.0;       ///< times what the schedule gives as learning rate
};

/// One scalar term of the loss.
struct Term {
  std::string name;     ///< as logged: "l1", "contrast", …
  at::Tensor value;     ///< 0-dim, with gradient
  double weight = 1.0;  ///< the loop minimises Σ weight·value
};

/// Terms to minimise, and measurements only to log.
struct Losses {
  std::vector<Term> terms;
  /// Need not be there in every step: the log averages the steps that have them.
  std::vector<std::pair<std::string, double>> meters;
  /// What goes wrong and will not mend itself (a contrast that collapsed, …), a sentence each. The
  /// method waits until it is sure; the loop shows it at once, and again at most once in each
  /// validation interval.
  std::vector<std::string> warnings = {};
  /// What can be told of the settings or the data before anything is learned, a sentence each. The
  /// method says it once; the loop shows it at once, whatever was shown before.
  std::vector<std::string> remarks = {};
};

/// What freeze puts into the bundle.
struct Product {
  std::shared_ptr<networks::Network>
      restorer;  ///< picture → picture; null for representation methods
  std::shared_ptr<networks::Conditioner> conditioner;  ///< picture → condition; null: unconditioned
  std::shared_ptr<networks::Encoder> encoder = {};  ///< picture → code; of representation methods
  /// Over the encoder's codes; attributes of a node: the share of each kind of damage among its
  /// members, then their mean severity. May be null, or not yet built.
  std::shared_ptr<nn::PrototypeTree> tree = {};
};

class Method {
 public:
  virtual ~Method() = default;

  /// What data must put into a batch.
  virtual data::ViewSpec views() const { return {}; }

  virtual std::vector<Phase> phases() const { return {Phase{}}; }

  /// Called by the loop once per micro-batch, with gradients enabled, inside autocast if mixed
  /// precision is on. Of methods that need no target it is also called without gradients, on
  /// held-out batches: it must then change nothing that it remembers.
  virtual Losses losses(const data::Batch& batch, const StepInfo& info) = 0;

  /// Called after the optimiser stepped (`info.step` steps are then complete, counting from 1),
  /// without gradients.
  virtual void after_step(const StepInfo& /*info*/) {}

  /// The parameters optimised in a phase.
  virtual std::vector<at::Tensor> trainable(const std::string& phase) = 0;

  /// False where networks play against each other: one norm over all gradients would tie them.
  virtual bool may_clip_gradients() const { return true; }

  /// Everything that a checkpoint must hold: networks, copies, queues (as buffers).
  virtual torch::nn::Module& state() = 0;

  /// Names in `state()`, as patterns of checkpoint::take_module, that older checkpoints lack; these
  /// tensors then stay as they were made.
  virtual std::vector<std::string> newer_state() const { return {}; }

  /// The restoration as trained so far, for validation and freezing: (N,3,H,W) → (N,3,sH,sW). No
  /// gradient.
  virtual Product product() = 0;

  /// What the restorer is told about each sample when it is validated, (N,C); undefined: nothing.
  /// No gradient.
  virtual at::Tensor condition(const data::Batch& /*batch*/) { return {}; }
};

/// What every method is built from.
struct Setting {
  std::shared_ptr<networks::Network> network;  ///< null for methods that take none
  std::vector<std::string> tasks;              ///< names behind Batch::task
  std::uint64_t seed =
      0;  ///< for the method's own random numbers, apart from data and initial weights
  std::vector<std::string> kinds = {};    ///< names behind Batch::kinds, "clean" first
  std::vector<std::string> sources = {};  ///< names behind Batch::source
  /// Another network built like `network`, with weights of its own from torch's default generator;
  /// for methods that keep copies.
  std::function<std::shared_ptr<networks::Network>()> make_network = {};
  /// The trained encoder in a bundle file, for methods that look at pictures with one. Errors:
  /// Input, Usage (another kind of bundle), Bundle.
  std::function<std::shared_ptr<networks::Encoder>(const std::string& file)> load_encoder = {};
  /// true: only `state` and `product` will be asked for, as freezing does; what `losses` alone
  /// needs from elsewhere may be left out.
  bool inference_only = false;
};

struct Entry {
  std::string name;  ///< filled in by the catalogue
  std::string summary;
  std::string reference;
  std::vector<FieldInfo> options;
  bool takes_network = true;  ///< false: it brings its own, and a recipe has no [network]
  /// Errors: Usage for unknown or impossible options.
  std::unique_ptr<Method> (*make)(const Setting& setting, const OptionTable& options) = nullptr;
};

/// All entries of methods.def, in its order.
const std::vector<Entry>& catalogue();

/// Errors: Usage naming the nearest entry.
const Entry& find(const std::string& name);

}  // namespace chiaro::methods
