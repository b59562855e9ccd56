// Frozen bundles with test vectors beside them, which are left in the build folder:
// tools/check_onnx.py compares them with ONNX Runtime.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "chiaro/bundle/bundle.h"
#include "chiaro/bundle/safetensors.h"

namespace chiaro::freeze {

class KeptVectors {
 public:
  /// Named as in selftest.safetensors. `tensor`: float32.
  void keep(const std::string& name, const at::Tensor& tensor) {
    kept_.push_back(tensor.contiguous());
    const auto* first = static_cast<const std::byte*>(kept_.back().const_data_ptr());
    vectors_[name] = {bundle::Dtype::F32, tensor.sizes().vec(), {first, kept_.back().nbytes()}};
  }

  /// Writes NAME.chiaro and NAME.safetensors.
  void leave(const std::string& name, const bundle::Bundle& frozen) const {
    const std::filesystem::path folder = std::filesystem::path(CHIARO_BUILD_DIR) / "frozen";
    std::filesystem::create_directories(folder);
    bundle::write_bundle(folder / (name + ".chiaro"), frozen.manifest, frozen.members);
    bundle::write_safetensors(folder / (name + ".safetensors"), vectors_);
  }

 private:
  std::vector<at::Tensor> kept_;  // owns what `vectors_` views
  bundle::TensorMap vectors_;
};

}  // namespace chiaro::freeze
