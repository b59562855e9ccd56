#include "chiaro/data/dataset.h"

namespace chiaro::data {

Fields<DataOptions> DataOptions::fields() {
  return {
      field("crop_px", &DataOptions::crop_px, "side of the training crops",
            {.min = 8, .max = 4096, .unit = "px"}),
      field("scale", &DataOptions::scale,
            "side of a clean crop / side of the damaged one, for networks that enlarge: clean "
            "pictures are reduced before they are damaged",
            {.min = 1, .max = 16}),
      field("context_px", &DataOptions::context_px,
            "side of the window that is damaged as a whole and shown to methods that judge a "
            "picture; "
            "the crops are cut from it; 0: the crop",
            {.min = 0, .max = 4096, .unit = "px"}),
      field("variants", &DataOptions::variants,
            "samples in a row that show one window of a clean picture under different damage",
            {.min = 1, .max = 1024}),
      field("alike", &DataOptions::alike,
            "samples in a row that show different pictures under the same damage: the same kinds "
            "and options, not the same grain",
            {.min = 1, .max = 1024}),
      field("batch", &DataOptions::batch, "samples per step", {.min = 1, .max = 65536}),
      field("workers", &DataOptions::workers, "threads that make batches", {.min = 1, .max = 256}),
      field("ahead", &DataOptions::ahead, "batches made ahead", {.min = 1, .max = 1024}),
      field("cache_mb", &DataOptions::cache_mb, "memory for decoded pictures",
            {.min = 0, .unit = "MB"}),
      field("seed", &DataOptions::seed, "of order, crops and damage", {.min = 0}),
      field("holdout", &DataOptions::holdout, "share of scenes kept for validation",
            {.min = 0, .max = 0.9}),
      field("label_fraction", &DataOptions::label_fraction,
            "share of the scenes with targets that are trained on; smaller shares are parts of "
            "larger ones",
            {.min = 1e-6, .max = 1}),
      field("input_u8", &DataOptions::input_u8,
            "damaged pictures are rounded to 8 bits, as those in files are"),
      field("filed_as_jpeg", &DataOptions::filed_as_jpeg,
            "share of the damaged pictures that have a target which are coded once more as JPEG of "
            "quality 80 to 97, as cameras file them; not counted as damage",
            {.min = 0, .max = 1}),
      field("resized", &DataOptions::resized,
            "share of the pictures with made damage that were damaged at another size and resized "
            "afterwards, as pictures of the web are: reduced 1.2 to 2.5 times, or, where there is "
            "noise or JPEG and no blur, enlarged up to 1.6 times, target and all; how severe the "
            "damage still is then counts as unknown; not where data.scale is above 1",
            {.min = 0, .max = 1}),
      field(
          "mist", &DataOptions::mist,
          "largest black level of pictures that get other tones (task.tones): what is above it is "
          "haze, not mist",
          {.min = 0, .max = 0.5}),
      field("dihedral", &DataOptions::dihedral, "random flips and quarter turns"),
      field("root", &DataOptions::root,
            "folder that relative folders start from; a run stores where its data was")};
}

Fields<SourceOptions> SourceOptions::fields() {
  return {
      field("name", &SourceOptions::name, "shown in logs; also the domain label"),
      field(
          "kind", &SourceOptions::kind,
          "clean: damaged on the fly; paired: real pairs; noisy: damaged pictures without targets; "
          "unpaired: clean pictures shown beside damaged ones of something else",
          {.choices = {"clean", "paired", "noisy", "unpaired"}}),
      field("folders", &SourceOptions::folders,
            "clean, noisy, unpaired: folders of pictures, searched recursively"),
      field("depths", &SourceOptions::depths,
            "clean: folder of depth maps for the damage that depends on distance (haze): grey, "
            "larger is farther, 0 unknown; every picture needs one, found by `pairing`"),
      field("input", &SourceOptions::input, "paired: folder of damaged pictures"),
      field("target", &SourceOptions::target,
            "paired: folder of clean pictures (may be the same folder)"),
      field("pairing", &SourceOptions::pairing,
            "paired, depths: rule, e.g. '_real:_mean'; empty: automatic, by name"),
      field("list", &SourceOptions::list,
            "text file that says which pictures these are, one a line: names in the folder that is "
            "stated (of a paired source the target's), or, without folders, files starting at the "
            "list's own folder, pairs as input<TAB>target; lines of BasicSR's meta_info will do"),
      field("task", &SourceOptions::task,
            "paired: the task these pairs belong to; noisy: likewise, by default 'noisy'"),
      field("weight", &SourceOptions::weight,
            "clean, unpaired: share among sources of that kind; paired, noisy: share among all "
            "streams",
            {.min = 0}),
      field("scale_min", &SourceOptions::scale_min, "least reduction before cropping",
            {.min = 1, .max = 64}),
      field("scale_max", &SourceOptions::scale_max,
            "largest reduction before cropping (log-uniform)", {.min = 1, .max = 64}),
      field("strength_min", &SourceOptions::strength_min,
            "paired: least share of the damage that is left: input = target + strength (input - "
            "target). Exact for haze, whose transmission t becomes 1 - strength (1 - t), and for "
            "rain and noise that were added",
            {.min = 0, .max = 4}),
      field("strength_max", &SourceOptions::strength_max,
            "paired: largest share of the damage, above 1 for more than there was",
            {.min = 0, .max = 4}),
      field("recolour", &SourceOptions::recolour,
            "how often a picture, or both of a pair, get other colours (channels exchanged, other "
            "saturation, greys kept), so that few scenes look like more",
            {.min = 0, .max = 1}),
      field("exclude", &SourceOptions::exclude, "file stems to leave out"),
      field("scene", &SourceOptions::scene,
            "regular expression that matches all file stems (of pairs, the targets') as a whole: "
            "pictures that agree in what its first group catches are views of one scene, which "
            "trains or validates as a whole, e.g. '(.*)_[0-9]+'; empty: each stem is a scene. "
            "Another source of the same pictures needs the same expression"),
      field("license", &SourceOptions::license,
            "of the pictures, for the card of what is trained on them")};
}

Fields<TaskOptions> TaskOptions::fields() {
  return {
      field("name", &TaskOptions::name, "name of the task"),
      field("spec", &TaskOptions::spec, "damage, e.g. 'noise(sigma_u8=5..55)'"),
      field("weight", &TaskOptions::weight, "share among all streams", {.min = 0}),
      field("tones", &TaskOptions::tones,
            "how often the clean picture gets other tones first (darker, paler, flatter), so that "
            "natural dusk and mist are left as they are",
            {.min = 0, .max = 1}),
      field("mist", &TaskOptions::mist,
            "largest black level of those, so that mist under rain stays, say; -1: as [data] says",
            {.min = -1, .max = 0.5}),
      field("backdrop", &TaskOptions::backdrop,
            "how often most of the clean picture disappears behind a plain wall or sky, so that "
            "what is pale and smooth by nature is not taken for haze",
            {.min = 0, .max = 1}),
      field("sources", &TaskOptions::sources, "clean sources to draw from; empty: all")};
}

}  // namespace chiaro::data
