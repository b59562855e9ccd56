#include "chiaro/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <ATen/ATen.h>
#include <spdlog/spdlog.h>

#include "chiaro/base/text.h"
#include "chiaro/data/depth.h"
#include "chiaro/data/listing.h"
#include "chiaro/data/variation.h"
#include "chiaro/image/codec.h"

namespace chiaro::data {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDraws = 100;
constexpr double kUnknownSeverity = 0.5;

/// A square of `side` px of the picture, in steps that keep it inside.
struct Window {
  int y;
  int x;
  int height;
  int width;
};

/// A window that, reduced by `scale`, has the side `wanted`; the scale is lowered where the picture
/// is too small.
Window draw_window(PictureStore::Size size, int wanted, double scale, Rng& rng) {
  const int largest = std::min(size.height, size.width);
  const int side =
      std::clamp(static_cast<int>(std::lround(wanted * scale)), std::min(wanted, largest), largest);
  return {static_cast<int>(rng.integer(0, size.height - side)),
          static_cast<int>(rng.integer(0, size.width - side)), side, side};
}

/// Exactly side × side: area reduction of a larger window, mirror padding of a smaller one.
image::Image fit(const image::Image& window, int side) {
  if (window.height() > side) return image::reduce_area(window, side, side);
  if (window.height() == side) return window;
  const int missing = side - window.height();
  return image::pad_reflect(window, missing / 2, missing - missing / 2, missing / 2,
                            missing - missing / 2);
}

/// The picture with sides divided by `scale`, free of aliases: what a super-resolution network is
/// given.
image::Image reduced(const image::Image& picture, int scale) {
  return scale == 1 ? picture : resized(picture, picture.height() / scale, picture.width() / scale);
}

/// See data.resized. What is enlarged looks blurred, so only what is neither clean nor blurred is.
double draw_size_factor(const degrade::Chain& chain, Rng& rng) {
  bool damaged = false;
  bool grainy = false;
  bool blurred = false;
  for (const auto& step : chain) {
    const std::string& kind = degrade::find(step.name).kind;
    damaged = damaged || kind != "clean";
    grainy = grainy || kind == "noise" || kind == "jpeg";
    blurred = blurred || kind == "blur";
  }
  if (!damaged) return 1;
  const bool enlarged = grainy && !blurred && rng.chance(0.3);
  return enlarged ? 1 / rng.log_uniform(1.1, 1.6) : rng.log_uniform(1.2, 2.5);
}

/// Names become columns of tables and parts of file names.
void expect_plain_name(const std::string& name, std::string_view of) {
  const bool plain = std::ranges::all_of(name, [](unsigned char byte) {
    return byte >= ' ' && byte != ',' && byte != '"' && byte != '/' && byte != 0x7f;
  });
  CHIARO_CHECK(plain, Usage,
               "[data] the name of a {} has a comma, quote, slash or control character; got '{}'",
               of, name);
}

}  // namespace

Dataset::Dataset(const Recipe& recipe, const fs::path& root, Part part)
    : options_(parse_options<DataOptions>(recipe.table("data").values, "data")),
      store_(std::make_unique<PictureStore>(static_cast<std::size_t>(options_.cache_mb) << 20)) {
  CHIARO_CHECK(options_.variants == 1 || options_.alike == 1, Usage,
               "[data] variants share the picture, alike the damage; got data.variants = {} and "
               "data.alike = {}; expected one of them to be 1",
               options_.variants, options_.alike);
  add_sources(recipe, root, part);
  add_streams(recipe, part);
  offset_ = Rng(static_cast<std::uint64_t>(options_.seed), {stable_hash("order")}).uniform();
}

void Dataset::add_sources(const Recipe& recipe, const fs::path& root, Part part) {
  const auto found = recipe.lists.find("source");
  CHIARO_CHECK(found != recipe.lists.end() && !found->second.empty(), Usage,
               "[data.source] the recipe has no [[source]]");
  std::vector<Listing> lists;
  std::set<std::string> held_out_anywhere;
  for (const auto& item : found->second) {
    sources_.push_back({parse_options<SourceOptions>(item.values, "source"), {}, -1});
    expect_plain_name(sources_.back().options.name, "source");
    expect_plain_name(sources_.back().options.task, "task");
    lists.push_back(list_source(sources_.back().options, root, options_.holdout));
    held_out_anywhere.insert(lists.back().held_out.begin(), lists.back().held_out.end());
  }
  for (const Listing& list : lists) note_unread(list, part);
  std::int64_t content = 0;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    Source& source = sources_[i];
    const SourceOptions& options = source.options;
    const bool noisy = options.kind == "noisy";
    const bool unpaired = options.kind == "unpaired";
    if (noisy || options.kind == "paired")
      source.task = task_number(noisy && options.task.empty() ? "noisy" : options.task);
    std::set<std::string> scenes = lists[i].scenes;
    const auto kept = held_out_of_all(lists[i], held_out_anywhere);
    std::erase_if(scenes, [&](const std::string& scene) { return kept.contains(scene); });
    const auto seen = std::ranges::count_if(
        scenes, [&](const std::string& scene) { return held_out_anywhere.contains(scene); });
    if (seen > 0 && part == Part::Training)
      spdlog::warn("{}: other sources keep all its scenes for validation; it trains on {} of them",
                   options.name, seen);
    if (!noisy && !unpaired) scenes = labelled(scenes, options_.label_fraction, options_.seed);
    // Nothing is measured on unpaired pictures, so a single one may serve both parts.
    const bool held = part == Part::Validation && !(unpaired && kept.empty());
    const auto& wanted = held ? kept : scenes;
    std::map<std::string, std::int64_t> contents;
    for (const auto& file : lists[i].files) {
      if (!wanted.contains(file.scene)) continue;
      if (contents.emplace(file.shows, content).second) ++content;
      std::int64_t input = file.input.empty() ? -1 : store_->add(file.input);
      std::int64_t target = store_->add(file.target);
      if (noisy) std::swap(input, target);
      const std::int64_t depth = file.depth.empty() ? -1 : store_->add(file.depth);
      source.pairs.push_back({input, target, depth, contents.at(file.shows)});
    }
  }
}

/// Training and validation list the same: one of them says it.
void Dataset::note_unread(const Listing& list, Part part) {
  for (const auto& [file, reason] : list.unread) {
    store_->note_broken(file);
    if (part == Part::Training) spdlog::warn("skipping a broken training picture: {}", reason);
  }
}

std::int64_t Dataset::task_number(const std::string& name) {
  const auto found = std::ranges::find(tasks_, name);
  if (found != tasks_.end()) return found - tasks_.begin();
  tasks_.push_back(name);
  return static_cast<std::int64_t>(tasks_.size()) - 1;
}

void Dataset::add_kinds(const std::vector<Stream>& planned) {
  kinds_ = {"clean"};
  const auto add = [&](const std::string& kind) {
    if (std::ranges::count(kinds_, kind) == 0) kinds_.push_back(kind);
  };
  for (const auto& stream : planned) {
    if (!stream.damage) {
      add(tasks_[static_cast<std::size_t>(stream.task)]);
      continue;
    }
    for (const auto& slot : stream.damage->slots()) {
      for (const auto& choice : slot.choices) add(degrade::find(choice.name).kind);
    }
  }
}

std::int64_t Dataset::kind_number(const std::string& name) const {
  const auto found = std::ranges::find(kinds_, name);
  CHIARO_CHECK(found != kinds_.end(), Internal, "[data.kinds] '{}' is no kind of damage here",
               name);
  return found - kinds_.begin();
}

void Dataset::add_streams(const Recipe& recipe, Part part) {
  double total = 0;
  std::vector<Stream> planned;  // also those that this part has no picture for
  const auto add = [&](double weight, Stream stream, bool has_pictures) {
    if (weight <= 0) return;
    planned.push_back(stream);
    if (!has_pictures) return;
    total += weight;
    stream.cumulative_weight = total;
    streams_.push_back(std::move(stream));
  };
  if (const auto found = recipe.lists.find("task"); found != recipe.lists.end()) {
    for (const auto& item : found->second) {
      const auto task = parse_options<TaskOptions>(item.values, "task");
      CHIARO_CHECK(!task.name.empty() && !task.spec.empty(), Usage,
                   "[data.task] each [[task]] needs a name and a spec");
      expect_plain_name(task.name, "task");
      for (const auto& name : task.sources) expect_clean_source(task, name);
      Stream stream;
      stream.task = task_number(task.name);
      stream.damage = degrade::parse_template(task.spec);
      stream.tones = task.tones;
      stream.mist = task.mist < 0 ? options_.mist : task.mist;
      stream.backdrop = task.backdrop;
      stream.sources = task.sources;
      add(task.weight, std::move(stream), std::ranges::any_of(sources_, [&](const Source& s) {
            return share(s, "clean", task.sources) > 0;
          }));
    }
  }
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    if (source.task < 0) continue;
    Stream stream;
    stream.task = source.task;
    stream.source = static_cast<std::int64_t>(i);
    add(source.options.weight, std::move(stream), !source.pairs.empty());
  }
  const bool empty = std::ranges::all_of(
      sources_, [](const Source& s) { return s.pairs.empty() || s.options.kind == "unpaired"; });
  CHIARO_CHECK(part == Part::Training || !empty, Usage,
               "[data] no picture is left to validate on; got sources of one scene each or "
               "data.holdout = 0; expected two scenes and a share of them to hold out");
  CHIARO_CHECK(total > 0, Usage,
               "[data] nothing to draw from: give clean sources with tasks, or paired or noisy "
               "sources, with weight");
  for (auto& stream : streams_) stream.cumulative_weight /= total;
  add_kinds(planned);
}

void Dataset::expect_clean_source(const TaskOptions& task, const std::string& name) const {
  const bool found = std::ranges::any_of(sources_, [&](const Source& source) {
    return source.options.name == name && source.options.kind == "clean";
  });
  CHIARO_CHECK(found, Usage, "[data.task] {}: no clean source is named '{}'", task.name, name);
}

const Dataset::Stream& Dataset::stream_of(std::int64_t index) const {
  // A low-discrepancy sequence: every stretch of samples holds the streams in their shares.
  constexpr double kGoldenRatioFraction = 0.618033988749894848;
  const double u = std::fmod(offset_ + static_cast<double>(index) * kGoldenRatioFraction, 1.0);
  for (const auto& stream : streams_) {
    if (u < stream.cumulative_weight) return stream;
  }
  return streams_.back();
}

/// The weight of a source in a draw among those of one kind and, unless empty, of these names.
double Dataset::share(const Source& source, const std::string& kind,
                      const std::vector<std::string>& names) {
  const bool named = names.empty() || std::ranges::count(names, source.options.name) > 0;
  return named && source.options.kind == kind && !source.pairs.empty() ? source.options.weight : 0;
}

/// By weight; −1: there are none.
std::int64_t Dataset::draw_source(const std::string& kind, const std::vector<std::string>& names,
                                  Rng& rng) const {
  double total = 0;
  for (const auto& source : sources_) total += share(source, kind, names);
  double left = rng.uniform() * total;
  std::int64_t last = -1;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const double weight = share(sources_[i], kind, names);
    if (weight <= 0) continue;
    last = static_cast<std::int64_t>(i);
    left -= weight;
    if (left < 0) break;
  }
  return last;
}

bool Dataset::try_sample(const Stream& stream, Rng& scene, Rng& damage, Sample& sample) const {
  sample.task = stream.task;
  sample.source = stream.source >= 0 ? stream.source : draw_source("clean", stream.sources, scene);
  const Source& source = sources_[static_cast<std::size_t>(sample.source)];
  const auto& pair = source.pairs[static_cast<std::size_t>(
      scene.integer(0, static_cast<std::int64_t>(source.pairs.size()) - 1))];
  const std::int64_t shown = pair.target >= 0 ? pair.target : pair.input;
  const auto size = store_->size(shown);
  if (!size) return false;
  const int side = static_cast<int>(std::max(options_.context_px, options_.crop_px));
  const int scale = static_cast<int>(options_.scale);
  const int divisor = pair.target >= 0 ? scale : 1;  // what is shown is the enlarged side
  const PictureStore::Size input_size{size->height / divisor, size->width / divisor};
  if (input_size.height < 1 || input_size.width < 1) return false;
  const Window window =
      draw_window(input_size, side,
                  scene.log_uniform(source.options.scale_min, source.options.scale_max), scene);
  const int symmetry = options_.dihedral ? static_cast<int>(scene.integer(0, 7)) : 0;
  const auto part_of = [&](std::int64_t number, int times) {
    return store_->crop(number, times * window.y, times * window.x, times * window.height,
                        times * window.width);
  };
  const auto placed = [&](const image::Image& part, int times) {
    return image::dihedral(fit(part, times * side), symmetry);
  };
  const auto cut = [&](std::int64_t number, int times) -> std::optional<image::Image> {
    const auto part = part_of(number, times);
    return part ? std::optional(placed(*part, times)) : std::nullopt;
  };
  auto picture = cut(shown, pair.target >= 0 ? scale : 1);
  if (!picture) return false;
  image::Image depth;
  if (pair.depth >= 0) {
    const auto found = store_->size(pair.depth);
    if (!found) return false;
    CHIARO_CHECK(found->height == size->height && found->width == size->width, Input,
                 "[data.depth] '{}' is {}x{} but its picture '{}' is {}x{}; expected the same size",
                 store_->path(pair.depth).string(), found->height, found->width,
                 store_->path(pair.target).string(), size->height, size->width);
    const auto map = part_of(pair.depth, scale);
    if (!map) return false;
    if (const auto known = fill_unknown_depth(image::to_grey(*map)); !known.empty())
      depth = reduced(placed(known, scale), scale);
  }
  sample.content = pair.content;
  const auto colours = source.options.recolour > 0 && scene.chance(source.options.recolour)
                           ? std::optional(draw_colours(scene))
                           : std::nullopt;
  if (colours) recolour(*picture, *colours);
  (pair.target >= 0 ? sample.context_target : sample.context) = std::move(*picture);
  if (pair.input < 0) {
    damage_sample(stream, pair, depth, damage, sample);
  } else if (pair.target < 0) {
    note_real_damage(stream, pair, sample);
  } else {
    const auto found = store_->size(pair.input);
    if (!found) return false;
    CHIARO_CHECK(scale * found->height == size->height && scale * found->width == size->width,
                 Input,
                 "[data.pair] '{}' is {}x{} but its target '{}' is {}x{}; expected {} times "
                 "as large",
                 store_->path(pair.input).string(), found->height, found->width,
                 store_->path(pair.target).string(), size->height, size->width, scale);
    auto input = cut(pair.input, 1);
    if (!input) return false;
    if (colours) recolour(*input, *colours);
    sample.context = std::move(*input);
    vary_damage(source.options, damage, sample);
    note_real_damage(stream, pair, sample);
  }
  if (options_.input_u8) image::quantize_u8(sample.context);
  if (options_.filed_as_jpeg > 0 && !sample.context_target.empty()) file_as_jpeg(damage, sample);
  cut_crop(damage, sample);
  return add_unpaired(damage, shown, sample);
}

/// A clean crop of another picture than the one shown.
bool Dataset::add_unpaired(Rng& rng, std::int64_t shown, Sample& sample) const {
  const std::int64_t drawn = draw_source("unpaired", {}, rng);
  if (drawn < 0) return true;
  const Source& source = sources_[static_cast<std::size_t>(drawn)];
  const auto count = static_cast<std::int64_t>(source.pairs.size());
  std::int64_t place = rng.integer(0, count - 1);
  if (source.pairs[static_cast<std::size_t>(place)].target == shown) place = (place + 1) % count;
  const std::int64_t number = source.pairs[static_cast<std::size_t>(place)].target;
  const auto size = store_->size(number);
  if (!size) return false;
  const int side = static_cast<int>(options_.scale * options_.crop_px);
  const Window window = draw_window(
      *size, side, rng.log_uniform(source.options.scale_min, source.options.scale_max), rng);
  const int symmetry = options_.dihedral ? static_cast<int>(rng.integer(0, 7)) : 0;
  const auto part = store_->crop(number, window.y, window.x, window.height, window.width);
  if (part) sample.unpaired = image::dihedral(fit(*part, side), symmetry);
  return part.has_value();
}

/// More or less of the damage of a real pair.
void Dataset::vary_damage(const SourceOptions& options, Rng& rng, Sample& sample) const {
  if (options.strength_min == 1 && options.strength_max == 1) return;
  scale_damage(sample.context, reduced(sample.context_target, static_cast<int>(options_.scale)),
               rng.uniform(options.strength_min, options.strength_max));
}

void Dataset::note_real_damage(const Stream& stream, const Pair& pair, Sample& sample) const {
  sample.severity = kUnknownSeverity;
  sample.kinds = {{kind_number(tasks_[static_cast<std::size_t>(stream.task)]), -1.0}};
  sample.origin = store_->path(pair.input).filename().string();
}

/// Damages the clean window.
void Dataset::damage_sample(const Stream& stream, const Pair& pair, const image::Image& depth,
                            Rng& rng, Sample& sample) const {
  // Samples that are alike share their damage, not what was done to the scene before.
  std::optional<Rng> own;
  if (options_.alike > 1)
    own = Rng(static_cast<std::uint64_t>(options_.seed), {sample.seed, stable_hash("scene")});
  Rng& scene = own ? *own : rng;
  if (stream.backdrop > 0 && scene.chance(stream.backdrop))
    put_before_backdrop(sample.context_target, scene);
  if (stream.tones > 0 && scene.chance(stream.tones))
    vary_tones(sample.context_target, stream.mist, scene);
  const degrade::Chain chain = degrade::draw(*stream.damage, rng);
  const double size_factor =
      options_.resized > 0 && depth.empty() && options_.scale == 1 && rng.chance(options_.resized)
          ? draw_size_factor(chain, rng)
          : 1;
  // Same kinds and options for samples that are alike, but not the same grain, which would give
  // away that they belong together.
  if (options_.alike > 1)
    rng = Rng(static_cast<std::uint64_t>(options_.seed), {sample.seed, stable_hash("grain")});
  const auto damaged = [&](const image::Image& clean) {
    return degrade::apply(clean, chain, rng, {.depth = depth.empty() ? nullptr : &depth});
  };
  sample.context = size_factor == 1
                       ? damaged(reduced(sample.context_target, static_cast<int>(options_.scale)))
                       : damaged_at_other_size(sample.context_target, size_factor, damaged);
  sample.severity = 0;
  std::map<std::int64_t, double> kinds;
  for (const auto& step : chain) {
    const double severity = degrade::severity(step);
    sample.severity = std::max(sample.severity, severity);
    double& strongest = kinds[kind_number(degrade::find(step.name).kind)];
    strongest = std::max(strongest, severity);
  }
  if (kinds.size() > 1) kinds.erase(0);  // clean is what has no other damage
  if (kinds.empty()) kinds.emplace(0, 0.0);
  if (size_factor != 1 && !kinds.contains(0)) {
    sample.severity = kUnknownSeverity;
    for (auto& [kind, severity] : kinds) severity = -1;
  }
  sample.kinds.assign(kinds.begin(), kinds.end());
  sample.origin = store_->path(pair.target).filename().string() + " " + degrade::print_spec(chain);
}

/// Most photos were filed as fine JPEG after whatever happened to them; the kinds stay as named.
void Dataset::file_as_jpeg(Rng& rng, Sample& sample) const {
  if (!rng.chance(options_.filed_as_jpeg)) return;
  const int quality = static_cast<int>(rng.integer(80, 97));
  const bool halved_chroma = rng.chance(0.7);
  sample.context = image::jpeg_round_trip(sample.context, quality, halved_chroma);
}

/// The crop that is trained on, from the window.
void Dataset::cut_crop(Rng& rng, Sample& sample) const {
  const int crop_px = static_cast<int>(options_.crop_px);
  const int side = sample.context.height();
  if (side == crop_px) {
    sample.input = std::move(sample.context);
    sample.target = std::move(sample.context_target);
    sample.context = {};
    sample.context_target = {};
    return;
  }
  const int y = static_cast<int>(rng.integer(0, side - crop_px));
  const int x = static_cast<int>(rng.integer(0, side - crop_px));
  sample.input = image::crop(sample.context, y, x, crop_px, crop_px);
  if (sample.context_target.empty()) return;
  const int scale = static_cast<int>(options_.scale);
  sample.target =
      image::crop(sample.context_target, scale * y, scale * x, scale * crop_px, scale * crop_px);
}

Sample Dataset::sample(std::int64_t index) const {
  const std::int64_t damage_index = index / options_.alike;
  const Stream& stream = stream_of(damage_index);
  // Variants share the scene, not the damage; a real pair brings its own damage with the scene.
  const std::int64_t scene_index = stream.source >= 0 ? index : index / options_.variants;
  const auto seed = static_cast<std::uint64_t>(options_.seed);
  for (std::uint64_t attempt = 0; attempt < kMaxDraws; ++attempt) {
    Rng scene(seed, {static_cast<std::uint64_t>(scene_index), attempt});
    // A broken picture must not change the damage that others share.
    Rng damage(seed, {static_cast<std::uint64_t>(damage_index), options_.alike > 1 ? 0 : attempt,
                      stable_hash("damage")});
    Sample sample;
    sample.seed = static_cast<std::uint64_t>(index);
    if (try_sample(stream, scene, damage, sample)) return sample;
  }
  fail(ErrorCode::Input, "[data.sample] {} drawn pictures in a row are broken; first: '{}'",
       kMaxDraws, store_->broken().empty() ? "" : store_->broken().front().string());
}

Batch Dataset::batch(std::int64_t first, std::int64_t count) const {
  std::vector<Sample> samples;
  for (std::int64_t i = 0; i < count; ++i) samples.push_back(sample(first + i));
  const auto stacked = [&](image::Image Sample::*picture) {
    std::vector<const image::Image*> pictures;
    for (const auto& one : samples) pictures.push_back(&(one.*picture));
    // Targets are there for all samples of a batch or for none.
    if (std::ranges::any_of(pictures, &image::Image::empty)) return at::Tensor();
    return stack(pictures);
  };
  Batch batch;
  const auto longs = at::TensorOptions().dtype(at::kLong);
  const auto kinds = static_cast<std::int64_t>(kinds_.size());
  batch.task = at::empty({count}, longs);
  batch.source = at::empty({count}, longs);
  batch.content = at::empty({count}, longs);
  batch.severity = at::empty({count}, at::kFloat);
  batch.kinds = at::zeros({count, kinds}, at::kBool);
  batch.severities = at::zeros({count, kinds}, at::kFloat);
  for (std::int64_t i = 0; i < count; ++i) {
    const Sample& one = samples[static_cast<std::size_t>(i)];
    batch.task[i] = one.task;
    batch.source[i] = one.source;
    batch.content[i] = one.content;
    batch.severity[i] = one.severity;
    for (const auto& [kind, severity] : one.kinds) {
      batch.kinds[i][kind] = true;
      batch.severities[i][kind] = severity;
    }
    batch.seeds.push_back(one.seed);
    batch.origins.push_back(one.origin);
  }
  batch.input = stacked(&Sample::input);
  batch.target = stacked(&Sample::target);
  batch.unpaired = stacked(&Sample::unpaired);
  const bool whole = samples.front().context.empty();
  batch.context = whole ? batch.input : stacked(&Sample::context);
  batch.context_target = whole ? batch.target : stacked(&Sample::context_target);
  return batch;
}

std::vector<std::string> Dataset::source_names() const {
  std::vector<std::string> names;
  for (const auto& source : sources_) names.push_back(source.options.name);
  return names;
}

bool Dataset::has_targets() const {
  return std::ranges::none_of(sources_, [](const Source& source) {
    return source.options.kind == "noisy" && source.options.weight > 0;
  });
}

bool Dataset::has_some_targets() const {
  return std::ranges::any_of(sources_, [](const Source& source) {
    return source.options.kind != "noisy" && source.options.kind != "unpaired" &&
           source.options.weight > 0 && !source.pairs.empty();
  });
}

std::vector<Dataset::SourceSummary> Dataset::source_summaries() const {
  std::vector<SourceSummary> summaries;
  for (const auto& source : sources_) {
    summaries.push_back({source.options.name, source.options.license,
                         static_cast<std::int64_t>(source.pairs.size())});
  }
  return summaries;
}

std::string Dataset::summary() const {
  std::vector<std::string> lines;
  for (const auto& source : sources_) {
    const std::size_t count = source.pairs.size();
    lines.push_back(fmt::format("{}: {} {}{}", source.options.name, count,
                                source.options.kind == "paired" ? "pair" : "picture",
                                count == 1 ? "" : "s"));
  }
  return join(lines);
}

at::Tensor stack(const std::vector<const image::Image*>& pictures) {
  const image::Image& first = *pictures.front();
  const auto count = static_cast<std::int64_t>(pictures.size());
  at::Tensor result =
      at::empty({count, first.channels(), first.height(), first.width()}, at::kFloat);
  auto* out = result.data_ptr<float>();
  for (const auto* picture : pictures) {
    CHIARO_CHECK(picture->pixels().size() == first.pixels().size(), Internal,
                 "[data.stack] pictures differ in size");
    out = std::copy(picture->pixels().begin(), picture->pixels().end(), out);
  }
  return result;
}

}  // namespace chiaro::data
