#include "chiaro/metrics/npz.h"

#include <cstring>
#include <optional>
#include <string_view>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/zip.h"

namespace chiaro::metrics {
namespace {

constexpr std::string_view kArraySuffix = ".npy";
constexpr std::int64_t kMostValues = std::int64_t{1} << 24;

/// What follows "'key': " in the header, up to the next of `ends`.
std::string_view header_value(std::string_view header, std::string_view key, char end) {
  const auto at = header.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = header.substr(at + key.size());
  return trim(rest.substr(0, rest.find(end)));
}

std::optional<std::vector<std::int64_t>> shape_of(std::string_view header) {
  std::vector<std::int64_t> shape;
  std::int64_t count = 1;
  for (const std::string& part : split(header_value(header, "'shape': (", ')'), ',')) {
    const std::string side(trim(part));
    if (side.empty()) continue;
    if (side.size() > 8 || side.find_first_not_of("0123456789") != std::string::npos) return {};
    shape.push_back(std::stoll(side));
    count *= shape.back();
    if (count > kMostValues) return {};
  }
  return shape;
}

std::vector<double> by_rows(const std::vector<double>& columns, std::int64_t rows) {
  const auto height = static_cast<std::size_t>(rows);
  std::vector<double> values(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i)
    values[i % height * (columns.size() / height) + i / height] = columns[i];
  return values;
}

/// NPY format, version 1: magic, version, 16-bit length, a Python dictionary as text, the values.
std::optional<NpzArray> array_of(const std::vector<std::byte>& member) {
  constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
  constexpr std::size_t kFixed = 10;
  const std::string_view text(reinterpret_cast<const char*>(member.data()), member.size());
  if (text.size() < kFixed || !text.starts_with(kMagic)) return {};
  const auto length = static_cast<std::size_t>(std::to_integer<unsigned>(member[8]) |
                                               std::to_integer<unsigned>(member[9]) << 8U);
  if (text.size() < kFixed + length) return {};
  const std::string_view header = text.substr(kFixed, length);
  const auto order = header_value(header, "'fortran_order': ", ',');
  const bool by_columns = order == "True";
  const auto shape = shape_of(header);
  if (header_value(header, "'descr': ", ',') != "'<f8'" || (!by_columns && order != "False") ||
      !shape || (by_columns && shape->size() > 2)) {
    return {};
  }
  std::size_t count = 1;
  for (const std::int64_t side : *shape) count *= static_cast<std::size_t>(side);
  if (text.size() != kFixed + length + count * sizeof(double)) return {};
  NpzArray array{*shape, std::vector<double>(count)};
  if (count > 0)
    std::memcpy(array.values.data(), member.data() + kFixed + length, count * sizeof(double));
  if (by_columns && shape->size() == 2) array.values = by_rows(array.values, (*shape)[0]);
  return array;
}

}  // namespace

std::map<std::string, NpzArray, std::less<>> read_npz(const std::filesystem::path& path) {
  std::map<std::string, NpzArray, std::less<>> arrays;
  try {
    const bundle::ZipReader zip(path);
    for (const auto& [name, size] : zip.sizes()) {
      const auto array = array_of(zip.content(name));
      CHIARO_CHECK(array && name.ends_with(kArraySuffix), Input,
                   "[metrics.read_npz] '{}' in '{}' is no float64 array of NumPy", name,
                   path.string());
      arrays[name.substr(0, name.size() - kArraySuffix.size())] = *array;
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Bundle) throw;
    fail(ErrorCode::Input,
         "[metrics.read_npz] '{}' is no archive as numpy.savez writes it (stored, not compressed)",
         path.string());
  }
  return arrays;
}

}  // namespace chiaro::metrics
