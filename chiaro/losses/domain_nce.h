// Contrast inside domains: what tells a sample from its negatives must not be the domain.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace chiaro::losses {

/// What is known of N samples, pair by pair; all (N,N) bool and symmetric.
struct DomainRelations {
  at::Tensor same_domain;  ///< the two agree in what the code is to forget
  at::Tensor alike;        ///< they surely agree in what the code is to keep
  at::Tensor distinct;     ///< they surely differ in it; neither: it cannot be said
};

/// M pairs of a query (row of the logits) and its positive (column), each with negatives of its
/// own.
struct DomainPairs {
  at::Tensor queries;    ///< (M) int64
  at::Tensor positives;  ///< (M) int64
  at::Tensor negatives;  ///< (M,K) bool
};

/// Sample i and its copy, column N + i of K = 2N: the copy shares the domain. Negatives: the
/// distinct samples of the domain, without their copies.
DomainPairs inside_pairs(const DomainRelations& relations);

/// Every (i,j) that are alike in different domains. Negatives: samples distinct from i, of the
/// domain of i, or (`of_positive`) of the domain of j. K = 2N as above.
DomainPairs across_pairs(const DomainRelations& relations, bool of_positive);

/// Ordinary contrast, for comparison: the same pairs with negatives of all domains; all of them, or
/// for each query as many as it had, drawn by `seed`: then nothing changes but where they come
/// from.
DomainPairs with_all_negatives(DomainPairs pairs, const at::Tensor& distinct);
DomainPairs with_equally_many_negatives(DomainPairs pairs, const at::Tensor& distinct,
                                        std::uint64_t seed);

/// Domain-wise InfoNCE (Kahana & Hoshen 2022, arXiv:2203.11284): the mean over all pairs m that
/// have negatives of
///
///   ℓ_m = −z_qp + log( exp z_qp + Σ_{a∈N(m)} exp z_qa )
///
/// and 0 if there is none. logits z: (N,K), already divided by the temperature; computed in at
/// least float32. Equal logits give the mean of ln(1 + |N|). The value depends on products inside
/// single domains alone as long as the pairs lie in them. Errors: Internal (shapes).
at::Tensor domain_nce(const at::Tensor& logits, const DomainPairs& pairs);

/// How evenly each domain fills the sphere: ln mean exp(−2·distance²) over the pairs of different
/// samples in one domain (Wang & Isola 2020, arXiv:2005.10242), for every domain of two or more;
/// 0: one point. codes (N,D) of length 1, domains (N) int64. No gradient. Errors: Internal
/// (shapes).
std::vector<double> domain_uniformity(const at::Tensor& codes, const at::Tensor& domains);

}  // namespace chiaro::losses
