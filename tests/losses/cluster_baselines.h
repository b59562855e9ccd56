// Made by tools/make_cluster_baselines.py with scikit-learn 1.9.1, scipy 1.17.1; do not edit.
#pragma once

#include <cstdint>

namespace chiaro::losses {

struct ClusterBaseline {
  std::int64_t count, clusters, cluster_step, classes, class_step;
  double nmi, ami, purity;
};

struct TreeBaseline {
  std::int64_t count, finest, middle, coarsest, step, classes, class_step, other_step;
  double purity, agreement;
};

// clang-format off
constexpr ClusterBaseline kClusterBaselines[] = {
    {40, 3, 1, 4, 1, 0.06578749071095023, -0.020098951124474174, 0.45},
    {150, 12, 2, 5, 2, 0.1407825956372404, 0.07321118486833766, 0.4066666666666667},
    {150, 12, 2, 5, 9, 0.13630900850028962, 0.06845235534510091, 0.4},
    {97, 60, 5, 3, 5, 0.4311203978868306, 0.3072956581408861, 1.0},
    {30, 1, 0, 4, 3, 0.0, 0.0, 0.3333333333333333},
    {60, 6, 4, 6, 4, 1.0, 1.0, 1.0},
};
constexpr TreeBaseline kTreeBaselines[] = {
    {60, 12, 6, 2, 1, 4, 1, 5, 0.6926311765102751, 0.0186030111103564},
    {90, 16, 8, 4, 3, 5, 2, 6, 0.27233610117498436, -0.0192428448860029},
};
// clang-format on

}  // namespace chiaro::losses
