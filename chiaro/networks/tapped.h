// Networks whose first layers can be looked into, for methods that compare pictures by what the
// restorer itself sees in them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace chiaro::networks {

class Tapped {
 public:
  virtual ~Tapped() = default;

  /// x: as for Network::forward. Feature maps (N,C_l,H_l,W_l) of the first half or so of the
  /// network, in the order of execution, the first at full resolution; the network knows nothing of
  /// the picture's damage. With gradient, also to the network's parameters.
  virtual std::vector<at::Tensor> taps(const at::Tensor& x) = 0;
};

}  // namespace chiaro::networks
