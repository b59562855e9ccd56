// chiaro degrade: clean pictures in, damaged ones out, with a seed.
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/contact_sheet.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/interruption.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/degrade/degrade.h"
#include "chiaro/degrade/presets.h"
#include "chiaro/image/codec.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDegradeExample =
    "Examples:\n"
    "  chiaro degrade in.jpg -o out.png --spec 'haze(beta=1.2)+noise(sigma_u8=15)' --seed 7\n"
    "  chiaro degrade photos/ -o damaged/ --draw 'rain/snow+jpeg(quality=30..70)?0.5'\n"
    "  chiaro degrade in.jpg --sheet sheet.png\n"
    "The pictures directly in a folder are written as PNG under their old names. Each picture's\n"
    "damage depends on the seed and on its name (without the extension), as in `chiaro eval`.\n"
    "`chiaro describe noise` lists options.";

struct DegradeArguments {
  std::vector<std::string> files;  // positional: input, output
  std::string input, output, sheet, depth_map;
  std::string spec, draw, preset;
  std::uint64_t seed = 0;
  image::WriteOptions write;
  bool overwrite = false;
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
               "[cli.degrade] what damage? give one of --spec, --draw and --preset; got {}", given);
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

void degrade_one(const DegradeArguments& a, const Damage& damage, const fs::path& input,
                 const fs::path& output) {
  const double started = monotonic_s();
  expect_writable(output, a.overwrite, input);
  const image::Image clean = image::read(input);
  std::optional<image::Image> depth;
  if (!a.depth_map.empty()) depth = image::to_grey(image::read(a.depth_map));
  Rng rng(a.seed, {stable_hash(input.stem().string())});
  const auto chain = damage.drawn ? degrade::draw(*damage.drawn, rng) : damage.chain;
  image::Image damaged = degrade::apply(clean, chain, rng, {.depth = depth ? &*depth : nullptr});
  const std::string spec = degrade::print_spec(chain);
  if (damaged.metadata.xmp.empty()) damaged.metadata.xmp = provenance(spec, a.seed);
  image::write(output, damaged, a.write);
  spdlog::info("wrote {}: {}", output.string(), spec.empty() ? "clean" : spec);
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

/// Errors: Usage, where two pictures of a folder would become one file.
void expect_names_of_their_own(const std::vector<fs::path>& pictures) {
  std::map<fs::path, fs::path> named;
  for (const fs::path& picture : pictures) {
    const auto [other, is_new] = named.emplace(picture.stem(), picture);
    CHIARO_CHECK(
        is_new, Usage, "[cli.degrade] '{}' and '{}' would both become '{}.png'; rename one of them",
        other->second.filename().string(), picture.filename().string(), picture.stem().string());
  }
}

/// All pictures of a folder; one that fails does not stop the rest. Returns how many failed.
int degrade_folder(const DegradeArguments& a, const Damage& damage, int& done) {
  std::error_code failed;
  fs::create_directories(a.output, failed);
  CHIARO_CHECK(fs::is_directory(a.output, failed), Output,
               "[cli.degrade] cannot make the folder '{}'", a.output);
  CHIARO_CHECK(!fs::equivalent(a.input, a.output, failed), Output,
               "[cli.degrade] '{}' is the input folder itself", a.output);
  const auto pictures = image::list_pictures(a.input);
  CHIARO_CHECK(!pictures.empty(), Input, "[cli.degrade] no pictures in '{}'", a.input);
  expect_names_of_their_own(pictures);
  int broken = 0;
  for (const fs::path& picture : pictures) {
    stop_if_interrupted();
    try {
      degrade_one(a, damage, picture, fs::path(a.output) / picture.stem().concat(".png"));
      ++done;
    } catch (const Error& error) {
      ++broken;
      spdlog::error("{}: {}", picture.string(), error.what());
      if (a.show.json)
        print_event("failed", {{"file", picture.string()}, {"message", error.what()}});
    }
  }
  return broken;
}

void run(DegradeArguments& a) {
  begin_output(a.show);
  watch_for_interruption();
  for (const std::string& file : a.files) {
    std::string& place = a.input.empty() ? a.input : a.output;
    CHIARO_CHECK(place.empty(), Usage, "[cli.degrade] too many files; got '{}' as well", file);
    place = file;
  }
  CHIARO_CHECK(!a.input.empty(), Usage,
               "[cli.degrade] which picture? give a file or a folder, as in: chiaro degrade in.jpg "
               "-o out.png --spec noise");
  if (!a.sheet.empty()) {
    expect_writable(a.sheet, a.overwrite, a.input);
    image::write(a.sheet, contact_sheet(image::read(a.input), a.seed));
    spdlog::info("wrote {}", a.sheet);
    if (a.show.json) print_event("sheet", {{"file", a.input}, {"output", a.sheet}});
    if (a.output.empty()) return;
  }
  CHIARO_CHECK(!a.output.empty(), Usage, "[cli.degrade] where to? give -o");
  const Damage damage = damage_of(a);
  int done = 0;
  int broken = 0;
  if (fs::is_directory(a.input)) {
    broken = degrade_folder(a, damage, done);
  } else {
    degrade_one(a, damage, a.input, a.output);
    done = 1;
  }
  if (a.show.json) print_event("summary", {{"done", done}, {"failed", broken}});
  CHIARO_CHECK(broken == 0, SomeFailed, "[cli.degrade] {} of {} pictures failed", broken,
               done + broken);
}

}  // namespace

void add_degrade(CLI::App& root) {
  auto* command = root.add_subcommand("degrade", "Damage clean pictures in a stated way");
  auto a = std::make_shared<DegradeArguments>();
  command->footer(kDegradeExample);
  command->add_option("files", a->files, "input and, without -o, output: files or folders")
      ->type_name("IN [OUT]");
  command->add_option("-i,--input", a->input, "a picture or a folder of pictures");
  command->add_option("-o,--output", a->output, "where to write; a folder if the input is one");
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
  command->add_flag("--overwrite", a->overwrite, "replace existing outputs");
  add_output_flags(*command, a->show);
  command->callback([a] { run(*a); });
}

}  // namespace chiaro::cli
