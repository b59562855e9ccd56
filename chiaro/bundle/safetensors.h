// The safetensors format (huggingface.co/docs/safetensors): 8 bytes header length, JSON header, raw
// little-endian tensors. Knows bytes, shapes and types; runs nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chiaro::bundle {

/// The element types of the format.
enum class Dtype { Bool, U8, I8, U16, I16, F16, Bf16, U32, I32, F32, U64, I64, F64 };

/// Bytes of one element.
std::size_t dtype_size(Dtype dtype);

/// The format's name: "F32", "BF16", "BOOL", …
std::string_view dtype_name(Dtype dtype);

/// Type, shape and a view of the row-major little-endian values; whoever made it owns the bytes.
struct TensorBytes {
  Dtype dtype = Dtype::F32;
  std::vector<std::int64_t> shape;  ///< empty: a scalar
  std::span<const std::byte> bytes;
};

using TensorMap = std::map<std::string, TensorBytes, std::less<>>;
using TensorMetadata = std::map<std::string, std::string, std::less<>>;

/// A parsed file: it owns the bytes its tensors view, so it moves but does not copy.
class Safetensors {
 public:
  /// Checks everything before a tensor can be touched: header size, JSON, types, shapes (overflow),
  /// offsets (inside the file, equal to the shape's size, no overlap, no gap). Errors: Bundle;
  /// `origin` names the file in messages.
  static Safetensors parse(std::vector<std::byte> bytes, const std::string& origin);

  /// Errors: Input (unreadable), Bundle (damaged).
  static Safetensors read(const std::filesystem::path& path);

  Safetensors(Safetensors&&) noexcept = default;
  Safetensors& operator=(Safetensors&&) noexcept = default;
  Safetensors(const Safetensors&) = delete;
  Safetensors& operator=(const Safetensors&) = delete;

  const TensorMap& tensors() const { return tensors_; }
  const TensorMetadata& metadata() const { return metadata_; }  ///< the header's "__metadata__"

  /// Errors: Bundle, naming the nearest tensor that exists.
  const TensorBytes& tensor(std::string_view name) const;

 private:
  Safetensors() = default;
  std::string origin_;
  std::vector<std::byte> bytes_;
  TensorMap tensors_;
  TensorMetadata metadata_;
};

/// The file's bytes: the same input gives the same bytes. Wide types come first, so that every
/// tensor lies aligned to its element. Errors: Internal (a view's length does not equal its
/// shape's).
std::vector<std::byte> serialize_safetensors(const TensorMap& tensors,
                                             const TensorMetadata& metadata = {});

/// Writes atomically. Errors: Output.
void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const TensorMetadata& metadata = {});

}  // namespace chiaro::bundle
