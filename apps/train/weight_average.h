// The mean of the weights of several trainings of one network.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/train/trained_run.h"

namespace chiaro::apps {

/// Every parameter and every buffer of numbers of the restorer and of its controller becomes the
/// mean of its own value in `run` and of those in `others`: run folders (their `weights`, "last" or
/// "best", as `run`'s) or bundles, each with the same share. Trainings that went on from the same
/// weights lie close enough for that (Wortsman et al. 2022, "Model soups: averaging weights of
/// multiple fine-tuned models improves accuracy without increasing inference time"). `folder` is
/// the one that `run` was loaded from. Errors: Usage (a run without restorer, others of other
/// networks, controllers that name other damages), and those of loading.
void average_weights(TrainedRun& run, const std::filesystem::path& folder,
                     const std::vector<std::string>& others, const std::string& weights);

}  // namespace chiaro::apps
