// chiaro inspect: what is wrong with pictures, and where.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <span>
#include <system_error>

#include "apps/cli/code_inspection.h"
#include "apps/cli/commands.h"
#include "apps/cli/each_picture.h"
#include "apps/cli/flags.h"
#include "apps/cli/inspection_sheet.h"
#include "apps/cli/inspection_text.h"
#include "apps/cli/interruption.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/code_inspector.h"
#include "chiaro/restore/find_pictures.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

struct InspectArguments {
  std::vector<std::string> inputs;
  std::string map;
  bool overwrite = false;
  bool as_table = false;  ///< a line for each, since there may be several
  EngineFlags engine;
  OutputFlags show;

  bool piped() const { return inputs.size() == 1 && inputs[0] == "-"; }
};

/// The files themselves; of folders and patterns what chiaro restore would take. What is there but
/// cannot be read counts as failed.
restore::FoundPictures pictures_of(const InspectArguments& arguments) {
  restore::FoundPictures all;
  if (arguments.piped()) all.pictures.push_back({"standard input", {}});
  for (const std::string& input : arguments.inputs) {
    std::error_code failed;
    if (arguments.piped()) break;
    CHIARO_CHECK(input != "-", Usage,
                 "[cli.inspect] standard input is one picture; got others beside it");
    if (!fs::is_directory(input, failed) && !restore::is_pattern(input)) {
      all.pictures.push_back({input, {}});
      continue;
    }
    const auto found = restore::find_pictures(std::span(&input, 1));
    all.pictures.insert(all.pictures.end(), found.pictures.begin(), found.pictures.end());
    all.unreadable.insert(all.unreadable.end(), found.unreadable.begin(), found.unreadable.end());
  }
  for (const auto& [path, reason] : all.unreadable)
    tell_unreadable(path, fmt::format("[cli.inspect] cannot read '{}': {}", path.string(), reason),
                    arguments.show.json);
  CHIARO_CHECK(arguments.map.empty() || all.pictures.size() == 1, Usage,
               "[cli.inspect] --map draws one picture; '{}' matches {}", arguments.inputs[0],
               all.pictures.size());
  return all;
}

void check_map(const InspectArguments& arguments) {
  std::error_code failed;
  CHIARO_CHECK(arguments.inputs.size() == 1, Usage,
               "[cli.inspect] --map draws one picture; got {}; expected one",
               arguments.inputs.size());
  CHIARO_CHECK(!fs::is_directory(arguments.inputs[0], failed), Usage,
               "[cli.inspect] --map draws one picture; got the folder '{}'; expected a file",
               arguments.inputs[0]);
  CHIARO_CHECK(!image::format_written_as(arguments.map).empty(), Usage,
               "[cli.inspect] the name '{}' tells no picture format; use .png or .jpg",
               arguments.map);
  expect_writable(arguments.map, arguments.overwrite, arguments.piped() ? "" : arguments.inputs[0]);
}

/// What the event `inspected` begins with.
Json event_of(const PageOf& which, const image::Image& picture) {
  return {{"file", which.file.string()},
          {"page", which.page},
          {"pages", which.pages},
          {"width", picture.width()},
          {"height", picture.height()}};
}

void print_one(const PageOf& which, const image::Image& picture, const restore::Inspection& found,
               const restore::Inspector& inspector, const InspectArguments& arguments) {
  const auto& info = inspector.info();
  const auto decision = restore::judge(found, info);
  const std::string advice = restore::recommendation(decision);
  if (arguments.show.json) {
    Json event = event_of(which, picture);
    event.update(inspection_json(found, info));
    event["confidence"] = decision.confidence;
    event["unlike"] = decision.unlike;
    event["recommendation"] = advice;
    event["guard"] = guard_json(decision);
    print_event("inspected", event);
    return;
  }
  if (arguments.as_table) {
    fmt::print("{:<12} {:>5.2f} {:>9.2f} {:>8.2f} {:>8.3g}  {}{}\n", info.types[found.top()],
               found.probabilities[found.top()], found.severities[found.top()], decision.strength,
               found.novelty, which.name(),
               decision.unlike ? "  UNLIKE ANYTHING SEEN IN TRAINING" : "");
    return;
  }
  fmt::print("{}: {}\n  seen         {}\n", which.name(), verdict_text(decision, found, info),
             types_text(found, info));
  if (!found.domains.empty()) fmt::print("  like         {}\n", domain_text(found, info));
  fmt::print(
      "  confidence   {:.2f}\n  novelty      {:.3g}; {} {:.3g}, from where on a picture counts as "
      "unlike training\n",
      decision.confidence, found.novelty, decision.unlike ? "above" : "below",
      info.novelty_threshold);
}

void draw_map(const image::Image& picture, restore::Inspector& inspector,
              const InspectArguments& arguments) {
  ProgressBar bar("looking", stderr_is_terminal() && !arguments.show.quiet);
  const auto map = inspector.map(picture, [&](double done) {
    bar.update(done);
    return !interrupted();
  });
  image::write(arguments.map, inspection_sheet(picture, map, inspector.info()));
  const auto found = spreads(picture, map, inspector.info());
  if (arguments.show.json) {
    Json types = Json::array();
    for (const Spread& spread : found) {
      types.push_back({{"type", inspector.info().types[spread.type]},
                       {"share", spread.share},
                       {"lowest", spread.lowest},
                       {"highest", spread.highest}});
    }
    print_event("map", {{"file", arguments.map}, {"types", std::move(types)}});
    return;
  }
  for (const Spread& spread : found)
    fmt::print("  where        {}\n", spread_text(spread, inspector.info()));
  if (found.empty()) fmt::print("  where        no damage is noticeable anywhere\n");
  spdlog::info("wrote {}", arguments.map);
}

/// inspect_one prints what is found in a picture, or in a page of one.
void inspect_all(const restore::FoundPictures& found, const InspectArguments& arguments,
                 const TreatPicture& inspect_one) {
  std::vector<fs::path> pictures;
  for (const auto& one : found.pictures) pictures.push_back(one.file);
  const std::size_t count = pictures.size() + found.unreadable.size();
  std::size_t failed = found.unreadable.size();
  if (arguments.piped()) {
    treat_pages(pictures[0], read_stdin(), inspect_one);
  } else if (count == 1 && failed == 0) {  // there is no rest that could go on
    treat_pages(pictures[0], inspect_one);
  } else {
    failed += treat_each(pictures, arguments.show.json, inspect_one);
  }
  if (arguments.show.json) print_event("summary", {{"done", count - failed}, {"failed", failed}});
  expect_none_failed(failed, count);
}

/// By a controller.
void inspect_conditions(const bundle::Bundle& bundle, const restore::FoundPictures& pictures,
                        const InspectArguments& arguments) {
  restore::Inspector inspector(bundle, engine_options(arguments.engine));
  if (arguments.as_table) {
    fmt::print("{:<12} {:>5} {:>9} {:>8} {:>8}  {}\n", "type", "prob", "severity", "strength",
               "novelty", "file");
  }
  inspect_all(pictures, arguments, [&](const PageOf& which, const image::Image& picture) {
    print_one(which, picture, inspector.inspect(picture), inspector, arguments);
    if (arguments.map.empty() || which.page > 1) return;
    draw_map(picture, inspector, arguments);
    if (which.pages > 1) spdlog::info("the map is of the first of {} pages", which.pages);
  });
}

/// By an encoder and its tree of known damage.
void inspect_codes(const bundle::Bundle& bundle, const restore::FoundPictures& pictures,
                   const InspectArguments& arguments) {
  CHIARO_CHECK(arguments.map.empty(), Usage,
               "[cli.inspect] --map needs a bundle with a controller; '{}' is an encoder",
               bundle.origin);
  restore::CodeInspector inspector(bundle, engine_options(arguments.engine));
  const auto& kinds = inspector.tree().kinds();
  inspect_all(pictures, arguments, [&](const PageOf& which, const image::Image& picture) {
    const restore::Placement placement = inspector.inspect(picture);
    if (arguments.show.json) {
      Json event = event_of(which, picture);
      event.update(placement_json(placement, kinds));
      print_event("inspected", event);
      return;
    }
    fmt::print("{}: {}\n", which.name(), placement_text(placement, kinds));
    if (!arguments.as_table) fmt::print("{}", path_text(placement, kinds));
  });
}

void run(InspectArguments& arguments) {
  begin_output(arguments.show);
  if (!arguments.map.empty()) check_map(arguments);
  watch_for_interruption();
  image::start_codecs();
  const auto pictures = pictures_of(arguments);
  arguments.as_table = !arguments.show.json &&
                       (pictures.pictures.size() > 1 || fs::is_directory(arguments.inputs[0]));
  const auto bundle = bundle::read_bundle(restore::find_bundle(arguments.engine.bundle));
  if (bundle.manifest.kind == "encode") {
    inspect_codes(bundle, pictures, arguments);
  } else {
    inspect_conditions(bundle, pictures, arguments);
  }
}

}  // namespace

void add_inspect(CLI::App& root) {
  auto* command = root.add_subcommand("inspect", "Tell what is wrong with pictures");
  auto arguments = std::make_shared<InspectArguments>();
  command->footer(
      "Examples:\n  chiaro inspect old.jpg\n  chiaro inspect old.jpg --map where.png\n  chiaro "
      "inspect scans --json\n\n"
      "The first line says what is wrong and what `chiaro restore` would do: sure stands for a\n"
      "probability of 0.8 and more, likely for 0.5, perhaps for 0.1. Below it:\n"
      "  seen        kinds of damage: probability (all sum to 1) and severity (0 to 1; for noise "
      "1\n"
      "              is a standard deviation of 75 of 255)\n"
      "  like        the source of training pictures that it resembles most\n"
      "  confidence  0 to 1; the strength is 0.25 + 0.75 times it, 0 for clean and drawn pictures\n"
      "  novelty     0 and more, without unit: how unlike the pictures of training it is, beside\n"
      "              the threshold of the bundle\n"
      "Of several pictures or a folder: a table, with the strength instead of the confidence.\n"
      "Each page of a TIFF is looked at.\n\n"
      "Needs a bundle with a controller, or an encoder with its tree. More: docs/inspecting.md");
  command
      ->add_option("photos", arguments->inputs,
                   "pictures, folders and patterns; -: one picture from standard input")
      ->required()
      ->type_name("PHOTO...");
  command->add_option("--map", arguments->map,
                      "draw where which damage is, of one picture (of several pages, the first), "
                      "into this file");
  command->add_flag("--overwrite", arguments->overwrite, "replace an existing map");
  add_engine_flags(*command, arguments->engine);
  command->remove_option(command->get_option("--precision"));  // a controller runs in f32
  add_output_flags(*command, arguments->show);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace chiaro::cli
