#!/usr/bin/env python3
"""Writes tests/losses/cluster_baselines.h: agreement of clusterings by scikit-learn and scipy.

Needs numpy, scipy and scikit-learn. The labels are formulas, so that tests/losses can make them again. Purity is counted from the
contingency matrix, the dendrogram's purity pair by pair.

    python3 tools/make_cluster_baselines.py > tests/losses/cluster_baselines.h
"""
import itertools

import numpy as np
import scipy
import scipy.stats
import sklearn
from sklearn import metrics


def labels(count, clusters, step):
    """Label i is (i * i + step * i) // 7 modulo `clusters`."""
    i = np.arange(count)
    return (i * i + step * i) // 7 % clusters


def purity(clusters, classes):
    return metrics.cluster.contingency_matrix(classes, clusters).max(axis=0).sum() / len(classes)


def tree(count, sizes, step):
    """Finest level by `labels`; each further level halves the numbers."""
    finest = labels(count, sizes[0], step)
    return [finest] + [finest * size // sizes[0] for size in sizes[1:]]


def meeting(levels, i, j):
    return next((n for n, level in enumerate(levels) if level[i] == level[j]), len(levels))


def dendrogram_purity(levels, classes):
    shares = []
    for i, j in itertools.combinations(range(len(classes)), 2):
        if classes[i] != classes[j]:
            continue
        n = meeting(levels, i, j)
        below = np.ones(len(classes), bool) if n == len(levels) else levels[n] == levels[n][i]
        shares.append(np.mean(classes[below] == classes[i]))
    return np.mean(shares)


def tree_agreement(a, b):
    pairs = list(itertools.combinations(range(len(a[0])), 2))
    return scipy.stats.spearmanr([meeting(a, *p) for p in pairs], [meeting(b, *p) for p in pairs]).statistic


def main():
    print(f"// Made by tools/make_cluster_baselines.py with scikit-learn {sklearn.__version__}, scipy {scipy.__version__}; "
          "do not edit.")
    print("#pragma once\n\n#include <cstdint>\n\nnamespace chiaro::losses {\n")
    print("struct ClusterBaseline {\n  std::int64_t count, clusters, cluster_step, classes, class_step;\n"
          "  double nmi, ami, purity;\n};\n\nstruct TreeBaseline {\n  std::int64_t count, finest, middle, coarsest, step, "
          "classes, class_step, other_step;\n  double purity, agreement;\n};\n")
    print("// clang-format off\nconstexpr ClusterBaseline kClusterBaselines[] = {")
    for count, clusters, a, classes, b in [(40, 3, 1, 4, 1), (150, 12, 2, 5, 2), (150, 12, 2, 5, 9), (97, 60, 5, 3, 5),
                                           (30, 1, 0, 4, 3), (60, 6, 4, 6, 4)]:
        u, v = labels(count, clusters, a), labels(count, classes, b)
        print(f"    {{{count}, {clusters}, {a}, {classes}, {b}, {metrics.normalized_mutual_info_score(v, u)!r}, "
              f"{metrics.adjusted_mutual_info_score(v, u)!r}, {purity(u, v)!r}}},".replace("np.float64(", "").replace(")", ""))
    print("};\nconstexpr TreeBaseline kTreeBaselines[] = {")
    for count, sizes, a, classes, b, c in [(60, (12, 6, 2), 1, 4, 1, 5), (90, (16, 8, 4), 3, 5, 2, 6)]:
        levels, classes_of, other = tree(count, sizes, a), labels(count, classes, b), tree(count, sizes, c)
        print(f"    {{{count}, {sizes[0]}, {sizes[1]}, {sizes[2]}, {a}, {classes}, {b}, {c}, "
              f"{float(dendrogram_purity(levels, classes_of))!r}, {float(tree_agreement(levels, other))!r}}},")
    print("};\n// clang-format on\n\n}  // namespace chiaro::losses")


main()
