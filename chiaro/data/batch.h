// What data hands to a method.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace chiaro::data {

/// N samples, stacked. Letters: N batch, C channels, H, W height and width.
struct Batch {
  at::Tensor input;   ///< (N,3,H,W) float32 in [0,1]: the damaged crops
  at::Tensor target;  ///< (N,3,sH,sW) float32 in [0,1]: the clean crops; undefined for unpaired and
                      ///< unlabelled data
  at::Tensor context;  ///< (N,3,W,W): the damaged window that `input` was cut from, W >= H; `input`
                       ///< itself where data.context_px does not ask for more
  at::Tensor context_target;  ///< (N,3,sW,sW): its clean counterpart
  at::Tensor unpaired;  ///< (N,3,sH,sW): clean crops of other pictures; undefined unless there are
                        ///< sources of kind "unpaired"
  at::Tensor task;      ///< (N) int64: index into the data's list of task names
  at::Tensor severity;  ///< (N) float32 in [0,1]: of the strongest damage; 0.5 where unknown
  at::Tensor kinds;     ///< (N,K) bool: which kinds of damage the sample has; K and the names by
                        ///< Dataset::kinds()
  at::Tensor severities;  ///< (N,K) float32 in [0,1] of each kind; 0 where absent, −1 where unknown
  at::Tensor source;      ///< (N) int64: which data source each sample came from (domain)
  at::Tensor
      content;  ///< (N) int64: which picture each sample shows; equal numbers show the same scene
  std::vector<std::uint64_t> seeds;  ///< of each sample: enough to make it again
  std::vector<std::string> origins;  ///< file and damage of each sample, for messages

  /// The tensors of pictures and of labels, undefined ones too.
  std::array<at::Tensor*, 5> pictures() {
    return {&input, &target, &unpaired, &context, &context_target};
  }
  std::array<at::Tensor*, 6> labels() {
    return {&task, &severity, &kinds, &severities, &source, &content};
  }
};

/// What a method needs in a batch beside the damaged crops.
struct ViewSpec {
  bool needs_target = true;  ///< false: data without clean counterparts is allowed
};

}  // namespace chiaro::data
