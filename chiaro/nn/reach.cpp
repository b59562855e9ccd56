#include "chiaro/nn/reach.h"

namespace chiaro::nn {

void Reach::through_conv(std::int64_t kernel, std::int64_t count) {
  const std::int64_t radius = (kernel - 1) / 2;
  low -= radius * count;
  high += radius * count;
}

void Reach::through_down2() {
  low = 2 * low;
  high = 2 * high + 1;
}

void Reach::through_up2() {
  // Halving rounded down, also below zero.
  low = low >> 1;
  high = high >> 1;
}

}  // namespace chiaro::nn
