#include "chiaro/methods/key_queue.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "chiaro/base/error.h"
#include "chiaro/nn/layers.h"

namespace chiaro::methods {

KeyQueue::KeyQueue(std::int64_t size, std::int64_t dimension, std::int64_t note_width) {
  keys_ = register_buffer("keys", nn::unit_rows(at::randn({size, dimension})));
  notes_ = register_buffer("notes", at::zeros({size, note_width}));
  pushed_ = register_buffer("pushed", at::zeros({1}, at::TensorOptions(at::kLong)));
}

void KeyQueue::push(const at::Tensor& keys, const at::Tensor& notes) {
  CHIARO_CHECK(keys.dim() == 2 && keys.size(1) == keys_.size(1) && notes.dim() == 2 &&
                   notes.size(0) == keys.size(0) && notes.size(1) == notes_.size(1),
               Internal, "[methods.key_queue] expected keys (N,{}) and notes (N,{})", keys_.size(1),
               notes_.size(1));
  const at::NoGradGuard no_grad;
  const std::int64_t size = keys_.size(0);
  const std::int64_t count = std::min(keys.size(0), size);
  const auto place = (pushed_ + at::arange(count, pushed_.options())).remainder(size);
  keys_.index_copy_(0, place, keys.slice(0, keys.size(0) - count));
  notes_.index_copy_(0, place, notes.slice(0, keys.size(0) - count));
  pushed_.add_(count);
}

std::int64_t KeyQueue::filled() const {
  return std::min(pushed_.item<std::int64_t>(), keys_.size(0));
}

}  // namespace chiaro::methods
