// Contrast between patches: of two layers of a picture, and of two pictures at the same places.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace chiaro::losses {

/// Layer contrast (Ye et al. 2022, arXiv:2203.11509; the form of Khosla et al. 2020,
/// arXiv:2004.11362, eq. 2): the vectors of either layer attract each other and repel those of the
/// other one. For every vector i of the pool, S(i) the others of its layer, A(i) all others,
///
///   ℓ_i = −1/|S(i)| · Σ_{p∈S(i)} log( exp(v_i·v_p/τ) / Σ_{a∈A(i)} exp(v_i·v_a/τ) ).
///
/// image: (P,D), damage: (N,D) unit vectors. image_share: weight w of the mean over the image's
/// vectors, 1 − w being that of the damage's; nothing: every vector counts alike, w = P/(P + N). A
/// vector without another of its layer is left out. Equal vectors give ln(P + N − 1). 0-dim, with
/// gradient. Errors: Internal (shapes).
at::Tensor layer_contrast(const at::Tensor& image, const at::Tensor& damage, double temperature,
                          std::optional<double> image_share = std::nullopt);

/// Location contrast (Park et al. 2020, arXiv:2007.15651): query s belongs to key s, and to none of
/// the other places:
///
///   ℓ_s = −log( exp(q_s·k_s/τ) / Σ_u exp(q_s·k_u/τ) ),   the mean over s.
///
/// queries, keys: (K,D) unit vectors. 0-dim, with gradient. Errors: Internal (shapes).
at::Tensor location_contrast(const at::Tensor& queries, const at::Tensor& keys, double temperature);

}  // namespace chiaro::losses
