// chiaro retrieve: the pictures of a folder by likeness to one, in what they show or in their
// damage.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/each_picture.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/interruption.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/picture_encoder.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

struct RetrieveArguments {
  std::string query;
  std::string folder;
  std::string by;
  std::int64_t top = 10;
  EngineFlags engine;
  OutputFlags show;
};

struct Ranked {
  fs::path file;
  double cosine = 0;
};

/// All pictures below the folder but the query itself.
std::vector<fs::path> candidates_of(const RetrieveArguments& arguments) {
  std::error_code failed;
  CHIARO_CHECK(fs::is_directory(arguments.folder, failed), Input,
               "[cli.retrieve] '{}' is no folder", arguments.folder);
  auto pictures = image::list_pictures(arguments.folder, /*recursive=*/true);
  std::erase_if(pictures, [&](const fs::path& file) {
    std::error_code unknown;
    return fs::equivalent(file, arguments.query, unknown);
  });
  CHIARO_CHECK(!pictures.empty(), Input, "[cli.retrieve] there are no other pictures in '{}'",
               arguments.folder);
  return pictures;
}

/// The bundle, where it makes codes. Errors: Bundle, saying what is needed and where it comes from.
bundle::Bundle encoder_bundle(const std::string& name) {
  bundle::Bundle chosen = bundle::read_bundle(restore::find_bundle(name));
  if (chosen.manifest.kind == "encode") return chosen;
  std::vector<std::string> encoders;
  for (const fs::path& path : restore::list_bundles()) {
    try {
      if (bundle::read_manifest(path).kind == "encode") encoders.push_back(path.string());
    } catch (const Error& error) {  // one that is damaged is not the one that is looked for
      spdlog::debug("{}", error.what());
    }
  }
  fail(ErrorCode::Bundle,
       "[cli.retrieve] bundle '{}' restores pictures and makes no codes to compare them by; "
       "expected --bundle with an encoder, {}",
       name,
       encoders.empty() ? "of which none ships: train one with chiaro train recipes/dcodr.toml, "
                          "then chiaro freeze (docs/methods/dcodr.md)"
                        : "such as " + join(encoders));
}

void print(const std::vector<Ranked>& ranking, const RetrieveArguments& arguments) {
  if (!arguments.show.json) fmt::print("{:>4} {:>7}  {}\n", "rank", "cosine", "file");
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    const auto& [file, cosine] = ranking[i];
    if (arguments.show.json) {
      print_event("found", {{"rank", i + 1}, {"cosine", cosine}, {"file", file.string()}});
    } else {
      fmt::print("{:>4} {:>7.4f}  {}\n", i + 1, cosine, file.string());
    }
  }
}

void run(const RetrieveArguments& arguments) {
  begin_output(arguments.show);
  watch_for_interruption();
  image::start_codecs();
  const auto pictures = candidates_of(arguments);
  restore::PictureEncoder encoder(encoder_bundle(arguments.engine.bundle), arguments.by,
                                  engine_options(arguments.engine));
  const auto wanted = encoder.code(image::read(arguments.query));
  std::vector<Ranked> ranking;
  const std::size_t failed = treat_each(
      pictures, arguments.show.json, [&](const fs::path& file, const image::Image& picture) {
        ranking.push_back({file, restore::cosine(wanted, encoder.code(picture))});
      });
  const std::size_t compared = ranking.size();
  std::stable_sort(ranking.begin(), ranking.end(),
                   [](const Ranked& a, const Ranked& b) { return a.cosine > b.cosine; });
  ranking.resize(std::min(compared, static_cast<std::size_t>(arguments.top)));
  print(ranking, arguments);
  if (arguments.show.json) {
    print_event("summary", {{"query", arguments.query},
                            {"by", arguments.by},
                            {"compared", compared},
                            {"failed", failed}});
  }
  expect_none_failed(failed, pictures.size());
}

}  // namespace

void add_retrieve(CLI::App& root) {
  auto* command = root.add_subcommand(
      "retrieve", "Rank the pictures of a folder by likeness in content or in damage");
  auto arguments = std::make_shared<RetrieveArguments>();
  command->footer(
      "Examples:\n  chiaro retrieve scan.jpg --in archive --by content --bundle dcodr.chiaro\n  "
      "chiaro retrieve scan.jpg --in archive --by degradation --bundle dcodr.chiaro "
      "--json\n\nNeeds a bundle with an encoder. None ships: chiaro train recipes/dcodr.toml and "
      "chiaro\n"
      "freeze make one (docs/methods/dcodr.md). Every call reads all pictures of the folder.");
  command->add_option("query", arguments->query, "the picture to compare with")
      ->required()
      ->type_name("PHOTO");
  command->add_option("--in", arguments->folder, "the folder that is searched, with all below it")
      ->required()
      ->type_name("FOLDER");
  command
      ->add_option("--by", arguments->by,
                   "part of the code: content (what pictures show) or degradation (what was done "
                   "to them)")
      ->required();
  command->add_option("--top", arguments->top, "how many of the nearest are printed")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40))
      ->capture_default_str();
  add_engine_flags(*command, arguments->engine);
  command->remove_option(command->get_option("--precision"));  // codes are made in f32
  add_output_flags(*command, arguments->show);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace chiaro::cli
