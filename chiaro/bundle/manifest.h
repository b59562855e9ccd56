// What a bundle says about itself: the content of manifest.json. docs/bundle_format.md describes
// every key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/base/options.h"

namespace chiaro::bundle {

/// Version of the format, not of the program. A reader refuses newer ones.
inline constexpr int kFormatVersion = 2;
/// From this one on there is tree.safetensors.
inline constexpr int kTreeFormatVersion = 2;

/// The name that stands for "nothing is wrong" among the types of a condition.
inline constexpr std::string_view kCleanType = "clean";

/// One measured figure, with the figure of the untouched input beside it.
struct Score {
  std::string set;                    ///< "CBSD68 sigma 25"
  std::string metric;                 ///< "psnr_rgb_db", "ssim_rgb"
  double value = 0;                   ///< may be infinite (identical pictures)
  std::optional<double> input_value;  ///< the same metric of the degraded input
  std::string fingerprint;            ///< the protocol; "" where unknown
};

/// What running in bfloat16 costs against float32, measured on the pictures of the bundle's
/// self-test or larger.
struct PrecisionEvidence {
  double bf16_psnr_cost_db = 0;    ///< PSNR in f32 minus PSNR in bf16, mean over pictures
  double bf16_max_level_diff = 0;  ///< largest difference of a value, on the 0–255 scale
  double bf16_q999_level_diff = 0;  ///< 99.9 % of values differ by at most this, on the 0–255 scale
  double bf16_mean_level_diff = 0;  ///< mean absolute difference, on the 0–255 scale
  std::int64_t pictures = 0;        ///< how many pictures that was measured on
};

/// Where training pictures came from.
struct DataSource {
  std::string name;
  std::string license;
  std::int64_t pictures = 0;
};

/// What condition.onnx gives and how its inputs are made. The condition of a picture is one row of
/// width() values: the probability of each type, the severity of each type, the embedding.
struct ConditionInfo {
  std::vector<std::string> types;    ///< K degradations, "clean" among them
  std::int64_t embedding = 0;        ///< E: values of the embedding
  int view_px = 0;                   ///< side of a native view
  int max_views = 0;                 ///< most native views taken of one picture
  int whole_px = 0;                  ///< long side of the reduced whole view
  int whole_alignment_px = 1;        ///< sides of the whole view are multiples of this
  std::vector<std::string> domains;  ///< Nd; empty: the graph gives no `domain`
  double novelty_threshold = 0;      ///< above it a picture is unlike anything seen in training
  double temperature = 1;  ///< probabilities that are shown or decide: p^(1/T), rescaled to sum 1
  std::string text_table_sha256 = {};  ///< of the text table it was trained with; "": unknown

  std::int64_t width() const { return 2 * static_cast<std::int64_t>(types.size()) + embedding; }
};

/// A stretch of what encode.onnx gives.
struct CodePart {
  std::string name;        ///< "content", "degradation"
  std::int64_t width = 0;  ///< values
  bool whole = false;      ///< taken from the whole picture reduced to a square; else the mean over
                           ///< native views
};

/// How codes of whole pictures are made with encode.onnx. docs/bundle_format.md, "Encoder bundles".
struct CodeInfo {
  int view_px = 0;              ///< side of a native view
  int max_views = 0;            ///< most native views taken of one picture
  int whole_px = 0;             ///< side of the reduced square
  std::vector<CodePart> parts;  ///< in order; their widths sum to the width of the code

  std::int64_t width() const;
};

/// Size and SHA-256 of a member; write_bundle fills them in, read_bundle checks them.
struct MemberInfo {
  std::uint64_t bytes = 0;
  std::string sha256;  ///< 64 lower-case hexadecimal digits
};

struct Manifest {
  int format_version = 1;        ///< the lowest that has all that the bundle uses
  std::string name;              ///< as in name.chiaro: letters, digits, "-", "_", "."
  std::string kind = "restore";  ///< "restore" (picture → picture) or "encode" (picture → code)
  std::string summary;           ///< one line for `chiaro models list`
  std::string license;
  std::string created_by;  ///< program and version

  // What the graph expects and gives: NCHW float32, values in input_range.
  std::string color = "srgb";  ///< "srgb": sRGB-coded RGB; "grey": one channel
  double range_low = 0;        ///< value of black at the input
  double range_high = 1;       ///< value of white at the input
  int scale = 1;               ///< output side / input side
  int alignment_px = 1;        ///< input sides must be multiples of this
  int receptive_field_px =
      1;  ///< full width in input pixels: no output depends on inputs further than half of it
  bool global_statistics =
      false;  ///< true: every output depends on the whole input, tiles are feathered
  std::vector<std::string> labels;         ///< degradations it was trained for
  std::optional<ConditionInfo> condition;  ///< present iff the bundle has condition.onnx
  std::optional<CodeInfo> code;            ///< of kind "encode": how pictures get codes

  // Where it came from.
  std::string network;  ///< key of the networks' catalogue
  OptionTable network_options;
  std::string method;  ///< key of the methods' catalogue
  std::string recipe;  ///< the effective recipe, TOML
  std::int64_t parameters = 0;
  double macs_per_pixel = 0;  ///< multiplications per input pixel; 0: unknown
  std::vector<DataSource> training_data;
  std::vector<Score> scores;
  std::optional<PrecisionEvidence> precision;

  std::map<std::string, MemberInfo, std::less<>> members;  ///< all members but manifest.json
};

/// JSON text with stable order, indented, ending in a newline.
std::string print_manifest(const Manifest& manifest);

/// Reads print_manifest's form. Unknown keys are ignored (a minor addition); a newer format
/// version, a missing or ill-typed key or an impossible value fail. Errors: Bundle; `origin` names
/// the file.
Manifest parse_manifest(std::string_view json, const std::string& origin);

/// Whether `auto` precision may take bf16: evidence exists, costs under 0.02 dB and 99.9 % of
/// values stay within 2/255.
bool bf16_is_harmless(const Manifest& manifest);

}  // namespace chiaro::bundle
