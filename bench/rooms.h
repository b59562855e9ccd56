// What each file of bench/ registers. Names are "room/what/variant", so that
// --benchmark_filter=^room/ picks a room.
#pragma once

#include <filesystem>

#include "bench/report.h"

namespace chiaro::bench {

struct Setting {
  std::filesystem::path bundle;
  std::filesystem::path program;   ///< the chiaro that is started
  std::filesystem::path launcher;  ///< chiaro_launch
  int threads = 0;                 ///< of engine and operators
  int rounds = 15;                 ///< turns of each thing that is compared
  int pictures = 40;               ///< of a folder
};

/// Setting and report must outlive the run.
void add_restore(const Setting& setting, Report& report);   ///< restore against the bare engine
void add_program(const Setting& setting, Report& report);   ///< the program as users start it
void add_folder(const Setting& setting, Report& report);    ///< the program on many pictures
void add_serve(const Setting& setting, Report& report);     ///< the server under load
void add_search(const Setting& setting, Report& report);    ///< among codes of many pictures
void add_degrade(const Setting& setting, Report& report);   ///< each damage on a training crop
void add_metrics(const Setting& setting, Report& report);   ///< each metric on a megapixel
void add_networks(const Setting& setting, Report& report);  ///< engine against libtorch eager
void add_train(const Setting& setting, Report& report);     ///< the loop against a bare step; data
void add_methods(const Setting& setting,
                 Report& report);  ///< contrastive terms against plain steps
void add_contrast(const Setting& setting, Report& report);  ///< queues, clusters, sorting, matching
void add_losses(const Setting& setting, Report& report);    ///< distances of all pairs of a batch

}  // namespace chiaro::bench
