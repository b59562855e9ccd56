// chiaro export: a graph out of a bundle, as a plain ONNX file for other runtimes.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/restore/bundle_search.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

struct ExportArguments {
  std::string bundle = "default";
  std::string output;
  bool controller = false;
  bool overwrite = false;
  OutputFlags show;
};

/// The graph that is asked for: the controller, or what the bundle is there for.
std::string_view exported_member(const bundle::Manifest& manifest, bool controller) {
  if (controller) return bundle::kConditionMember;
  return manifest.kind == "encode" ? bundle::kEncodeMember : bundle::kRestoreMember;
}

void run(const ExportArguments& arguments) {
  begin_output(arguments.show);
  const fs::path output(arguments.output);
  expect_writable(output, arguments.overwrite);
  const auto found = bundle::read_bundle(restore::find_bundle(arguments.bundle));
  const auto& manifest = found.manifest;
  const auto member = exported_member(manifest, arguments.controller);
  write_file_atomically(output, found.member(member));
  // What a controller takes is a matter of its own (docs/bundle_format.md).
  const std::string sides = arguments.controller
                                ? std::string()
                                : fmt::format("; sides are multiples of {}", manifest.alignment_px);
  spdlog::info("wrote {} ({} of {}{}, values from {} to {})", output.string(), member, found.origin,
               sides, manifest.range_low, manifest.range_high);
  if (!arguments.show.json) return;
  Json event = {{"bundle", found.origin},
                {"member", std::string(member)},
                {"output", output.string()},
                {"bytes", found.member(member).size()}};
  if (!arguments.controller) event["alignment_px"] = manifest.alignment_px;
  if (member == bundle::kRestoreMember) event["scale"] = manifest.scale;
  print_event("summary", event);
}

}  // namespace

void add_export(CLI::App& root) {
  auto* command = root.add_subcommand("export", "Write a bundle's graph as a plain ONNX file");
  auto arguments = std::make_shared<ExportArguments>();
  command->add_option("bundle", arguments->bundle, "name or .chiaro file")->capture_default_str();
  command->add_option("-o,--output", arguments->output, "the file to write")->required();
  command->add_flag("--controller", arguments->controller,
                    "the graph that looks at the picture, not the one that restores it");
  command->add_flag("--overwrite", arguments->overwrite, "replace an existing output");
  add_output_flags(*command, arguments->show);
  command->footer(
      "Examples:\n  chiaro export -o default.onnx\n  chiaro export mine.chiaro --controller -o "
      "looks.onnx");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace chiaro::cli
