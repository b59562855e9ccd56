// The catalogue of degradations and what one entry is. Adding one takes a file <name>.cpp (options,
// maths and the function `Entry <name>()`), a line in degrade.def and a test
// tests/degrade/<name>_test.cpp.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/base/options.h"
#include "chiaro/base/rng.h"
#include "chiaro/image/image.h"

namespace chiaro::degrade {

using image::Image;

/// What may accompany a picture.
struct Inputs {
  /// (1,H,W) relative distance in [0,1], 0 near, 1 far; the size of the picture. Null: a procedural
  /// one is made.
  const Image* depth = nullptr;
};

/// How an option is drawn where a template does not state it; `values` in the grammar of template
/// values (spec.h), e.g. {"sigma_u8", "5..55"} or {"veil", "0|0|0.1..0.4"}.
struct RandomRange {
  std::string option;
  std::string values;
};

/// One degradation.
struct Entry {
  std::string name;  ///< set by catalogue()
  std::string summary;
  std::string reference;
  std::string kind;  ///< what it is called where ways of doing the same damage count as one: "blur"
  std::vector<FieldInfo> options;
  std::vector<RandomRange> ranges;  ///< options not named here keep their default when drawn
  bool random = true;               ///< false: the seed has no influence

  /// Damages the picture in place; the caller limits the result to [0,1]. `options` may be partial.
  std::function<void(Image& picture, const OptionTable& options, Rng& rng, const Inputs& inputs)>
      apply;
  /// How strong, in [0,1]; 0 does nothing or next to nothing.
  std::function<double(const OptionTable& options)> severity;
  /// All options, of that severity; damage grows with it.
  std::function<OptionTable(double severity)> at_severity;
  /// All options: those given, checked, and defaults. Errors: Usage (unknown, wrong type, out of
  /// range).
  std::function<OptionTable(const OptionTable& options)> complete;
};

/// All entries in the order of degrade.def.
const std::vector<Entry>& catalogue();

/// The names in the order of degrade.def.
const std::vector<std::string>& names();

/// The entry of that name. Errors: Usage, naming the nearest one.
const Entry& find(std::string_view name);

/// What an entry's file states; define() makes the type-erased Entry of it.
template <typename Options>
struct Definition {
  std::string name;
  std::string summary;
  std::string reference;
  std::string kind = {};  ///< empty: the name
  std::vector<RandomRange> ranges = {};
  bool random = true;
  void (*apply)(Image& picture, const Options& options, Rng& rng, const Inputs& inputs);
  double (*severity)(const Options& options);
  Options (*at_severity)(double severity);
};

template <typename Options>
Entry define(Definition<Options> d) {
  Entry entry;
  entry.name = d.name;
  entry.summary = std::move(d.summary);
  entry.reference = std::move(d.reference);
  entry.kind = d.kind.empty() ? d.name : std::move(d.kind);
  entry.options = describe_options<Options>();
  entry.ranges = std::move(d.ranges);
  entry.random = d.random;
  entry.apply = [d](Image& picture, const OptionTable& options, Rng& rng, const Inputs& inputs) {
    d.apply(picture, parse_options<Options>(options, d.name), rng, inputs);
  };
  entry.severity = [d](const OptionTable& options) {
    const double value = d.severity(parse_options<Options>(options, d.name));
    return value > 0 ? (value < 1 ? value : 1.0) : 0.0;
  };
  entry.at_severity = [d](double severity) { return print_options(d.at_severity(severity)); };
  entry.complete = [d](const OptionTable& options) {
    return print_options(parse_options<Options>(options, d.name));
  };
  return entry;
}

}  // namespace chiaro::degrade
