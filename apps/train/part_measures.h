// What the parts of a code tell of the scene and of the damage: probes on frozen codes.
#pragma once

#include <string>
#include <vector>

#include "chiaro/data/batch.h"
#include "chiaro/methods/method.h"
#include "chiaro/train/trainer.h"

namespace chiaro::apps {

/// Of the codes of held-out windows (networks::encode_pictures), for every part P of the code
/// (networks::parts_of: "degradation" where the layout names none). A class is a set of kinds of
/// damage, a scene a picture.
///
///   P_scene_nearest  share whose nearest code among those of other classes shows their scene
///   P_kind_nearest   share whose nearest code among those of other scenes has their class
///   P_scene_linear   linear probe for the scene, learned from every other sample, asked for the
///                    rest
///   P_kind_linear    linear probe for the class, learned from half of the scenes, asked for the
///                    others
///   P_kind_deep      the same by losses::deep_probe, which finds what a line does not tell apart
///   P_severity       correlation of severity with what a ridge regression says, split as before,
///                    over damaged samples of known severity
///
/// and beside them what a random answer would give, scene_chance and kind_chance. The linear and
/// the deep probes are normalised, (accuracy − 1/K)/(1 − 1/K): 0 is chance, 1 all right. Measures
/// that the samples are too few for are left out. Deterministic.
train::Metrics measure_parts(networks::Encoder& encoder, const std::vector<data::Batch>& batches);

/// The names of all of these.
std::vector<std::string> part_measure_names(const networks::Encoder& encoder);

}  // namespace chiaro::apps
