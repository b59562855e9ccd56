// How much of what was done to a picture its code tells.
#pragma once

#include <string>
#include <vector>

#include "chiaro/data/batch.h"
#include "chiaro/methods/method.h"
#include "chiaro/train/trainer.h"

namespace chiaro::apps {

/// Of the codes of held-out samples, whose kinds of damage are known (a class is a set of kinds):
///
///   kind_nearest    share of the samples whose nearest code of another picture has their kinds, of
///                   those that some other picture shares them with
///   nmi_kmeans, ami_kmeans   k-means of the codes, as many clusters as classes, against classes
///
/// and where there is a tree, with every sample on its path:
///
///   nmi_1, ami_1, nmi_2, …   nodes of a level, finest first, against classes
///   tree_purity     dendrogram purity of the classes
///   tree_agreement  Spearman's correlation of where two samples meet with where they meet by class
///                   and quarter of severity, then by class; 0 where the tree has one node a level
///
/// All deterministic. Errors: Usage (the method has no encoder).
train::Metrics measure_codes(methods::Method& method, const std::vector<data::Batch>& batches);

/// The names of these, those of a tree that is yet to be built among them.
std::vector<std::string> code_measure_names(const methods::Product& product);

}  // namespace chiaro::apps
