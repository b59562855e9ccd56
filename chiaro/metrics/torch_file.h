// Tensors in files that PyTorch wrote before version 1.6.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace chiaro::metrics {

struct TorchTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;  ///< row-major
};

/// The named float32 tensors of a state dictionary in PyTorch's legacy format: five pickles, then
/// the storages. What the pickles name is never looked up or run: only numbers, texts and the two
/// calls that rebuild tensors mean anything here. Errors: Input, naming the file (missing, the zip
/// format of later versions, anything else in it, damaged).
std::map<std::string, TorchTensor, std::less<>> read_torch_file(const std::filesystem::path& path);

}  // namespace chiaro::metrics
