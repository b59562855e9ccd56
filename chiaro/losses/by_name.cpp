#include "chiaro/losses/by_name.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/losses/charbonnier.h"
#include "chiaro/losses/edge.h"
#include "chiaro/losses/frequency.h"
#include "chiaro/losses/l1.h"
#include "chiaro/losses/mse.h"
#include "chiaro/losses/psnr.h"
#include "chiaro/losses/ssim.h"

namespace chiaro::losses {
namespace {

at::Tensor default_charbonnier(const at::Tensor& output, const at::Tensor& target) {
  return charbonnier(output, target);
}

constexpr std::array<std::pair<std::string_view, PixelLoss>, 7> kTable{
    {{"charbonnier", default_charbonnier},
     {"edge", edge},
     {"frequency", frequency},
     {"l1", l1},
     {"mse", mse},
     {"psnr", psnr},
     {"ssim", ssim}}};

/// Reads a text from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : whole_(text), rest_(text) {}

  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }

  bool accept(char wanted) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// A positive number if one comes next, else 1.
  double weight() {
    skip_blanks();
    constexpr std::string_view kStarts = "0123456789.-";
    if (rest_.empty() || kStarts.find(rest_.front()) == std::string_view::npos) return 1.0;
    double value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    CHIARO_CHECK(error == std::errc() && value > 0 && std::isfinite(value), Usage,
                 "[losses.parse_loss_terms] a weight is not a positive number; got '{}' in '{}'; "
                 "expected e.g. 0.05",
                 rest_, whole_);
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    accept('*');
    return value;
  }

  std::string_view name() {
    skip_blanks();
    const auto length = std::min(rest_.find_first_of(" \t\n+*"), rest_.size());
    CHIARO_CHECK(length > 0, Usage,
                 "[losses.parse_loss_terms] a loss is missing; got '{}'; expected e.g. "
                 "'charbonnier + 0.05 frequency'",
                 whole_);
    const auto name = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return name;
  }

  std::string_view rest() const { return rest_; }

 private:
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size()));
  }

  std::string_view whole_;
  std::string_view rest_;
};

}  // namespace

const std::vector<std::string>& pixel_loss_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const auto& row : kTable) result.emplace_back(row.first);
    return result;
  }();
  return names;
}

PixelLoss find_pixel_loss(std::string_view name) {
  for (const auto& [known, function] : kTable) {
    if (known == name) return function;
  }
  fail(ErrorCode::Usage, "[losses.find_pixel_loss] unknown loss; got '{}'; expected one of: {}{}",
       name, join(pixel_loss_names()), did_you_mean(name, pixel_loss_names()));
}

std::vector<WeightedLoss> parse_loss_terms(std::string_view text) {
  std::vector<WeightedLoss> terms;
  Scanner scanner(text);
  do {
    const double weight = scanner.weight();
    const auto name = scanner.name();
    const bool repeated = std::any_of(terms.begin(), terms.end(),
                                      [&](const auto& term) { return term.name == name; });
    CHIARO_CHECK(
        !repeated, Usage,
        "[losses.parse_loss_terms] a loss occurs twice; got '{}' in '{}'; expected it once", name,
        text);
    terms.push_back({std::string(name), weight, find_pixel_loss(name)});
  } while (scanner.accept('+'));
  CHIARO_CHECK(scanner.at_end(), Usage,
               "[losses.parse_loss_terms] the text goes on oddly; got '{}' in '{}'; expected terms "
               "joined by '+'",
               scanner.rest(), text);
  return terms;
}

}  // namespace chiaro::losses
