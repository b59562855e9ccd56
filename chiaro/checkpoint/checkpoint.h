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

/// Reads what save or save_light wrote: tensors are contiguous, on the CPU. Errors: Input (missing,
/// unreadable), Bundle naming the file (truncated, malformed, not a checkpoint, checksum differs).
Checkpoint load(const std::filesystem::path& path);

/// How save_light stores float32 tensors. Other types are stored as they are.
enum class LightPrecision { F32, Bf16 };

/// Writes only the tensors below `prefix` (see module_state.h). Texts, integers and numbers are
/// kept, except those whose first name part ("optimizer" of "optimizer.0.lr") is that of tensors
/// left out. Errors: as save, and Bundle (no tensor below the prefix), Resource (the file would be
/// larger than max_bytes; nothing is written).
void save_light(const std::filesystem::path& path, const Checkpoint& checkpoint,
                const std::string& prefix, LightPrecision precision, std::uint64_t max_bytes);

/// Reads what save_light wrote; where it stored bfloat16, every such tensor is widened to float32.
/// Errors: as load.
Checkpoint load_light(const std::filesystem::path& path);

/// Does `name` lie below `prefix`, that is, does it start with "prefix."? The empty prefix holds
/// every name.
bool is_below(const std::string& name, const std::string& prefix);

/// "prefix.name", or "name" below the empty prefix.
std::string below(const std::string& prefix, const std::string& name);

}  // namespace chiaro::checkpoint
