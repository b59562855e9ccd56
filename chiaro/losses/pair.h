// What all losses do at their door.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/TensorOperators.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cstdint>

namespace chiaro::losses {

/// Output and target, checked and in at least float32. While a Pair lives, autocast is off on this
/// thread: a loss in bfloat16 would be rounded to three digits.
class Pair {
 public:
  /// `loss` names the caller in errors. Errors: Internal unless both tensors are defined, real, not
  /// empty and of one shape.
  Pair(const char* loss, const at::Tensor& output, const at::Tensor& target);

  /// Errors: Internal unless the tensors are (N,C,H,W) with sides of at least min_side_px.
  void expect_pictures(std::int64_t min_side_px) const;

  const at::Tensor& output() const { return output_; }
  const at::Tensor& target() const { return target_; }
  at::Tensor difference() const { return output_ - target_; }

 private:
  c10::impl::ExcludeDispatchKeyGuard no_autocast_{c10::autocast_dispatch_keyset};
  const char* loss_;
  at::Tensor output_;
  at::Tensor target_;
};

}  // namespace chiaro::losses
