// Weights from a seed of one's own, without a trace in torch's default generator.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace chiaro::nn {

/// While this lives, torch's default generator of the CPU draws from `seed`; then it goes on as if
/// nothing had been drawn. Initial weights are drawn from that generator, so what is built inside
/// the scope leaves everything outside it as it was.
class GeneratorScope {
 public:
  explicit GeneratorScope(std::uint64_t seed);
  ~GeneratorScope();
  GeneratorScope(const GeneratorScope&) = delete;
  GeneratorScope& operator=(const GeneratorScope&) = delete;

 private:
  at::Generator generator_;
  at::Tensor kept_;
};

}  // namespace chiaro::nn
