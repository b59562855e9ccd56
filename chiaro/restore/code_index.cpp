#include "chiaro/restore/code_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/sha256.h"
#include "chiaro/base/version.h"
#include "chiaro/restore/picture_encoder.h"

namespace chiaro::restore {
namespace {

using bundle::Dtype;

constexpr std::string_view kIndexFormat = "chiaro codes 1";
/// In front of what the digest of an encoder is over: to be raised where views are cut otherwise.
constexpr std::string_view kCodeVersion = "codes 1";
constexpr double kLengthTolerance = 1e-3;

/// Texts one behind the other, and where each ends.
struct TextList {
  std::string bytes;
  std::vector<std::int64_t> ends;

  void add(const std::string& text) {
    bytes += text;
    ends.push_back(static_cast<std::int64_t>(bytes.size()));
  }
};

/// Reads the tensors of an index.
class IndexReader {
 public:
  IndexReader(std::vector<std::byte> bytes, const std::string& origin)
      : origin_(origin), file_(parsed(std::move(bytes), origin)) {}

  [[noreturn]] static void refuse(const std::string& origin, std::string_view why) {
    fail(ErrorCode::Input,
         "[restore.code_index] '{}' is damaged or no index of codes: {}; expected a file that "
         "chiaro retrieve wrote",
         origin, why);
  }
  [[noreturn]] void refuse(std::string_view why) const { refuse(origin_, why); }

  std::string said(std::string_view key) const {
    const auto found = file_.metadata().find(key);
    if (found == file_.metadata().end()) refuse(fmt::format("it does not say its {}", key));
    return found->second;
  }

  const bundle::TensorMap& tensors() const { return file_.tensors(); }

  template <typename Value>
  std::vector<Value> values(std::string_view name, Dtype dtype, std::vector<std::int64_t> shape) {
    const bundle::TensorBytes& tensor = found(name, dtype);
    if (tensor.shape != shape) refuse(fmt::format("'{}' has another shape than it should", name));
    std::vector<Value> copy(tensor.bytes.size() / sizeof(Value));
    if (!copy.empty()) std::memcpy(copy.data(), tensor.bytes.data(), tensor.bytes.size());
    return copy;
  }

  std::string text(std::string_view name) {
    const bundle::TensorBytes& tensor = found(name, Dtype::U8);
    return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
  }

  std::vector<std::string> texts(const std::string& name, std::int64_t count) {
    const std::string all = text(name);
    std::vector<std::string> list;
    std::int64_t begin = 0;
    for (const std::int64_t end :
         values<std::int64_t>(name + "_ends", Dtype::I64, std::vector{count})) {
      if (end < begin || end > static_cast<std::int64_t>(all.size()))
        refuse(fmt::format("'{}' does not end where it says", name));
      list.push_back(
          all.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
      begin = end;
    }
    if (begin != static_cast<std::int64_t>(all.size()))
      refuse(fmt::format("'{}' does not end where it says", name));
    return list;
  }

  std::int64_t rows() {
    const bundle::TensorBytes& stamps = found("stamps", Dtype::I64);
    if (stamps.shape.size() != 2) refuse("'stamps' has another shape than it should");
    return stamps.shape[0];
  }

 private:
  static bundle::Safetensors parsed(std::vector<std::byte> bytes, const std::string& origin) {
    try {
      return bundle::Safetensors::parse(std::move(bytes), origin);
    } catch (const Error&) {
      refuse(origin, "its header and its length do not fit");
    }
  }

  const bundle::TensorBytes& found(std::string_view name, Dtype dtype) const {
    const auto place = file_.tensors().find(name);
    if (place == file_.tensors().end() || place->second.dtype != dtype)
      refuse(fmt::format("'{}' is missing or of another type", name));
    return place->second;
  }

  std::string origin_;
  bundle::Safetensors file_;
};

bool has_length_one(std::span<const float> code) {
  double square = 0;
  for (const float value : code) square += double{value} * double{value};
  return std::abs(square - 1) < kLengthTolerance;  // false for NaN
}

std::int64_t signed_size(std::size_t size) {
  return static_cast<std::int64_t>(size);
}

}  // namespace

std::size_t CodeLayout::before(std::size_t part) const {
  return static_cast<std::size_t>(std::accumulate(
      parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(part), std::int64_t{0},
      [](std::int64_t sum, const bundle::CodePart& one) { return sum + one.width; }));
}

std::size_t CodeLayout::width() const {
  return before(parts.size());
}

CodeLayout code_layout(const bundle::Manifest& manifest, const std::string& origin) {
  const bundle::CodeInfo& info = code_info(manifest, origin);
  const auto graph = manifest.members.find(bundle::kEncodeMember);
  CHIARO_CHECK(graph != manifest.members.end(), Bundle,
               "[restore.code_layout] bundle '{}' has no {}", origin, bundle::kEncodeMember);
  std::string all = fmt::format("{}\n{}\nviews {} x {} px, whole {} px\n", kCodeVersion,
                                graph->second.sha256, info.max_views, info.view_px, info.whole_px);
  for (const bundle::CodePart& part : info.parts)
    all += fmt::format("{} {} {}\n", part.width, part.whole ? "whole" : "native", part.name);
  return {sha256_hex(std::as_bytes(std::span(all))), info.parts};
}

FileStamp stamp_of(const FileState& state) {
  return {state.size, state.seconds, state.nanoseconds};
}

CodeIndex::CodeIndex(CodeLayout layout, std::string folder)
    : layout_(std::move(layout)), folder_(std::move(folder)) {}

std::size_t CodeIndex::faults() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(rows_, [](const Row& row) { return !row.fault.empty(); }));
}

std::size_t CodeIndex::find(const std::string& name) const {
  const auto found = std::ranges::find(
      rows_, name, [](const Row& row) -> const std::string& { return row.picture.name; });
  return static_cast<std::size_t>(found - rows_.begin());
}

std::span<const float> CodeIndex::code(std::size_t row, std::size_t part) const {
  return std::span(codes_).subspan(row * layout_.width() + layout_.before(part),
                                   static_cast<std::size_t>(layout_.parts[part].width));
}

void CodeIndex::add(FolderPicture picture, std::span<const float> codes) {
  CHIARO_CHECK(codes.size() == layout_.width(), Internal,
               "[restore.code_index] a code of {} values; expected {}", codes.size(),
               layout_.width());
  codes_.insert(codes_.end(), codes.begin(), codes.end());
  rows_.push_back({std::move(picture), ""});
}

void CodeIndex::add_fault(FolderPicture picture, std::string fault) {
  codes_.resize(codes_.size() + layout_.width());
  rows_.push_back({std::move(picture), fault.empty() ? "unknown" : std::move(fault)});
}

CodeIndex CodeIndex::only(std::span<const FolderPicture> pictures, std::string folder) const {
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < rows_.size(); ++i) places.emplace(rows_[i].picture.name, i);
  CodeIndex chosen(layout_, std::move(folder));
  for (const FolderPicture& picture : pictures) {
    const auto place = places.find(picture.name);
    if (place == places.end() || rows_[place->second].picture.stamp != picture.stamp) continue;
    const Row& row = rows_[place->second];
    if (row.fault.empty()) {
      chosen.add(picture,
                 std::span(codes_).subspan(place->second * layout_.width(), layout_.width()));
    } else {
      chosen.add_fault(picture, row.fault);
    }
  }
  return chosen;
}

std::vector<std::byte> CodeIndex::bytes() const {
  std::vector<std::size_t> order(rows_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {},
                    [&](std::size_t i) { return std::string_view(rows_[i].picture.name); });
  std::vector<float> codes;
  std::vector<std::int64_t> stamps;
  TextList names;
  TextList faults;
  for (const std::size_t i : order) {
    const auto own = std::span(codes_).subspan(i * layout_.width(), layout_.width());
    codes.insert(codes.end(), own.begin(), own.end());
    const FileStamp& stamp = rows_[i].picture.stamp;
    stamps.insert(stamps.end(), {stamp.size, stamp.seconds, stamp.nanoseconds});
    names.add(rows_[i].picture.name);
    faults.add(rows_[i].fault);
  }
  const std::int64_t count = signed_size(rows_.size());
  const auto put_text = [](const std::string& text) -> bundle::TensorBytes {
    return {Dtype::U8, {signed_size(text.size())}, std::as_bytes(std::span(text))};
  };
  const auto put_ends = [&](const TextList& list) -> bundle::TensorBytes {
    return {Dtype::I64, {count}, std::as_bytes(std::span(list.ends))};
  };
  const bundle::TensorMap tensors{
      {"codes",
       {Dtype::F32, {count, signed_size(layout_.width())}, std::as_bytes(std::span(codes))}},
      {"stamps", {Dtype::I64, {count, 3}, std::as_bytes(std::span(stamps))}},
      {"names", put_text(names.bytes)},
      {"names_ends", put_ends(names)},
      {"faults", put_text(faults.bytes)},
      {"faults_ends", put_ends(faults)},
      {"folder", put_text(folder_)}};
  return bundle::serialize_safetensors(tensors, {{"format", std::string(kIndexFormat)},
                                                 {"encoder", layout_.encoder},
                                                 {"program", version()},
                                                 {"digest", index_digest(tensors)}});
}

CodeIndex CodeIndex::parse(std::vector<std::byte> bytes, const CodeLayout& layout,
                           const std::string& origin) {
  IndexReader reader(std::move(bytes), origin);
  if (const std::string format = reader.said("format"); format != kIndexFormat)
    reader.refuse(fmt::format("its format is not '{}'", kIndexFormat));
  CHIARO_CHECK(reader.said("encoder") == layout.encoder, Bundle,
               "[restore.code_index] '{}' holds codes of another encoder, which cannot be compared "
               "with those of this bundle; got {:.12}; expected {:.12}",
               origin, reader.said("encoder"), layout.encoder);
  if (reader.said("digest") != index_digest(reader.tensors()))
    reader.refuse("its digest is not that of its content");

  const std::int64_t count = reader.rows();
  const auto width = signed_size(layout.width());
  const auto codes = reader.values<float>("codes", Dtype::F32, {count, width});
  const auto stamps = reader.values<std::int64_t>("stamps", Dtype::I64, {count, 3});
  const auto names = reader.texts("names", count);
  const auto faults = reader.texts("faults", count);
  if (std::ranges::adjacent_find(names, std::ranges::greater_equal()) != names.end() ||
      (count > 0 && names.front().empty()))
    reader.refuse("its names are not in order");

  const bool may_know_better = reader.said("program") != version();
  CodeIndex index(layout, reader.text("folder"));
  for (std::size_t i = 0; i < names.size(); ++i) {
    FolderPicture picture{names[i], {stamps[3 * i], stamps[3 * i + 1], stamps[3 * i + 2]}};
    if (!faults[i].empty()) {
      if (!may_know_better) index.add_fault(std::move(picture), faults[i]);
      continue;
    }
    const std::size_t row = index.rows_.size();
    index.add(std::move(picture), std::span(codes).subspan(i * layout.width(), layout.width()));
    for (std::size_t part = 0; part < layout.parts.size(); ++part) {
      if (!has_length_one(index.code(row, part))) reader.refuse("a code is not of length 1");
    }
  }
  return index;
}

std::string index_digest(const bundle::TensorMap& tensors) {
  std::string all;
  for (const auto& [name, tensor] : tensors) {
    all += fmt::format("{} {}", name, bundle::dtype_name(tensor.dtype));
    for (const std::int64_t side : tensor.shape) all += fmt::format(" {}", side);
    all += fmt::format(" {}\n", sha256_hex(tensor.bytes));
  }
  return sha256_hex(std::as_bytes(std::span(all)));
}

std::vector<Neighbour> nearest(const CodeIndex& index, std::size_t part,
                               std::span<const float> query, std::size_t count,
                               const std::function<bool(const FolderPicture&)>& left_out) {
  const auto& rows = index.rows();
  std::vector<Neighbour> found;
  found.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].fault.empty() || (left_out && left_out(rows[i].picture))) continue;
    found.push_back({i, cosine(query, index.code(i, part))});
  }
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(count, found.size()));
  std::ranges::partial_sort(found, end, [&](const Neighbour& a, const Neighbour& b) {
    return a.cosine != b.cosine ? a.cosine > b.cosine
                                : rows[a.row].picture.name < rows[b.row].picture.name;
  });
  found.erase(end, found.end());
  return found;
}

}  // namespace chiaro::restore
