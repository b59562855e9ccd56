// A bundle: one file name.chiaro that holds a trained network ready to run. An uncompressed zip
// with manifest.json and the members below; docs/bundle_format.md.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/bundle/manifest.h"

namespace chiaro::bundle {

inline constexpr std::string_view kManifestMember = "manifest.json";
inline constexpr std::string_view kRestoreMember =
    "restore.onnx";  ///< picture → picture: "input" → "output"
inline constexpr std::string_view kConditionMember =
    "condition.onnx";  ///< "views", "whole" → "condition", "novelty" and perhaps "domain"
inline constexpr std::string_view kEncodeMember =
    "encode.onnx";  ///< picture → code: "input" → "code"
inline constexpr std::string_view kTreeMember =
    "tree.safetensors";  ///< prototypes over the codes of encode.onnx
inline constexpr std::string_view kSelftestMember = "selftest.safetensors";  ///< see self_test_name
inline constexpr std::string_view kCardMember = "card.md";

/// Content by name, without manifest.json.
using Members = std::map<std::string, std::vector<std::byte>, std::less<>>;

struct Bundle {
  std::string origin;  ///< the file it came from, for messages
  Manifest manifest;
  Members members;

  bool has(std::string_view name) const { return members.find(name) != members.end(); }

  /// Errors: Bundle, if there is no such member.
  std::span<const std::byte> member(std::string_view name) const;

  /// Hands a member's bytes over; the bundle has it no more. Errors: Bundle, as above.
  std::vector<std::byte> take(std::string_view name);

  /// A member as text. Errors: Bundle.
  std::string text(std::string_view name) const;
};

/// Name of a tensor in selftest.safetensors: case `index`, "input", "condition" or "output", as in
/// "0.input". Inputs are (1,C,H,W) float32 with sides that are multiples of alignment_px; the
/// condition is there where the bundle has one; outputs are what the trained network gave.
std::string self_test_name(int index, std::string_view role);

/// The same for condition.onnx: "views", "whole" or "condition", as in "c0.views".
std::string condition_test_name(int index, std::string_view role);

/// Reads and checks everything: zip structure, names, sizes, checksums, manifest. Nothing is
/// written or run. Errors: Input (missing, unreadable), Bundle (damaged, hostile or newer than this
/// program).
Bundle read_bundle(const std::filesystem::path& path);
Bundle parse_bundle(std::span<const std::byte> bytes, const std::string& origin);

/// Only the manifest, without reading the other members' bytes. Errors: as read_bundle.
Manifest read_manifest(const std::filesystem::path& path);

/// The bytes of the file: the same input gives the same bytes. Fills manifest.members. Errors:
/// Bundle (unknown or missing member, impossible manifest).
std::vector<std::byte> serialize_bundle(Manifest manifest, const Members& members);

/// Writes atomically. Errors: Output, Bundle.
void write_bundle(const std::filesystem::path& path, const Manifest& manifest,
                  const Members& members);

}  // namespace chiaro::bundle
