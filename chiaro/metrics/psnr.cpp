#include "chiaro/metrics/psnr.h"

#include <cmath>
#include <limits>

namespace chiaro::metrics {

double psnr(const image::Image& restored, const image::Image& target, const Protocol& protocol) {
  return psnr(scored_planes(restored, target, protocol), protocol);
}

double psnr(const PlanePair& pair, const Protocol& protocol) {
  double sum = 0;
  double count = 0;
  for (std::size_t p = 0; p < pair.target.size(); ++p) {
    const auto& a = pair.restored[p].samples;
    const auto& b = pair.target[p].samples;
    double plane_sum = 0;
    for (std::size_t i = 0; i < b.size(); ++i) plane_sum += (a[i] - b[i]) * (a[i] - b[i]);
    sum += plane_sum;
    count += static_cast<double>(b.size());
  }
  const double error = sum / count + protocol.psnr_epsilon;
  return error > 0 ? -10.0 * std::log10(error) : std::numeric_limits<double>::infinity();
}

}  // namespace chiaro::metrics
