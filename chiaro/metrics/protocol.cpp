#include "chiaro/metrics/protocol.h"

#include <algorithm>
#include <array>
#include <utility>

#include "chiaro/base/text.h"

namespace chiaro::metrics {
namespace {

// Raised when a change of the code may change scores.
constexpr int kVersion = 1;

template <typename E>
using Names = std::vector<std::pair<E, std::string>>;

const Names<Metric>& names_of(Metric) {
  static const Names<Metric> names{
      {Metric::Psnr, "psnr"},      {Metric::Ssim, "ssim"},
      {Metric::MsSsim, "ms_ssim"}, {Metric::LpipsSqueeze, "lpips_squeeze"},
      {Metric::Niqe, "niqe"},      {Metric::Brisque, "brisque"}};
  return names;
}
const Names<Channel>& names_of(Channel) {
  static const Names<Channel> names{{Channel::Rgb, "rgb"}, {Channel::Y, "y"}};
  return names;
}
const Names<Luma>& names_of(Luma) {
  static const Names<Luma> names{{Luma::Studio, "studio"}, {Luma::Full, "full"}};
  return names;
}
const Names<Rounding>& names_of(Rounding) {
  static const Names<Rounding> names{{Rounding::None, "none"},
                                     {Rounding::U8, "u8"},
                                     {Rounding::Luma, "luma"},
                                     {Rounding::U8Luma, "u8_luma"}};
  return names;
}
const Names<Window>& names_of(Window) {
  static const Names<Window> names{{Window::Gaussian11, "gaussian11"},
                                   {Window::Uniform7, "uniform7"}};
  return names;
}
const Names<Halving>& names_of(Halving) {
  static const Names<Halving> names{{Halving::Mirror, "mirror"}, {Halving::ZeroPad, "zero_pad"}};
  return names;
}

template <typename E>
std::string name_of(E value) {
  for (const auto& [candidate, name] : names_of(value)) {
    if (candidate == value) return name;
  }
  fail(ErrorCode::Internal, "[metrics.protocol] an enumerator has no name; got {}",
       static_cast<int>(value));
}

template <typename E>
E value_of(std::string_view text, const std::string& what) {
  std::vector<std::string> known;
  for (const auto& [candidate, name] : names_of(E{})) {
    if (name == text) return candidate;
    known.push_back(name);
  }
  fail(ErrorCode::Usage, "[metrics.protocol] unknown {} '{}'{}; known: {}", what, text,
       did_you_mean(text, known), join(known));
}

template <typename E>
Field<Protocol> choice(const std::string& name, E Protocol::*member, std::string help) {
  FieldLimits limits;
  for (const auto& entry : names_of(E{})) limits.choices.push_back(entry.second);
  return {name, std::move(help), limits,
          [member](const Protocol& protocol) { return OptionValue(name_of(protocol.*member)); },
          [member](Protocol& protocol, const OptionValue& value, const std::string& where) {
            const auto* text = std::get_if<std::string>(&value);
            CHIARO_CHECK(text != nullptr, Usage,
                         "[metrics.protocol] {} has the wrong type; got {}; expected text", where,
                         chiaro::to_text(value));
            protocol.*member = value_of<E>(*text, where);
          }};
}

// Which samples learned metrics see is part of what they were fitted to.
void adapt_to_learned(std::string_view preset, Metric metric, Protocol& protocol) {
  if (needs_reference(metric)) {
    protocol.channel = Channel::Rgb;
    protocol.rounding = preset == "matlab" || preset == "basicsr" ? Rounding::U8 : Rounding::None;
    return;
  }
  const bool original = metric == Metric::Brisque || preset == "matlab" || preset == "pyiqa";
  protocol.channel = Channel::Y;
  protocol.luma = original ? Luma::Full : Luma::Studio;
  protocol.rounding = preset == "pyiqa" ? Rounding::Luma : Rounding::U8Luma;
}

bool matters(Metric metric, const Protocol& protocol, std::string_view field) {
  const bool ssim_only = field == "window" || field == "sample_covariance" || field == "k1" ||
                         field == "k2" || field == "nonnegative";
  if (ssim_only) return metric == Metric::Ssim || metric == Metric::MsSsim;
  if (field == "psnr_epsilon") return metric == Metric::Psnr;
  if (field == "halving") return metric == Metric::MsSsim;
  if (field == "channel") return !is_learned(metric);
  if (field == "luma")
    return is_learned(metric) ? !needs_reference(metric) : protocol.channel == Channel::Y;
  return true;
}

}  // namespace

Fields<Protocol> Protocol::fields() {
  return {
      choice("channel", &Protocol::channel, "compare all colour channels or the luma only"),
      choice("luma", &Protocol::luma, "BT.601 luma in studio range (MATLAB) or full range"),
      choice("rounding", &Protocol::rounding, "what is rounded to the 8-bit grid first"),
      field("clip", &Protocol::clip, "limit values to [0,1] first"),
      field("border_px", &Protocol::border_px, "left out on each side",
            {.min = 0, .max = 4096, .unit = "px"}),
      field("crop_multiple", &Protocol::crop_multiple, "keep the centre with sides a multiple of",
            {.min = 1, .max = 1024, .unit = "px"}),
      choice("window", &Protocol::window, "local window of SSIM"),
      field("sample_covariance", &Protocol::sample_covariance, "N/(N-1) in the variances of SSIM"),
      field("nonnegative", &Protocol::nonnegative, "negative structure terms of SSIM count as 0"),
      field("k1", &Protocol::k1, "stabiliser of the means of SSIM", {.min = 0, .max = 1}),
      field("k2", &Protocol::k2, "stabiliser of the variances of SSIM", {.min = 0, .max = 1}),
      field("psnr_epsilon", &Protocol::psnr_epsilon, "added to the mean square error",
            {.min = 0, .max = 1}),
      choice("halving", &Protocol::halving, "how MS-SSIM halves odd sizes"),
  };
}

bool needs_reference(Metric metric) {
  return metric != Metric::Niqe && metric != Metric::Brisque;
}

bool is_learned(Metric metric) {
  return metric == Metric::LpipsSqueeze || metric == Metric::Niqe || metric == Metric::Brisque;
}

bool lower_is_better(std::string_view fingerprint) {
  const std::string_view name = fingerprint.substr(0, fingerprint.find('/'));
  return std::ranges::any_of(names_of(Metric{}), [&](const auto& entry) {
    return entry.second == name && is_learned(entry.first);
  });
}

std::string to_text(Metric metric) {
  return name_of(metric);
}

Metric metric_from_text(std::string_view name) {
  return value_of<Metric>(name, "metric");
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const auto& entry : names_of(Metric{})) names.push_back(entry.second);
  return names;
}

const std::vector<std::string>& preset_names() {
  static const std::vector<std::string> names{"chiaro",  "matlab", "basicsr",
                                              "skimage", "pyiqa",  "airnet"};
  return names;
}

Protocol preset(std::string_view name, Metric metric) {
  const auto& known = preset_names();
  CHIARO_CHECK(std::find(known.begin(), known.end(), name) != known.end(), Usage,
               "[metrics.preset] unknown preset '{}'{}; known: {}", name, did_you_mean(name, known),
               join(known));
  Protocol protocol;
  if (name == "matlab") {
    protocol.channel = Channel::Y;
    protocol.rounding = Rounding::U8Luma;
  } else if (name == "basicsr") {
    protocol.rounding = Rounding::U8;
  } else if (name == "skimage") {
    protocol.clip = false;
    protocol.window = Window::Uniform7;
    protocol.sample_covariance = true;
  } else if (name == "pyiqa") {
    protocol.clip = false;
    protocol.psnr_epsilon = 1e-8;
    protocol.nonnegative = true;
    protocol.halving = Halving::ZeroPad;
    if (metric != Metric::Psnr) {
      protocol.channel = Channel::Y;
      protocol.luma = Luma::Full;
      protocol.rounding = Rounding::Luma;
    }
  } else if (name == "airnet") {
    protocol.crop_multiple = 16;
  }
  if (is_learned(metric)) adapt_to_learned(name, metric, protocol);
  return protocol;
}

void check(const Protocol& protocol) {
  parse_options<Protocol>(print_options(protocol), "protocol");
}

std::string fingerprint(Metric metric, const Protocol& protocol) {
  std::string text = fmt::format("{}/{}", to_text(metric), kVersion);
  for (const auto& entry : Protocol::fields()) {
    if (!matters(metric, protocol, entry.name)) continue;
    const OptionValue value = entry.get(protocol);
    const auto* word = std::get_if<std::string>(&value);
    text += fmt::format(" {}={}", entry.name, word != nullptr ? *word : chiaro::to_text(value));
  }
  return text;
}

}  // namespace chiaro::metrics
