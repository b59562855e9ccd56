#include "chiaro/bundle/bundle.h"

#include <algorithm>
#include <array>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/sha256.h"
#include "chiaro/bundle/zip.h"

namespace chiaro::bundle {
namespace {

constexpr std::array<std::string_view, 6> kKnownMembers = {
    kCardMember, kConditionMember, kEncodeMember, kRestoreMember, kSelftestMember, kTreeMember};
constexpr std::uint64_t kMaxManifestBytes = 16 << 20;

bool is_known(std::string_view name) {
  return std::find(kKnownMembers.begin(), kKnownMembers.end(), name) != kKnownMembers.end();
}

/// The graph a kind of bundle cannot do without.
std::string_view main_graph(const Manifest& manifest) {
  return manifest.kind == "encode" ? kEncodeMember : kRestoreMember;
}

/// A description of the condition and the graph that gives it come together.
void check_condition(const Manifest& manifest, bool has_graph, const std::string& origin) {
  CHIARO_CHECK(has_graph || !manifest.condition, Bundle,
               "[bundle.read] '{}': the manifest describes a condition, but there is no {}", origin,
               kConditionMember);
  CHIARO_CHECK(!has_graph || manifest.condition, Bundle,
               "[bundle.read] '{}' has a {}, but the manifest does not describe its condition",
               origin, kConditionMember);
  CHIARO_CHECK(!has_graph || manifest.kind == "restore", Bundle,
               "[bundle.read] '{}' is of kind '{}' and has a {}; expected kind restore", origin,
               manifest.kind, kConditionMember);
}

/// A tree belongs to an encoder, in a version that knows trees.
void check_tree(const Manifest& manifest, bool has_tree, const std::string& origin) {
  if (!has_tree) return;
  CHIARO_CHECK(
      manifest.kind == "encode" && manifest.format_version >= kTreeFormatVersion, Bundle,
      "[bundle.read] '{}' has a {}; got kind '{}' in format version {}; expected kind encode "
      "in version {} or newer",
      origin, kTreeMember, manifest.kind, manifest.format_version, kTreeFormatVersion);
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads the manifest and compares its list of members with the archive's.
Manifest checked_manifest(const ZipReader& zip, const std::string& origin) {
  const auto found = zip.sizes().find(kManifestMember);
  CHIARO_CHECK(found != zip.sizes().end(), Bundle,
               "[bundle.read] '{}' is not a bundle: it has no {}", origin, kManifestMember);
  CHIARO_CHECK(found->second <= kMaxManifestBytes, Bundle,
               "[bundle.read] '{}': the manifest has {} bytes; expected at most {}", origin,
               found->second, kMaxManifestBytes);
  Manifest manifest = parse_manifest(as_text(zip.content(std::string(kManifestMember))), origin);
  for (const auto& [name, bytes] : zip.sizes()) {
    if (name == kManifestMember) continue;
    CHIARO_CHECK(is_known(name), Bundle,
                 "[bundle.read] '{}' holds a member '{}' that bundles do not have", origin, name);
    const auto listed = manifest.members.find(name);
    CHIARO_CHECK(listed != manifest.members.end(), Bundle,
                 "[bundle.read] '{}': member '{}' is not in the manifest", origin, name);
    CHIARO_CHECK(listed->second.bytes == bytes, Bundle,
                 "[bundle.read] '{}': member '{}' has the wrong size; got {} bytes; expected {}",
                 origin, name, bytes, listed->second.bytes);
  }
  for (const auto& [name, info] : manifest.members) {
    CHIARO_CHECK(zip.sizes().find(name) != zip.sizes().end(), Bundle,
                 "[bundle.read] '{}': member '{}' of the manifest is missing", origin, name);
  }
  const std::string graph(main_graph(manifest));
  CHIARO_CHECK(zip.sizes().find(graph) != zip.sizes().end(), Bundle, "[bundle.read] '{}' has no {}",
               origin, graph);
  check_condition(manifest, zip.sizes().find(kConditionMember) != zip.sizes().end(), origin);
  check_tree(manifest, zip.sizes().find(kTreeMember) != zip.sizes().end(), origin);
  return manifest;
}

Bundle checked_bundle(const ZipReader& zip, const std::string& origin) {
  Bundle bundle;
  bundle.origin = origin;
  bundle.manifest = checked_manifest(zip, origin);
  for (const auto& [name, info] : bundle.manifest.members) {
    auto content = zip.content(name);
    const std::string got = sha256_hex(content);
    CHIARO_CHECK(
        got == info.sha256, Bundle,
        "[bundle.read] '{}': the checksum of member '{}' does not match; got {}; expected {}",
        origin, name, got, info.sha256);
    bundle.members.emplace(name, std::move(content));
  }
  return bundle;
}

}  // namespace

std::span<const std::byte> Bundle::member(std::string_view name) const {
  const auto found = members.find(name);
  CHIARO_CHECK(found != members.end(), Bundle, "[bundle.member] '{}' has no {}", origin, name);
  return found->second;
}

std::vector<std::byte> Bundle::take(std::string_view name) {
  const auto found = members.find(name);
  CHIARO_CHECK(found != members.end(), Bundle, "[bundle.take] '{}' has no {}", origin, name);
  auto node = members.extract(found);
  return std::move(node.mapped());
}

std::string Bundle::text(std::string_view name) const {
  return std::string(as_text(member(name)));
}

std::string self_test_name(int index, std::string_view role) {
  return fmt::format("{}.{}", index, role);
}

std::string condition_test_name(int index, std::string_view role) {
  return fmt::format("c{}.{}", index, role);
}

Bundle read_bundle(const std::filesystem::path& path) {
  return checked_bundle(ZipReader(path), path.string());
}

Bundle parse_bundle(std::span<const std::byte> bytes, const std::string& origin) {
  return checked_bundle(ZipReader(bytes, origin), origin);
}

Manifest read_manifest(const std::filesystem::path& path) {
  const ZipReader zip(path);
  return checked_manifest(zip, path.string());
}

std::vector<std::byte> serialize_bundle(Manifest manifest, const Members& members) {
  manifest.members.clear();
  for (const auto& [name, bytes] : members) {
    CHIARO_CHECK(is_known(name), Bundle, "[bundle.write] '{}' is no member of a bundle", name);
    manifest.members[name] = {bytes.size(), sha256_hex(bytes)};
  }
  const std::string graph(main_graph(manifest));
  CHIARO_CHECK(members.find(graph) != members.end(), Bundle, "[bundle.write] bundle '{}' lacks {}",
               manifest.name, graph);
  check_condition(manifest, members.find(kConditionMember) != members.end(), manifest.name);
  check_tree(manifest, members.find(kTreeMember) != members.end(), manifest.name);
  const std::string json = print_manifest(manifest);
  parse_manifest(json, manifest.name);  // what cannot be read back must not be written

  std::vector<std::pair<std::string, std::span<const std::byte>>> parts;
  parts.emplace_back(kManifestMember, std::as_bytes(std::span(json)));
  for (const auto& [name, bytes] : members) parts.emplace_back(name, bytes);
  return make_zip(parts);
}

void write_bundle(const std::filesystem::path& path, const Manifest& manifest,
                  const Members& members) {
  write_file_atomically(path, serialize_bundle(manifest, members));
}

}  // namespace chiaro::bundle
