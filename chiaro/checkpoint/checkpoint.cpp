#include "chiaro/checkpoint/checkpoint.h"

#include <ATen/ops/empty.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/bundle/safetensors.h"

namespace chiaro::checkpoint {
namespace {

using bundle::Dtype;

// Metadata keys: values carry the kind of value in front of their name.
constexpr std::string_view kText = "text:";
constexpr std::string_view kInteger = "integer:";
constexpr std::string_view kNumber = "number:";
constexpr const char* kFormatKey = "chiaro.format";
constexpr const char* kFormat = "checkpoint 1";
constexpr const char* kChecksumKey = "chiaro.checksum";

constexpr std::array<std::pair<Dtype, at::ScalarType>, 8> kTypes = {{{Dtype::F64, at::kDouble},
                                                                     {Dtype::F32, at::kFloat},
                                                                     {Dtype::F16, at::kHalf},
                                                                     {Dtype::Bf16, at::kBFloat16},
                                                                     {Dtype::I64, at::kLong},
                                                                     {Dtype::I32, at::kInt},
                                                                     {Dtype::U8, at::kByte},
                                                                     {Dtype::Bool, at::kBool}}};

std::string hex(std::uint64_t value) {
  return fmt::format("{:016x}", value);
}

/// A hash of everything in the file: of each tensor's name, type, shape and bytes, and of the
/// metadata.
std::string checksum(const bundle::TensorMap& tensors, const bundle::TensorMetadata& metadata) {
  std::string listing;
  const auto add = [&listing](std::string_view part) {
    listing += fmt::format("{}:", part.size());
    listing += part;
  };
  for (const auto& [name, tensor] : tensors) {
    add(name);
    add(bundle::dtype_name(tensor.dtype));
    for (const std::int64_t side : tensor.shape) listing += fmt::format("{},", side);
    const auto* bytes = reinterpret_cast<const char*>(tensor.bytes.data());
    add(hex(stable_hash(std::string_view(bytes, tensor.bytes.size()))));
  }
  listing += ";";
  for (const auto& [key, value] : metadata) {
    if (key == kChecksumKey) continue;
    add(key);
    add(value);
  }
  return hex(stable_hash(listing));
}

bundle::TensorMetadata to_metadata(const Checkpoint& checkpoint) {
  bundle::TensorMetadata metadata = {{kFormatKey, kFormat}};
  const auto key = [](std::string_view kind, const std::string& name) {
    CHIARO_CHECK(!name.empty(), Internal, "[checkpoint.save] a value has no name");
    return std::string(kind) + name;
  };
  for (const auto& [name, value] : checkpoint.texts) metadata[key(kText, name)] = value;
  for (const auto& [name, value] : checkpoint.integers)
    metadata[key(kInteger, name)] = fmt::format("{}", value);
  // The bits in hexadecimal: exact for every double, NaN payloads included.
  for (const auto& [name, value] : checkpoint.numbers) {
    metadata[key(kNumber, name)] = hex(std::bit_cast<std::uint64_t>(value));
  }
  return metadata;
}

/// Reads one value from the whole of `text`, or says that the file is damaged.
template <typename T>
T parse(const std::string& text, int base, const std::string& origin, const std::string& key) {
  T value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, base);
  CHIARO_CHECK(result.ec == std::errc() && result.ptr == text.data() + text.size(), Bundle,
               "[checkpoint.load] '{}' is damaged: {} has the value '{}'", origin, key, text);
  return value;
}

at::Tensor to_tensor(const bundle::TensorBytes& stored, const std::string& origin,
                     const std::string& name) {
  for (const auto& [dtype, scalar] : kTypes) {
    if (dtype != stored.dtype) continue;
    const auto source = stored.bytes;
    if (dtype == Dtype::Bool) {
      for (const std::byte value : source) {
        CHIARO_CHECK(value <= std::byte{1}, Bundle,
                     "[checkpoint.load] '{}' is damaged: '{}' is not boolean", origin, name);
      }
    }
    at::Tensor tensor = at::empty(stored.shape, at::TensorOptions().dtype(scalar));
    if (!source.empty()) std::memcpy(tensor.data_ptr(), source.data(), source.size());
    return tensor;
  }
  fail(ErrorCode::Bundle, "[checkpoint.load] '{}' is not a checkpoint: tensor '{}' has type {}",
       origin, name, bundle::dtype_name(stored.dtype));
}

/// The file's bytes.
std::vector<std::byte> serialize(const Checkpoint& checkpoint) {
  bundle::TensorMap views;
  std::vector<at::Tensor> owners;  // keep the viewed bytes alive
  for (const auto& [name, tensor] : checkpoint.tensors) {
    CHIARO_CHECK(!name.empty(), Internal, "[checkpoint.save] a tensor has no name");
    CHIARO_CHECK(tensor.defined() && tensor.layout() == at::kStrided, Internal,
                 "[checkpoint.save] tensor '{}' is undefined or not strided", name);
    const at::Tensor plain = tensor.detach().to(at::kCPU).contiguous();
    const Dtype* found = nullptr;
    for (const auto& [dtype, scalar] : kTypes) {
      if (scalar == plain.scalar_type()) found = &dtype;
    }
    CHIARO_CHECK(found != nullptr, Internal,
                 "[checkpoint.save] tensor '{}' has type {}; expected a plain number", name,
                 at::toString(plain.scalar_type()));
    views[name] = {*found, plain.sizes().vec(),
                   std::span(static_cast<const std::byte*>(plain.data_ptr()), plain.nbytes())};
    owners.push_back(plain);
  }
  auto metadata = to_metadata(checkpoint);
  metadata[kChecksumKey] = checksum(views, metadata);
  return bundle::serialize_safetensors(views, metadata);
}

}  // namespace

void save(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  write_file_atomically(path, serialize(checkpoint));
}

Checkpoint load(const std::filesystem::path& path) {
  const std::string origin = path.string();
  const auto file = bundle::Safetensors::read(path);
  const auto& metadata = file.metadata();
  const auto format = metadata.find(kFormatKey);
  const auto stored_checksum = metadata.find(kChecksumKey);
  CHIARO_CHECK(
      format != metadata.end() && stored_checksum != metadata.end() && format->second == kFormat,
      Bundle, "[checkpoint.load] '{}' is not a checkpoint; got format '{}'; expected '{}'", origin,
      format == metadata.end() ? "" : format->second, kFormat);
  CHIARO_CHECK(stored_checksum->second == checksum(file.tensors(), metadata), Bundle,
               "[checkpoint.load] '{}' is damaged: its checksum differs", origin);

  Checkpoint checkpoint;
  for (const auto& [key, value] : metadata) {
    const auto name_after = [&key = key](std::string_view kind) { return key.substr(kind.size()); };
    if (key.starts_with(kText)) {
      checkpoint.texts[name_after(kText)] = value;
    } else if (key.starts_with(kInteger)) {
      checkpoint.integers[name_after(kInteger)] = parse<std::int64_t>(value, 10, origin, key);
    } else if (key.starts_with(kNumber)) {
      checkpoint.numbers[name_after(kNumber)] =
          std::bit_cast<double>(parse<std::uint64_t>(value, 16, origin, key));
    } else {
      CHIARO_CHECK(key == kFormatKey || key == kChecksumKey, Bundle,
                   "[checkpoint.load] '{}' is not a checkpoint: it holds '{}'", origin, key);
    }
  }
  for (const auto& [name, stored] : file.tensors())
    checkpoint.tensors[name] = to_tensor(stored, origin, name);
  return checkpoint;
}

bool is_below(const std::string& name, const std::string& prefix) {
  return prefix.empty() ||
         (name.size() > prefix.size() && name.starts_with(prefix) && name[prefix.size()] == '.');
}

std::string below(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

}  // namespace chiaro::checkpoint
