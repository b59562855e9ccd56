// NIQE: how far a picture's statistics lie from those of undamaged photographs.
#pragma once

#include <filesystem>
#include <vector>

#include "chiaro/metrics/planes.h"

namespace chiaro::metrics {

/// What undamaged photographs look like.
struct NiqeNorm {
  std::vector<double> mean;        ///< (36)
  std::vector<double> covariance;  ///< (36,36)
};

/// `mu_pris_param` and `cov_pris_param` of niqe_pris_params.npz, as BasicSR distributes it. Errors:
/// Input, naming the file.
NiqeNorm read_niqe_norm(const std::filesystem::path& path);

/// Mittal, Soundararajan, Bovik, "Making a 'completely blind' image quality analyzer", IEEE Signal
/// Processing Letters 2013, eq. 10, from blocks of 96×96 px without overlap; what is left over at
/// the right and below is not looked at. All blocks count, as in the authors' code when it scores.
/// At least 0; lower is better. Errors: as scored_planes; Input where fewer than two blocks have
/// structure.
double niqe(const image::Image& picture, const Protocol& protocol, const NiqeNorm& norm);

}  // namespace chiaro::metrics
