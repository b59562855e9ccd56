// Whether probabilities mean what they say, and one temperature that makes them do so.
//
// Letters: N samples, K kinds of damage.
#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::networks {

/// Temperatures that are looked at.
inline constexpr double kLeastCalibration = 0.05;
inline constexpr double kMostCalibration = 20;

/// The temperature T that minimises the cross-entropy of softmax(z/T), for samples of several kinds
/// the mean over them (Guo et al. 2017, arXiv:1706.04599, §4.2): convex in 1/T, solved to 1e-9.
/// Which kind is the likeliest stays as it is. logits z: (N,K), kinds: (N,K) bool, at least one in
/// each row. Within [kLeastCalibration, kMostCalibration]; of samples that are all right, or no
/// better than chance, one of the two. No gradient. Errors: Internal (shapes).
double fit_temperature(const at::Tensor& logits, const at::Tensor& kinds);

/// The expected calibration error (ibid., eq. 3) over ten bins of confidence: the mean difference
/// between the highest probability and how often the kind that has it is among the sample's; 0 to
/// 1. probabilities: (N,K), kinds: (N,K) bool. No gradient. Errors: Internal (shapes).
double calibration_error(const at::Tensor& probabilities, const at::Tensor& kinds);

}  // namespace chiaro::networks
