// Weights that others trained, by name, for networks that stay as they are.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace chiaro::nn {

/// float32 tensors by name, on the CPU.
using NamedWeights = std::map<std::string, at::Tensor, std::less<>>;

/// The tensors of a safetensors file; F16 and BF16 are widened, other types are left out. Errors:
/// Input (missing, unreadable), Bundle (damaged).
NamedWeights read_safetensors_weights(const std::filesystem::path& file);

/// Copies the tensor of the same name into each parameter of the module; further tensors are
/// ignored. Everything is checked before anything is changed. Errors: Bundle, in one sentence, for
/// the first parameter that `weights` lacks or has in another shape, naming `origin`.
void fill_weights(torch::nn::Module& module, const NamedWeights& weights,
                  const std::string& origin);

/// One convolution of an ncnn network.
struct NcnnConvolution {
  std::string name;
  at::Tensor weight;  ///< (out,in,k,k) float32
  at::Tensor bias;    ///< (out) float32
};

/// The convolutions of an ncnn network in the order of its lines: `param_file` is its text
/// (NAME.param), the weights lie in the file of the same name ending in .bin, as float16 or
/// float32. Errors: Input (missing, unreadable), Bundle (not such a pair, sizes that contradict
/// each other).
std::vector<NcnnConvolution> read_ncnn_convolutions(const std::filesystem::path& param_file);

}  // namespace chiaro::nn
