#include "chiaro/bundle/manifest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "chiaro/base/error.h"

namespace chiaro::bundle {
namespace {

using Json = nlohmann::ordered_json;  // written in the order it is put together
using Parsed = nlohmann::json;        // what is read: each key is found in logarithmic time

constexpr int kMaxScale = 16;
constexpr int kMaxAlignmentPx = 1024;
constexpr int kMaxReceptiveFieldPx = 1 << 20;
constexpr int kMaxTypes = 1000;
constexpr int kMaxEmbedding = 1 << 16;
constexpr int kMaxViewPx = 4096;
constexpr int kMaxViews = 256;
constexpr double kLeastTemperature = 0.01;
constexpr double kMostTemperature = 100;
constexpr double kHarmlessCostDb = 0.02;
constexpr double kHarmlessLevels = 2.0;

/// JSON has no infinity; it is written as text.
Json number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Json option_json(const OptionValue& value) {
  return std::visit(
      [](const auto& held) -> Json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, double>) {
          return number(held);
        } else if constexpr (std::is_same_v<Held, std::vector<double>>) {
          Json list = Json::array();
          for (const double item : held) list.push_back(number(item));
          return list;
        } else {
          return held;
        }
      },
      value);
}

/// Reads keys of one JSON object with messages that say where.
class Reader {
 public:
  Reader(const Parsed& object, std::string origin, std::string where)
      : object_(object), origin_(std::move(origin)), where_(std::move(where)) {
    if (!object_.is_object()) damaged("", "is no object");
  }

  [[noreturn]] void damaged(const std::string& key, const std::string& what) const {
    fail(ErrorCode::Bundle, "[bundle.manifest] '{}' has a wrong manifest: '{}{}' {}", origin_,
         where_, key, what);
  }

  bool has(const char* key) const { return object_.contains(key) && !object_[key].is_null(); }

  const Parsed& get(const char* key) const {
    if (!has(key)) damaged(key, "is missing");
    return object_[key];
  }

  std::string text(const char* key) const {
    const Parsed& value = get(key);
    if (!value.is_string()) damaged(key, "must be text");
    return value.get<std::string>();
  }

  std::string text_or_empty(const char* key) const { return has(key) ? text(key) : std::string(); }

  bool boolean(const char* key) const {
    const Parsed& value = get(key);
    if (!value.is_boolean()) damaged(key, "must be true or false");
    return value.get<bool>();
  }

  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high) const {
    const Parsed& value = get(key);
    if (!value.is_number_integer()) damaged(key, "must be an integer");
    const bool too_large =
        value.is_number_unsigned() &&
        value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    const auto got =
        too_large ? std::numeric_limits<std::int64_t>::max() : value.get<std::int64_t>();
    if (too_large || got < low || got > high) {
      damaged(key, fmt::format("is out of range; got {}; expected {} to {}", got, low, high));
    }
    return got;
  }

  double real(const char* key) const { return to_real(key, get(key)); }

  double to_real(const std::string& key, const Parsed& value) const {
    if (value.is_number()) return value.get<double>();
    if (value == "inf") return std::numeric_limits<double>::infinity();
    if (value == "-inf") return -std::numeric_limits<double>::infinity();
    if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
    damaged(key, "must be a number");
  }

  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> list;
    if (!has(key)) return list;
    for (const Parsed& item : array(key)) {
      if (!item.is_string()) damaged(key, "must be a list of texts");
      list.push_back(item.get<std::string>());
    }
    return list;
  }

  const Parsed& array(const char* key) const {
    const Parsed& value = get(key);
    if (!value.is_array()) damaged(key, "must be a list");
    return value;
  }

  Reader child(const char* key) const { return {get(key), origin_, where_ + key + "."}; }
  Reader item(const Parsed& value, const char* key) const {
    return {value, origin_, where_ + key + "[]."};
  }
  const Parsed& object() const { return object_; }

  OptionValue option(const std::string& key, const Parsed& value) const {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (value.is_number()) return value.get<double>();
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array()) damaged(key, "is no option value");
    const auto all = [&](auto test) { return std::all_of(value.begin(), value.end(), test); };
    if (all([](const Parsed& item) { return item.is_number_integer(); })) {
      return value.get<std::vector<std::int64_t>>();
    }
    if (all([](const Parsed& item) { return item.is_number(); }))
      return value.get<std::vector<double>>();
    if (all([](const Parsed& item) { return item.is_string(); }))
      return value.get<std::vector<std::string>>();
    damaged(key, "mixes types in a list");
  }

 private:
  const Parsed& object_;
  std::string origin_;
  std::string where_;
};

Json scores_json(const std::vector<Score>& scores) {
  Json list = Json::array();
  for (const Score& score : scores) {
    Json entry = {{"set", score.set}, {"metric", score.metric}, {"value", number(score.value)}};
    if (score.input_value) entry["input_value"] = number(*score.input_value);
    if (!score.fingerprint.empty()) entry["fingerprint"] = score.fingerprint;
    list.push_back(std::move(entry));
  }
  return list;
}

void read_graph(const Reader& graph, Manifest& manifest) {
  manifest.color = graph.text("color");
  if (manifest.color != "srgb" && manifest.color != "grey")
    graph.damaged("color", "must be srgb or grey");
  const Parsed& range = graph.array("input_range");
  if (range.size() != 2) graph.damaged("input_range", "must be two numbers");
  manifest.range_low = graph.to_real("input_range", range[0]);
  manifest.range_high = graph.to_real("input_range", range[1]);
  if (!std::isfinite(manifest.range_low) || !std::isfinite(manifest.range_high) ||
      manifest.range_low >= manifest.range_high) {
    graph.damaged("input_range", "must be two rising numbers");
  }
  manifest.scale = static_cast<int>(graph.integer("scale", 1, kMaxScale));
  manifest.alignment_px = static_cast<int>(graph.integer("alignment_px", 1, kMaxAlignmentPx));
  manifest.receptive_field_px =
      static_cast<int>(graph.integer("receptive_field_px", 1, kMaxReceptiveFieldPx));
  manifest.global_statistics = graph.boolean("global_statistics");
}

std::vector<std::string> distinct_names(const Reader& reader, const char* key) {
  auto names = reader.texts(key);
  for (const std::string& name : names) {
    if (name.empty()) reader.damaged(key, "holds an empty name");
  }
  auto sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) reader.damaged(key, fmt::format("names '{}' twice", *twice));
  return names;
}

ConditionInfo read_condition(const Reader& condition) {
  ConditionInfo info;
  info.types = distinct_names(condition, "types");
  if (info.types.size() < 2 || info.types.size() > kMaxTypes)
    condition.damaged("types", fmt::format("must be 2 to {} names", kMaxTypes));
  if (std::find(info.types.begin(), info.types.end(), kCleanType) == info.types.end())
    condition.damaged("types", fmt::format("must have '{}' among them", kCleanType));
  const auto whole_number = [&](const char* key, int low, int high) {
    return static_cast<int>(condition.integer(key, low, high));
  };
  info.embedding = condition.integer("embedding", 0, kMaxEmbedding);
  info.view_px = whole_number("view_px", 1, kMaxViewPx);
  info.max_views = whole_number("max_views", 1, kMaxViews);
  info.whole_px = whole_number("whole_px", 1, kMaxViewPx);
  info.whole_alignment_px = whole_number("whole_alignment_px", 1, kMaxAlignmentPx);
  info.domains = distinct_names(condition, "domains");
  info.novelty_threshold = condition.real("novelty_threshold");
  if (!(info.novelty_threshold > 0))  // NaN compares false
    condition.damaged("novelty_threshold", "must be above zero");
  info.temperature = condition.has("temperature") ? condition.real("temperature") : 1;
  if (!(info.temperature >= kLeastTemperature && info.temperature <= kMostTemperature)) {
    condition.damaged("temperature",
                      fmt::format("must lie in [{}, {}]", kLeastTemperature, kMostTemperature));
  }
  info.text_table_sha256 = condition.text_or_empty("text_table_sha256");
  const bool is_hash =
      info.text_table_sha256.size() == 64 &&
      info.text_table_sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!info.text_table_sha256.empty() && !is_hash)
    condition.damaged("text_table_sha256", "must be 64 lower-case hexadecimal digits or empty");
  return info;
}

Json condition_json(const ConditionInfo& info) {
  return {{"types", info.types},
          {"embedding", info.embedding},
          {"view_px", info.view_px},
          {"max_views", info.max_views},
          {"whole_px", info.whole_px},
          {"whole_alignment_px", info.whole_alignment_px},
          {"domains", info.domains},
          {"novelty_threshold", number(info.novelty_threshold)},
          {"temperature", info.temperature},
          {"text_table_sha256", info.text_table_sha256}};
}

CodeInfo read_code(const Reader& code) {
  const auto whole_number = [&](const char* key) {
    return static_cast<int>(code.integer(key, 1, kMaxViewPx));
  };
  CodeInfo info;
  info.view_px = whole_number("view_px");
  info.max_views = static_cast<int>(code.integer("max_views", 1, kMaxViews));
  info.whole_px = whole_number("whole_px");
  for (const Parsed& value : code.array("parts")) {
    const Reader part = code.item(value, "parts");
    info.parts.push_back(
        {part.text("name"), part.integer("width", 1, kMaxEmbedding), part.boolean("whole")});
  }
  if (info.parts.empty()) code.damaged("parts", "is empty");
  for (std::size_t i = 0; i < info.parts.size(); ++i) {
    const std::string& name = info.parts[i].name;
    if (name.empty()) code.damaged("parts", "holds an empty name");
    const auto twice = [&](const CodePart& other) { return other.name == name; };
    if (std::count_if(info.parts.begin(), info.parts.end(), twice) > 1)
      code.damaged("parts", fmt::format("names '{}' twice", name));
  }
  return info;
}

Json code_json(const CodeInfo& info) {
  Json parts = Json::array();
  for (const CodePart& part : info.parts)
    parts.push_back({{"name", part.name}, {"width", part.width}, {"whole", part.whole}});
  return {{"view_px", info.view_px},
          {"max_views", info.max_views},
          {"whole_px", info.whole_px},
          {"parts", std::move(parts)}};
}

void read_origin(const Reader& origin, Manifest& manifest) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  manifest.network = origin.text("network");
  if (origin.has("network_options")) {
    const Reader options = origin.child("network_options");
    for (const auto& [key, value] : options.object().items()) {
      manifest.network_options[key] = options.option(key, value);
    }
  }
  manifest.method = origin.text_or_empty("method");
  manifest.recipe = origin.text_or_empty("recipe");
  if (origin.has("parameters")) manifest.parameters = origin.integer("parameters", 0, kMax);
  if (origin.has("macs_per_pixel")) manifest.macs_per_pixel = origin.real("macs_per_pixel");
  if (origin.has("data")) {
    for (const Parsed& value : origin.array("data")) {
      const Reader source = origin.item(value, "data");
      manifest.training_data.push_back(
          {source.text("name"), source.text_or_empty("license"),
           source.has("pictures") ? source.integer("pictures", 0, kMax) : 0});
    }
  }
}

void read_measured(const Reader& measured, Manifest& manifest) {
  if (measured.has("scores")) {
    for (const Parsed& value : measured.array("scores")) {
      const Reader entry = measured.item(value, "scores");
      Score score{entry.text("set"), entry.text("metric"), entry.real("value"), std::nullopt,
                  entry.text_or_empty("fingerprint")};
      if (entry.has("input_value")) score.input_value = entry.real("input_value");
      manifest.scores.push_back(std::move(score));
    }
  }
  if (measured.has("precision")) {
    const Reader entry = measured.child("precision");
    manifest.precision =
        PrecisionEvidence{entry.real("bf16_psnr_cost_db"), entry.real("bf16_max_level_diff"),
                          entry.real("bf16_q999_level_diff"), entry.real("bf16_mean_level_diff"),
                          entry.integer("pictures", 0, std::numeric_limits<std::int64_t>::max())};
  }
}

}  // namespace

std::int64_t CodeInfo::width() const {
  std::int64_t sum = 0;
  for (const CodePart& part : parts) sum += part.width;
  return sum;
}

std::string print_manifest(const Manifest& manifest) {
  Json options = Json::object();
  for (const auto& [key, value] : manifest.network_options) options[key] = option_json(value);
  Json data = Json::array();
  for (const DataSource& source : manifest.training_data) {
    data.push_back(
        {{"name", source.name}, {"license", source.license}, {"pictures", source.pictures}});
  }
  Json measured = {{"scores", scores_json(manifest.scores)}};
  if (manifest.precision) {
    const PrecisionEvidence& evidence = *manifest.precision;
    measured["precision"] = {{"bf16_psnr_cost_db", number(evidence.bf16_psnr_cost_db)},
                             {"bf16_max_level_diff", number(evidence.bf16_max_level_diff)},
                             {"bf16_q999_level_diff", number(evidence.bf16_q999_level_diff)},
                             {"bf16_mean_level_diff", number(evidence.bf16_mean_level_diff)},
                             {"pictures", evidence.pictures}};
  }
  Json members = Json::object();
  for (const auto& [name, info] : manifest.members) {
    members[name] = {{"bytes", info.bytes}, {"sha256", info.sha256}};
  }
  Json document = {{"format", "chiaro-bundle"},
                   {"format_version", manifest.format_version},
                   {"name", manifest.name},
                   {"kind", manifest.kind},
                   {"summary", manifest.summary},
                   {"license", manifest.license},
                   {"created_by", manifest.created_by},
                   {"graph",
                    {{"color", manifest.color},
                     {"input_range", {number(manifest.range_low), number(manifest.range_high)}},
                     {"scale", manifest.scale},
                     {"alignment_px", manifest.alignment_px},
                     {"receptive_field_px", manifest.receptive_field_px},
                     {"global_statistics", manifest.global_statistics}}},
                   {"labels", manifest.labels},
                   {"training",
                    {{"network", manifest.network},
                     {"network_options", std::move(options)},
                     {"method", manifest.method},
                     {"recipe", manifest.recipe},
                     {"parameters", manifest.parameters},
                     {"macs_per_pixel", number(manifest.macs_per_pixel)},
                     {"data", std::move(data)}}},
                   {"measured", std::move(measured)}};
  if (manifest.condition) document["condition"] = condition_json(*manifest.condition);
  if (manifest.code) document["code"] = code_json(*manifest.code);
  document["members"] = std::move(members);
  try {
    return document.dump(2) + "\n";
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::Bundle, "[bundle.manifest] the manifest of '{}' holds text that is not UTF-8",
         manifest.name);
  }
}

Manifest parse_manifest(std::string_view json, const std::string& origin) {
  const Parsed document =
      Parsed::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  CHIARO_CHECK(document.is_object(), Bundle,
               "[bundle.manifest] '{}' has a wrong manifest: it is no JSON object", origin);
  const Reader root(document, origin, "");
  if (root.text("format") != "chiaro-bundle") root.damaged("format", "is not chiaro-bundle");
  Manifest manifest;
  manifest.format_version = static_cast<int>(root.integer("format_version", 1, 1 << 30));
  CHIARO_CHECK(
      manifest.format_version <= kFormatVersion, Bundle,
      "[bundle.manifest] '{}' needs a newer chiaro; got format version {}; expected at most {}",
      origin, manifest.format_version, kFormatVersion);
  manifest.name = root.text("name");
  if (manifest.name.empty() || manifest.name.size() > 100 ||
      manifest.name.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
          std::string::npos) {
    root.damaged("name", "must be 1 to 100 letters, digits, '-', '_' or '.'");
  }
  manifest.kind = root.text("kind");
  if (manifest.kind != "restore" && manifest.kind != "encode")
    root.damaged("kind", "must be restore or encode");
  manifest.summary = root.text_or_empty("summary");
  manifest.license = root.text_or_empty("license");
  manifest.created_by = root.text_or_empty("created_by");
  read_graph(root.child("graph"), manifest);
  manifest.labels = root.texts("labels");
  if (root.has("condition")) manifest.condition = read_condition(root.child("condition"));
  if (root.has("code")) {
    if (manifest.kind != "encode") root.damaged("code", "is of kind encode alone");
    manifest.code = read_code(root.child("code"));
  }
  read_origin(root.child("training"), manifest);
  if (root.has("measured")) read_measured(root.child("measured"), manifest);
  const Reader members = root.child("members");
  for (const auto& [name, value] : members.object().items()) {
    const Reader entry = members.item(value, name.c_str());
    manifest.members[name] = {static_cast<std::uint64_t>(entry.integer(
                                  "bytes", 0, std::numeric_limits<std::int64_t>::max())),
                              entry.text("sha256")};
  }
  return manifest;
}

bool bf16_is_harmless(const Manifest& manifest) {
  return manifest.precision && manifest.precision->pictures > 0 &&
         manifest.precision->bf16_psnr_cost_db < kHarmlessCostDb &&
         manifest.precision->bf16_q999_level_diff <= kHarmlessLevels;
}

}  // namespace chiaro::bundle
