// chiaro models: the bundles on this machine, what they say of themselves, and whether they are
// sound.
#include <fmt/format.h>

#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/self_test.h"

namespace chiaro::cli {
namespace {

struct ModelsArguments {
  std::string bundle = "default";
  bool all = false;
  OutputFlags show;
};

void list(const ModelsArguments& arguments) {
  begin_output(arguments.show);
  const auto bundles = restore::list_bundles();
  int failed = 0;
  for (const auto& path : bundles) {
    try {
      const auto manifest = bundle::read_manifest(path);
      if (arguments.show.json) {
        Json event = {{"name", path.stem().string()}, {"file", path.string()},
                      {"summary", manifest.summary},  {"license", manifest.license},
                      {"scale", manifest.scale},      {"labels", manifest.labels}};
        if (manifest.condition) event["types"] = manifest.condition->types;
        print_event("bundle", event);
      } else {
        fmt::print("{:<16} {}  ({})\n", path.stem().string(), manifest.summary, path.string());
      }
    } catch (const Error& error) {
      ++failed;
      spdlog::error("{}", error.what());
    }
  }
  if (arguments.show.json) {
    print_event("summary",
                {{"done", bundles.size() - static_cast<std::size_t>(failed)}, {"failed", failed}});
  } else if (bundles.empty()) {
    std::vector<std::string> folders;
    for (const auto& folder : restore::bundle_folders()) folders.push_back(folder.string());
    spdlog::info("no bundles found; searched: {}",
                 folders.empty() ? "no folder exists" : join(folders));
  }
  CHIARO_CHECK(failed == 0, SomeFailed, "[cli.models] {} of {} bundles cannot be read", failed,
               bundles.size());
}

void card(const ModelsArguments& arguments) {
  begin_output(arguments.show);
  const auto found = bundle::read_bundle(restore::find_bundle(arguments.bundle));
  if (arguments.show.json) {
    print_event("summary",
                {{"name", found.manifest.name}, {"card", found.text(bundle::kCardMember)}});
  } else {
    fmt::print("{}", found.text(bundle::kCardMember));
  }
}

void info(const ModelsArguments& arguments) {
  begin_output(arguments.show);
  const auto path = restore::find_bundle(arguments.bundle);
  const auto manifest = bundle::read_manifest(path);
  if (arguments.show.json) {
    print_event("summary", {{"file", path.string()},
                            {"manifest", Json::parse(bundle::print_manifest(manifest))}});
    return;
  }
  fmt::print("{}", bundle::print_manifest(manifest));
}

/// Returns whether the bundle is sound.
bool verify_one(const std::filesystem::path& path, const OutputFlags& show) {
  const auto found = bundle::read_bundle(path);  // checks structure and checksums
  const auto result = restore::verify(found);
  const bool sound = result.first_difference.empty();
  if (show.json) {
    print_event("verified", {{"file", path.string()},
                             {"sound", sound},
                             {"cases", result.cases},
                             {"largest_difference", result.largest_difference},
                             {"first_difference", result.first_difference}});
  } else if (sound) {
    fmt::print("{}: sound; checksums match, {} test vectors replayed, largest difference {:.1e}\n",
               path.string(), result.cases, result.largest_difference);
  } else {
    fmt::print(
        "{}: computes something else here; tensor '{}' is the first to differ, largest difference "
        "{:.1e}\n",
        path.string(), result.first_difference, result.largest_difference);
  }
  return sound;
}

void verify(const ModelsArguments& arguments) {
  begin_output(arguments.show);
  const auto paths =
      arguments.all ? restore::list_bundles()
                    : std::vector<std::filesystem::path>{restore::find_bundle(arguments.bundle)};
  std::size_t different = 0;
  std::size_t failed = 0;
  for (const auto& path : paths) {
    try {
      different += verify_one(path, arguments.show) ? 0 : 1;
    } catch (const Error& error) {
      if (!arguments.all) throw;
      ++failed;
      spdlog::error("{}", error.what());
      if (arguments.show.json)
        print_event("failed", {{"file", path.string()},
                               {"message", error.what()},
                               {"exit_status", error.exit_status()}});
    }
  }
  if (arguments.show.json)
    print_event("summary",
                {{"done", paths.size() - failed}, {"different", different}, {"failed", failed}});
  CHIARO_CHECK(failed == 0, SomeFailed, "[cli.models] {} of {} bundles cannot be verified", failed,
               paths.size());
  CHIARO_CHECK(different == 0, CheckFailed,
               "[cli.models] the self-test of {} of {} bundles does not agree", different,
               paths.size());
}

CLI::App* add_action(CLI::App& models, const char* name, const char* help, bool takes_bundle,
                     void (*action)(const ModelsArguments&)) {
  auto* command = models.add_subcommand(name, help);
  auto arguments = std::make_shared<ModelsArguments>();
  if (takes_bundle) {
    command->add_option("bundle", arguments->bundle, "name or .chiaro file")->capture_default_str();
  }
  if (action == verify)
    command->add_flag("--all", arguments->all, "every bundle that `list` shows");
  add_output_flags(*command, arguments->show);
  command->callback([arguments, action] { action(*arguments); });
  return command;
}

}  // namespace

void add_models(CLI::App& root) {
  auto* models = root.add_subcommand("models", "List, describe and verify bundles");
  models->require_subcommand(1);
  models->footer(
      "Examples:\n  chiaro models list\n  chiaro models card default\n  chiaro models verify "
      "mine.chiaro");
  add_action(*models, "list", "names and one line each", false, list);
  add_action(*models, "card", "what it is for, how it was made, how good it is", true, card);
  add_action(*models, "info", "the manifest", true, info);
  add_action(*models, "verify", "checksums, and replay of the stored test vectors", true, verify);
}

}  // namespace chiaro::cli
