// What contrast with a momentum encoder remembers: the codes of earlier samples.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

namespace chiaro::methods {

/// The latest Q keys of width D, each with a note of width A beside it; first in, first out. What
/// it holds lies in buffers.
class KeyQueue : public torch::nn::Module {
 public:
  /// Begins with random unit vectors and notes of 0, drawn from torch's default generator.
  KeyQueue(std::int64_t size, std::int64_t dimension, std::int64_t note_width);

  /// keys (N,D) and notes (N,A) take the places of the oldest ones; of more than Q the last Q stay.
  void push(const at::Tensor& keys, const at::Tensor& notes);

  const at::Tensor& keys() const { return keys_; }  ///< (Q,D), random ones among them at first

  /// What has been pushed and is still there: (n,D) and (n,A), n <= Q.
  at::Tensor filled_keys() const { return keys_.narrow(0, 0, filled()); }
  at::Tensor filled_notes() const { return notes_.narrow(0, 0, filled()); }
  std::int64_t filled() const;

 private:
  at::Tensor keys_;    // (Q,D), filled from the front
  at::Tensor notes_;   // (Q,A)
  at::Tensor pushed_;  // (1): keys ever kept
};

}  // namespace chiaro::methods
