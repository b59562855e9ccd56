// chiaro degrade: clean pictures in, damaged ones out, with a seed.
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/contact_sheet.h"
#include "apps/cli/each_picture.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/interruption.h"
#include "apps/cli/restore_work.h"
#include "apps/cli/shown_text.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/degrade/degrade.h"
#include "chiaro/degrade/presets.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/batch_plan.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDegradeExample =
    "Examples:\n"
    "  chiaro degrade in.jpg -o out.png --spec 'haze(beta=1.2)+noise(sigma_u8=15)' --seed 7\n"
    "  chiaro degrade photos/ -o damaged/ --draw 'rain/snow+jpeg(quality=30..70)?0.5'\n"
    "  chiaro degrade in.jpg --sheet sheet.png\n"
    "  chiaro degrade - -o - --spec rain < in.jpg | chiaro restore - -o - > out.png\n"
    "Folders are mirrored, with all below them. Each picture's damage depends\n"
    "on the seed and on its name (with the folders that are mirrored, without the extension), as\n"
    "in `chiaro eval`.\n"
    "`chiaro describe noise` lists options.";

struct DegradeArguments {
  std::vector<std::string> files;  // positional: inputs, or input and output
  std::vector<std::string> inputs;
  std::string input, output, sheet, depth_map;
  std::string spec, draw, preset, name;
  std::uint64_t seed = 0;
  image::WriteOptions write;
  bool overwrite = false;
  bool skip_existing = false;
  OutputFlags show;
};

/// A fixed chain or one drawn per picture.
struct Damage {
  degrade::Chain chain;
  std::optional<degrade::ChainTemplate> drawn;
};

Damage damage_of(const DegradeArguments& a) {
  const int given = !a.spec.empty() + !a.draw.empty() + !a.preset.empty();
  CHIARO_CHECK(given == 1, Usage,
               "[cli.degrade] what damage? give one of --spec, --draw and --preset; got {}",
               given == 0 ? "none" : "several");
  if (!a.spec.empty()) return {degrade::parse_spec(a.spec), {}};
  if (!a.draw.empty()) return {{}, degrade::parse_template(a.draw)};
  return {{}, degrade::preset(a.preset)};
}

/// An XMP packet that says how the picture was made.
std::vector<std::uint8_t> provenance(const std::string& spec, std::uint64_t seed) {
  std::string safe;
  for (const char c : spec) {
    safe += c == '"' ? "&quot;" : c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
  }
  const std::string text = fmt::format(
      "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta "
      "xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
      "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" "
      "xmlns:chiaro=\"urn:chiaro:1\" chiaro:degradation=\"{}\" "
      "chiaro:seed=\"{}\"/></rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>",
      safe, seed);
  return {text.begin(), text.end()};
}

/// The random numbers depend on the seed and on `name`.
void degrade_one(const DegradeArguments& a, const Damage& damage, const restore::BatchItem& item,
                 const fs::path& name) {
  const auto& [input, output] = item;
  const double started = monotonic_s();
  const bool piped = input == "-";
  const bool to_stdout = output == "-";
  if (!to_stdout) expect_writable(output, a.overwrite, piped ? "" : input);
  const image::Image clean =
      piped ? image::decode(read_stdin(), "standard input") : image::read(input);
  std::optional<image::Image> depth;
  if (!a.depth_map.empty()) depth = image::to_grey(image::read(a.depth_map));
  Rng rng(a.seed, {stable_hash(name.string())});
  const auto chain = damage.drawn ? degrade::draw(*damage.drawn, rng) : damage.chain;
  image::Image damaged = degrade::apply(clean, chain, rng, {.depth = depth ? &*depth : nullptr});
  const std::string spec = degrade::print_spec(chain);
  if (damaged.metadata.xmp.empty()) damaged.metadata.xmp = provenance(spec, a.seed);
  if (to_stdout) {
    image::WriteOptions write = a.write;
    if (write.format.empty()) write.format = "png";
    write_to_stdout(image::encode(damaged, write));
  } else {
    image::write(output, damaged, a.write);
  }
  spdlog::info("wrote {}: {}", shown_output(output.string()), spec.empty() ? "clean" : spec);
  if (!a.show.json) return;
  Json severities = Json::array();
  for (const auto& step : chain) severities.push_back(degrade::severity(step));
  print_event("degraded", {{"file", input.string()},
                           {"output", output.string()},
                           {"spec", spec},
                           {"seed", a.seed},
                           {"severities", severities},
                           {"seconds", monotonic_s() - started}});
}

void say_failed(const DegradeArguments& a, const fs::path& picture, const std::string& why) {
  spdlog::error("{}: {}", picture.string(), why);
  if (a.show.json) print_event("failed", {{"file", picture.string()}, {"message", why}});
}

struct Counts {
  std::size_t done = 0;
  std::size_t broken = 0;
  std::size_t existing = 0;  ///< left as they were
};

/// Whether the result is there and is to stay.
bool is_there(const DegradeArguments& a, const fs::path& output) {
  std::error_code failed;
  return a.skip_existing && fs::is_regular_file(output, failed);
}

/// Files and folders into a folder, which mirrors them; one that fails does not stop the rest.
Counts degrade_many(const DegradeArguments& a, const Damage& damage) {
  expect_folder_name(a.output);
  restore::BatchPlanOptions options{.output = a.output,
                                    .format = a.write.format.empty() ? "png" : a.write.format};
  if (!a.name.empty()) options.name = a.name;
  restore::BatchPlan plan = restore::plan_batch(a.inputs, options);
  if (a.skip_existing) restore::leave_out_existing(plan);
  if (!a.skip_existing && !a.overwrite) restore::refuse_existing(plan);
  restore::prepare_folders(plan);
  for (const restore::BatchItem& item : plan.items)
    expect_writable(item.output, a.overwrite, item.input);
  Counts counts{.existing = plan.existing};
  for (const auto& [path, reason] : plan.unreadable) {
    ++counts.broken;
    say_failed(a, path, reason);
  }
  for (const restore::BatchItem& item : plan.items) {
    stop_if_interrupted();
    try {
      const fs::path below = item.output.lexically_relative(plan.output);
      degrade_one(a, damage, item, below.parent_path() / below.stem());
      ++counts.done;
    } catch (const Error& error) {
      ++counts.broken;
      say_failed(a, item.input, error.what());
    }
  }
  spdlog::info("{} damaged, {} failed{}", counts.done, counts.broken,
               a.skip_existing ? fmt::format(", {} existed", counts.existing) : "");
  return counts;
}

/// Settles what is input and what output: of two files without -o the second is the output.
void sort_files(DegradeArguments& a) {
  a.inputs = a.files;
  if (!a.input.empty()) a.inputs.insert(a.inputs.begin(), a.input);
  if (a.output.empty() && a.inputs.size() == 2) {
    a.output = a.inputs.back();
    a.inputs.pop_back();
  }
  CHIARO_CHECK(!a.inputs.empty(), Usage,
               "[cli.degrade] which picture? give files or folders, as in: chiaro degrade in.jpg "
               "-o out.png --spec noise");
}

bool is_folder(const std::string& name) {
  std::error_code failed;
  return fs::is_directory(name, failed);
}

bool are_many(const DegradeArguments& a) {
  const auto makes_many = [](const std::string& input) {
    return is_folder(input) || restore::is_pattern(input);
  };
  CHIARO_CHECK(a.inputs.size() == 1 || std::ranges::find(a.inputs, "-") == a.inputs.end(), Usage,
               "[cli.degrade] - stands for one picture; got others beside it");
  return a.inputs.size() > 1 || a.output.ends_with('/') || is_folder(a.output) ||
         std::ranges::any_of(a.inputs, makes_many);
}

void run(DegradeArguments& a) {
  begin_output(a.show);
  watch_for_interruption();
  sort_files(a);
  const std::string& first = a.inputs.front();
  if (!a.sheet.empty()) {
    CHIARO_CHECK(a.inputs.size() == 1, Usage, "[cli.degrade] --sheet is of one picture; got {}",
                 a.inputs.size());
    expect_writable(a.sheet, a.overwrite, first);
    image::write(a.sheet, contact_sheet(image::read(first), a.seed));
    spdlog::info("wrote {}", a.sheet);
    if (a.show.json) print_event("sheet", {{"file", first}, {"output", a.sheet}});
    if (a.output.empty()) return;
  }
  expect_format(a.write);
  CHIARO_CHECK(!a.skip_existing || !a.overwrite, Usage,
               "[cli.degrade] --skip-existing and --overwrite contradict each other");
  CHIARO_CHECK(!a.output.empty(), Usage,
               "[cli.degrade] where to? give -o; of two files without it the second is the output");
  const Damage damage = damage_of(a);
  Counts counts;
  if (are_many(a)) {
    counts = degrade_many(a, damage);
  } else {
    CHIARO_CHECK(a.name.empty(), Usage,
                 "[cli.degrade] --name is for several pictures; '{}' is one file, and '{}' no "
                 "folder",
                 first, a.output);
    CHIARO_CHECK(a.output != "-" || !a.show.json, Usage,
                 "[cli.degrade] --json and a picture cannot both go to stdout");
    counts.existing = is_there(a, a.output) ? 1 : 0;
    if (counts.existing == 1) spdlog::info("{} exists already and stays as it is", a.output);
    counts.done = 1 - counts.existing;
    if (counts.done == 1) degrade_one(a, damage, {first, a.output}, fs::path(first).stem());
  }
  if (a.show.json)
    print_event("summary",
                {{"done", counts.done}, {"failed", counts.broken}, {"existing", counts.existing}});
  CHIARO_CHECK(counts.broken == 0, SomeFailed, "[cli.degrade] {} of {} pictures failed",
               counts.broken, counts.done + counts.broken);
}

}  // namespace

void add_degrade(CLI::App& root) {
  auto* command = root.add_subcommand("degrade", "Damage clean pictures in a stated way");
  auto a = std::make_shared<DegradeArguments>();
  command->footer(kDegradeExample);
  command
      ->add_option("files", a->files,
                   "pictures and folders of them; two without -o are input and output")
      ->type_name("IN [OUT] | IN...");
  command->add_option("-i,--input", a->input,
                      "a picture or a folder of pictures, as the first of the files");
  command->add_option("-o,--output", a->output,
                      "where to write; a folder unless the input is one picture");
  command->add_option("--name", a->name,
                      "names of several results, as in chiaro restore; default {stem}.{ext}");
  command->add_option("--spec", a->spec, "a chain, e.g. 'haze(beta=1.2)+noise(sigma_u8=15)'");
  command->add_option("--draw", a->draw, "a template to draw from, e.g. 'noise(sigma_u8=5..55)'");
  command->add_option("--preset", a->preset, "a published convention, e.g. airnet_noise_25");
  command->add_option("--seed", a->seed, "of all randomness")->capture_default_str();
  command->add_option("--depth-map", a->depth_map,
                      "grey picture of the same size for haze: black near, white far");
  command->add_option("--sheet", a->sheet, "write all degradations at three strengths here");
  command
      ->add_option(
          "--quality", a->write.quality,
          "of JPEG and WebP, 1 to 100; 0: as the source if that is a JPEG of 80 or more, else 95")
      ->capture_default_str();
  command->add_flag("--strip", a->write.strip_metadata, "leave EXIF, XMP and profile out");
  command->add_option("--format", a->write.format,
                      "png, jpeg, webp, tiff, ppm, pfm, exr or hdr; else by the name, and of "
                      "several pictures png");
  command->add_flag("--overwrite", a->overwrite, "replace existing outputs");
  command->add_flag("--skip-existing", a->skip_existing, "leave pictures whose result exists");
  add_output_flags(*command, a->show);
  command->callback([a] { run(*a); });
}

}  // namespace chiaro::cli
