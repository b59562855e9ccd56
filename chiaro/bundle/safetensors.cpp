#include "chiaro/bundle/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/text.h"

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian");

namespace chiaro::bundle {
namespace {

using Header = nlohmann::json;

struct DtypeFacts {
  Dtype dtype;
  std::string_view name;
  std::size_t size;
};

constexpr std::array<DtypeFacts, 13> kDtypes = {{{Dtype::Bool, "BOOL", 1},
                                                 {Dtype::U8, "U8", 1},
                                                 {Dtype::I8, "I8", 1},
                                                 {Dtype::U16, "U16", 2},
                                                 {Dtype::I16, "I16", 2},
                                                 {Dtype::F16, "F16", 2},
                                                 {Dtype::Bf16, "BF16", 2},
                                                 {Dtype::U32, "U32", 4},
                                                 {Dtype::I32, "I32", 4},
                                                 {Dtype::F32, "F32", 4},
                                                 {Dtype::U64, "U64", 8},
                                                 {Dtype::I64, "I64", 8},
                                                 {Dtype::F64, "F64", 8}}};

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // as the reference implementation

const DtypeFacts& facts(Dtype dtype) {
  return *std::find_if(kDtypes.begin(), kDtypes.end(),
                       [dtype](const DtypeFacts& entry) { return entry.dtype == dtype; });
}

/// Elements times size, or nothing when it does not fit 63 bits.
bool tensor_bytes(const std::vector<std::int64_t>& shape, std::size_t element,
                  std::uint64_t& bytes) {
  bytes = element;
  for (const std::int64_t side : shape) {
    if (side < 0) return false;
    const auto factor = static_cast<std::uint64_t>(side);
    if (factor != 0 && bytes > (std::uint64_t{1} << 62) / factor) return false;
    bytes *= factor;
  }
  return true;
}

/// One entry of the header, checked against the length of the data.
TensorBytes parse_entry(const std::string& origin, const std::string& name, const Header& entry,
                        std::span<const std::byte> data, std::uint64_t& begin) {
  const auto damaged = [&](const char* what) {
    fail(ErrorCode::Bundle, "[bundle.safetensors] '{}' is damaged: tensor '{}' {}", origin, name,
         what);
  };
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets")) {
    damaged("lacks dtype, shape or data_offsets");
  }
  const Header& dtype = entry["dtype"];
  const auto* known =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const DtypeFacts& candidate) {
        return dtype.is_string() && candidate.name == dtype.get_ref<const std::string&>();
      });
  if (known == kDtypes.end()) damaged("has an unknown dtype");
  TensorBytes tensor;
  tensor.dtype = known->dtype;
  if (!entry["shape"].is_array()) damaged("has a shape that is no list");
  for (const Header& side : entry["shape"]) {
    if (!side.is_number_unsigned() ||
        side.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      damaged("has a side that is no size");
    }
    tensor.shape.push_back(side.get<std::int64_t>());
  }
  const Header& offsets = entry["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    damaged("has no pair of offsets");
  }
  begin = offsets[0].get<std::uint64_t>();
  const auto end = offsets[1].get<std::uint64_t>();
  if (begin > end || end > data.size()) damaged("lies outside the file");
  std::uint64_t expected = 0;
  if (!tensor_bytes(tensor.shape, known->size, expected) || expected != end - begin) {
    damaged("has a length that is not its shape's");
  }
  tensor.bytes = data.subspan(begin, end - begin);
  return tensor;
}

}  // namespace

std::size_t dtype_size(Dtype dtype) {
  return facts(dtype).size;
}

std::string_view dtype_name(Dtype dtype) {
  return facts(dtype).name;
}

Safetensors Safetensors::parse(std::vector<std::byte> bytes, const std::string& origin) {
  Safetensors file;
  file.origin_ = origin;
  file.bytes_ = std::move(bytes);
  const std::span<const std::byte> all(file.bytes_);
  CHIARO_CHECK(all.size() >= kLengthBytes, Bundle,
               "[bundle.safetensors] '{}' is damaged; got {} bytes; expected a header", origin,
               all.size());
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, all.data(), kLengthBytes);
  CHIARO_CHECK(header_bytes <= kMaxHeaderBytes && header_bytes <= all.size() - kLengthBytes, Bundle,
               "[bundle.safetensors] '{}' is damaged; its header claims {} bytes of {}", origin,
               header_bytes, all.size() - kLengthBytes);
  const auto* text = reinterpret_cast<const char*>(all.data() + kLengthBytes);
  std::set<std::string> names;
  bool twice = false;  // the parser by itself would let the last of two like names win
  const auto note_name = [&](int depth, Header::parse_event_t event, const Header& value) {
    if (depth == 1 && event == Header::parse_event_t::key) {
      twice = twice || !names.insert(value.get<std::string>()).second;
    }
    return true;
  };
  const Header header =
      Header::parse(text, text + header_bytes, note_name, /*allow_exceptions=*/false);
  CHIARO_CHECK(header.is_object(), Bundle,
               "[bundle.safetensors] '{}' is damaged: its header is no JSON object", origin);
  CHIARO_CHECK(!twice, Bundle, "[bundle.safetensors] '{}' is damaged: a tensor's name stands twice",
               origin);
  const auto data = all.subspan(kLengthBytes + header_bytes);

  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;  // begin, length
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.items()) {
        CHIARO_CHECK(entry.is_object() && value.is_string(), Bundle,
                     "[bundle.safetensors] '{}' is damaged: its metadata is not text", origin);
        file.metadata_[key] = value.get<std::string>();
      }
      continue;
    }
    std::uint64_t begin = 0;
    auto tensor = parse_entry(origin, name, entry, data, begin);
    places.emplace_back(begin, tensor.bytes.size());
    file.tensors_.emplace(name, std::move(tensor));
  }
  std::sort(places.begin(), places.end());
  std::uint64_t reached = 0;
  for (const auto& [begin, length] : places) {
    CHIARO_CHECK(begin == reached, Bundle,
                 "[bundle.safetensors] '{}' is damaged: tensors overlap or leave a gap at byte {}",
                 origin, reached);
    reached = begin + length;
  }
  CHIARO_CHECK(reached == data.size(), Bundle,
               "[bundle.safetensors] '{}' is damaged: {} bytes belong to no tensor", origin,
               data.size() - reached);
  return file;
}

Safetensors Safetensors::read(const std::filesystem::path& path) {
  return parse(read_file(path, std::size_t{1} << 36), path.string());
}

const TensorBytes& Safetensors::tensor(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    std::vector<std::string> known;
    for (const auto& [key, value] : tensors_) known.push_back(key);
    fail(ErrorCode::Bundle, "[bundle.safetensors] '{}' has no tensor '{}'{}", origin_, name,
         did_you_mean(name, known));
  }
  return found->second;
}

std::vector<std::byte> serialize_safetensors(const TensorMap& tensors,
                                             const TensorMetadata& metadata) {
  std::vector<const TensorMap::value_type*> order;
  for (const auto& entry : tensors) {
    std::uint64_t expected = 0;
    const bool fits = tensor_bytes(entry.second.shape, dtype_size(entry.second.dtype), expected);
    CHIARO_CHECK(fits && expected == entry.second.bytes.size() && entry.first != "__metadata__",
                 Internal, "[bundle.safetensors] tensor '{}' has {} bytes; expected {}",
                 entry.first, entry.second.bytes.size(), expected);
    order.push_back(&entry);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto* left, const auto* right) {
    return dtype_size(left->second.dtype) > dtype_size(right->second.dtype);
  });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto* entry : order) {
    const auto& [name, tensor] = *entry;
    header[name] = {{"dtype", dtype_name(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::Internal, "[bundle.safetensors] a tensor name or its metadata is not UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');

  std::vector<std::byte> bytes(kLengthBytes + text.size() + offset);
  const std::uint64_t header_bytes = text.size();
  std::memcpy(bytes.data(), &header_bytes, kLengthBytes);
  std::memcpy(bytes.data() + kLengthBytes, text.data(), text.size());
  std::byte* target = bytes.data() + kLengthBytes + text.size();
  for (const auto* entry : order) {
    const auto source = entry->second.bytes;
    if (!source.empty()) std::memcpy(target, source.data(), source.size());
    target += source.size();
  }
  return bytes;
}

void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const TensorMetadata& metadata) {
  write_file_atomically(path, serialize_safetensors(tensors, metadata));
}

}  // namespace chiaro::bundle
