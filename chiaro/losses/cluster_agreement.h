// How well a clustering, or a tree of clusters, agrees with known classes. Measurements, not
// losses: no gradient.
//
// Labels are any integers; only which of them are equal matters.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace chiaro::losses {

using Labels = std::span<const std::int64_t>;

/// 2·I(U;V) / (H(U) + H(V)), in [0,1]; 1 where both are one cluster. Rises with the number of
/// clusters even if they are drawn at random: report it beside adjusted_information. Errors:
/// Internal (no labels, other counts).
double normalised_information(Labels u, Labels v);

/// (I − E[I]) / (mean(H(U), H(V)) − E[I]), with the expectation over labelings of the same cluster
/// sizes: 0 for chance, 1 for equality; may be below 0 (Vinh, Epps & Bailey, JMLR 2010, 11:2837).
/// Errors: Internal.
double adjusted_information(Labels u, Labels v);

/// Share of the samples that belong to the most frequent class of their cluster. Errors: Internal.
double purity(Labels clusters, Labels classes);

/// A tree over samples: of each level, finest first, the node of each sample. Two samples meet at
/// the first level that gives them one node, or else at the root above all levels.
using Paths = std::vector<std::vector<std::int64_t>>;

/// Over all pairs of samples of one class: the mean share of that class among the samples below the
/// node where the pair meets (Heller & Ghahramani, ICML 2005). 1 where every class has a subtree of
/// its own; NaN where no class has two samples. Errors: Internal (no level, other counts).
double dendrogram_purity(const Paths& tree, Labels classes);

/// Spearman's correlation, over all pairs of samples, of the levels at which they meet in the two
/// trees; NaN where all pairs meet at one level. Errors: Internal.
double tree_agreement(const Paths& tree, const Paths& other);

}  // namespace chiaro::losses
