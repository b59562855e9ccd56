#include "apps/train/coded_samples.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace chiaro::apps {
namespace {

at::Tensor numbered(const at::Tensor& rows) {
  return std::get<1>(at::unique_dim(rows, 0, /*sorted=*/true, /*return_inverse=*/true));
}

}  // namespace

CodedSamples encode_samples(networks::Encoder& encoder, const std::vector<data::Batch>& batches,
                            Shown shown) {
  const at::NoGradGuard no_grad;
  const auto device = encoder.parameters().front().device();
  const bool training = encoder.is_training();
  encoder.eval();
  std::vector<at::Tensor> codes, kinds, scenes, severity, measured;
  for (const auto& batch : batches) {
    const at::Tensor code = shown == Shown::Crops
                                ? encoder.encode(batch.input.to(device))
                                : networks::encode_pictures(encoder, batch.context.to(device));
    codes.push_back(code.to(at::kCPU));
    kinds.push_back(batch.kinds.to(at::kLong));
    scenes.push_back(batch.content);
    severity.push_back(batch.severity);
    measured.push_back(batch.severities.ge(0).all(1).logical_and(batch.severity.gt(0)));
  }
  encoder.train(training);
  return {at::cat(codes), numbered(at::cat(kinds)), numbered(at::cat(scenes).unsqueeze(1)),
          at::cat(severity), at::cat(measured)};
}

std::int64_t count_of(const at::Tensor& numbers) {
  return numbers.max().item<std::int64_t>() + 1;
}

at::Tensor same(const at::Tensor& numbers) {
  return numbers.unsqueeze(0).eq(numbers.unsqueeze(1));
}

}  // namespace chiaro::apps
