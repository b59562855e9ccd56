// Networks here start as the identity. A method that learns from the residual x − f(x) cannot start
// there: every distance between zero residuals is zero, and so is every gradient.
#pragma once

#include <cstdint>

#include "chiaro/networks/network.h"

namespace chiaro::methods {

/// If the network returns a random picture unchanged, draws its all-zero kernels anew: normal with
/// deviation 0.1/√fan_in. A trained network is left as it is. Returns whether anything was drawn.
bool awaken(networks::Network& network, std::uint64_t seed);

}  // namespace chiaro::methods
