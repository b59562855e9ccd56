// What training needs to go on, as one safetensors file: tensors by name, and texts, integers and
// numbers in the file's metadata. Knows names and tensors, no network.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace chiaro::checkpoint {

/// Named contents. Names are UTF-8, not empty; by custom dotted paths ("network.stem.weight",
/// "optimizer.0.lr").
struct Checkpoint {
  std::map<std::string, at::Tensor>
      tensors;  ///< any strided tensor of F64 F32 F16 BF16 I64 I32 U8 BOOL
  std::map<std::string, std::string> texts;  ///< UTF-8
  std::map<std::string, std::int64_t> integers;
  std::map<std::string, double>
      numbers;  ///< any double, NaN and infinities included; kept bit for bit
};

/// Writes one safetensors file atomically, with a checksum over everything in it. The same contents
/// give the same bytes. Errors: Output (cannot be written), Internal (a name or text that is not
/// UTF-8, a type not listed above).
void save(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Reads what save wrote: tensors are contiguous, on the CPU. Errors: Input (missing,
/// unreadable), Bundle naming the file (truncated, malformed, not a checkpoint, checksum differs).
Checkpoint load(const std::filesystem::path& path);

/// Does `name` lie below `prefix`, that is, does it start with "prefix."? The empty prefix holds
/// every name.
bool is_below(const std::string& name, const std::string& prefix);

/// "prefix.name", or "name" below the empty prefix.
std::string below(const std::string& prefix, const std::string& name);

}  // namespace chiaro::checkpoint
