// Whether a contrastive loss learns: its value beside the values that mean "collapsed" and "cannot
// fall further", and what its embeddings look like.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace chiaro::losses {

enum class ContrastVerdict {
  Healthy,
  NoNegatives,   ///< nothing to contrast with
  OneLabel,      ///< all candidates carry the label of their query: the loss cannot fall
  Collapsed,     ///< the logits of a query, or all embeddings, are equal
  AtChance,      ///< they differ, but say nothing: not better than equal logits by twice the
                 ///< standard error, neighbours not more often right than by chance
  Overconfident  ///< neighbours are found, yet the loss is no better: temperature too low
};

/// How embeddings are brought to one scale before they are measured.
enum class Scale {
  Each,     ///< to length 1, each by itself
  Together  ///< to a mean square length of 1, all by one factor: where their length says something
};

/// What the logits of a contrast were computed from.
struct Embedded {
  Embedded() = default;
  Embedded(at::Tensor queries_of, at::Tensor keys_of = {}, Scale how = Scale::Each)
      : queries(std::move(queries_of)), keys(std::move(keys_of)), scale(how) {}

  at::Tensor queries;  ///< (Q,D); undefined: not known
  at::Tensor keys;     ///< (K,D); undefined: the queries themselves, key k being query k
  Scale scale = Scale::Each;
};

struct ContrastHealth {
  double loss = 0;       ///< info_nce of what was given
  double collapsed = 0;  ///< its value at equal logits: mean ln |A(i)|
  double floor = 0;    ///< its least value for embeddings that know the label alone: mean ln of the
                       ///< candidates that carry the query's label
  double nearest = 0;  ///< share of queries whose largest logit is a positive's
  double chance = 0;   ///< what that share would be by guessing
  at::Tensor found;    ///< (Q) float64: 1 where the largest logit is a positive's, 0 where it is
                       ///< not, NaN of queries without a positive or without another candidate
  /// Of scaled embeddings (Wang & Isola 2020, arXiv:2005.10242), where embeddings are given:
  std::optional<double> alignment;  ///< mean squared distance of positives; 0: they coincide
  std::optional<double> uniformity;  ///< ln mean exp(−2·distance²) of all pairs of queries; 0: one
                                     ///< point
  /// exp of the entropy of the normalised singular values of the centred scaled queries (Roy &
  /// Vetterli 2007); 0 for one point, at most the dimension.
  std::optional<double> effective_rank;
  ContrastVerdict verdict = ContrastVerdict::Healthy;
  std::string reason;  ///< one sentence with the numbers

  /// A fault of the batch, whatever the embeddings: NoNegatives or OneLabel.
  bool of_batch_alone() const {
    return verdict == ContrastVerdict::NoNegatives || verdict == ContrastVerdict::OneLabel;
  }

  /// As a method reports them: "contrast_loss", "contrast_collapsed", …
  std::vector<std::pair<std::string, double>> meters() const;
};

/// logits, positives, candidates: (Q,K) as for info_nce. query_labels (Q), key_labels (K) int64:
/// what a representation can know at most of query and candidates. No gradient. Errors: Internal
/// (shapes).
ContrastHealth contrast_health(const at::Tensor& logits, const at::Tensor& positives,
                               const at::Tensor& candidates, const at::Tensor& query_labels,
                               const at::Tensor& key_labels, const Embedded& embedded = {});

/// Tells a lasting fault from a single unlucky batch. What it remembers lies in buffers: register
/// it in the state of the method.
class ContrastWatch : public torch::nn::Module {
 public:
  /// A fault is reported from the `patience`-th batch in a row on that is not healthy.
  explicit ContrastWatch(std::int64_t patience = 4);

  /// The reason of a lasting fault.
  std::optional<std::string> observe(const ContrastHealth& health);

  /// Whether nothing has been observed yet.
  bool fresh() const;

 private:
  std::int64_t patience_;
  at::Tensor in_a_row_;  // faults; -1: nothing observed
};

}  // namespace chiaro::losses
