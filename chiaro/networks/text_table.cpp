#include "chiaro/networks/text_table.h"

#include <ATen/ATen.h>

#include <cmath>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/nn/weight_file.h"

namespace chiaro::networks {
namespace {

constexpr double kSameCosine =
    0.999;  // of two kinds that a table does not tell apart; NaN fails too

std::string names_of(const nn::NamedWeights& rows) {
  std::vector<std::string> names;
  for (const auto& [name, row] : rows) names.push_back(name);
  return join(names);
}

}  // namespace

at::Tensor simplex_table(std::int64_t kinds) {
  CHIARO_CHECK(kinds >= 2, Usage, "[networks.simplex_table] {} kinds; expected 2 or more", kinds);
  const auto k = static_cast<double>(kinds);
  return (at::eye(kinds) - 1.0 / k) * std::sqrt(k / (k - 1));
}

at::Tensor read_text_table(const std::filesystem::path& file,
                           const std::vector<std::string>& kinds) {
  CHIARO_CHECK(kinds.size() >= 2, Usage, "[networks.text_table] {} kinds; expected 2 or more",
               kinds.size());
  const nn::NamedWeights found = nn::read_safetensors_weights(file);
  std::vector<at::Tensor> rows;
  for (const auto& kind : kinds) {
    const auto row = found.find(kind);
    CHIARO_CHECK(row != found.end(), Usage,
                 "[networks.text_table] '{}' has no row for '{}'; got {}; expected one for each "
                 "kind of damage in the recipe",
                 file.string(), kind, names_of(found));
    CHIARO_CHECK(row->second.dim() == 1 && row->second.size(0) >= 2 &&
                     (rows.empty() || row->second.size(0) == rows.front().size(0)),
                 Bundle,
                 "[networks.text_table] the row '{}' of '{}' does not fit; expected one dimension "
                 "of equal length in all rows",
                 kind, file.string());
    rows.push_back(row->second);
  }
  const at::Tensor table = at::stack(rows);
  const at::Tensor centred = table - table.mean(0, /*keepdim=*/true);
  const at::Tensor unit = centred / centred.norm(2, 1, /*keepdim=*/true);
  const at::Tensor cosine = at::matmul(unit, unit.t()).fill_diagonal_(-1);
  CHIARO_CHECK(cosine.max().item<double>() < kSameCosine, Bundle,
               "[networks.text_table] '{}' says the same of two of the kinds {}; expected a row of "
               "its own for each",
               file.string(), join(kinds));
  return unit;
}

}  // namespace chiaro::networks
