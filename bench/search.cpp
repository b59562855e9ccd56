// Search among the codes of ten thousand pictures: the products alone, reading the index, and a
// whole `chiaro retrieve` that finds every code in it.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/launched.h"
#include "bench/rooms.h"
#include "bench/timing.h"
#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/restore/code_index.h"
#include "chiaro/restore/folder_codes.h"
#include "tests/support/encoder_bundle.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kPicturesSearched = 10'000;
constexpr double kSearchAimMs = 50;
constexpr std::size_t kNearest = 10;

std::vector<float> random_code(const restore::CodeLayout& layout, Rng& rng) {
  std::vector<float> code;
  for (const bundle::CodePart& part : layout.parts) {
    std::vector<double> values(static_cast<std::size_t>(part.width));
    double square = 0;
    for (double& value : values) {
      value = rng.normal();
      square += value * value;
    }
    for (const double value : values) code.push_back(static_cast<float>(value / std::sqrt(square)));
  }
  return code;
}

/// Of pictures that are named, with random codes.
restore::CodeIndex random_index(const restore::CodeLayout& layout,
                                const std::vector<restore::FolderPicture>& pictures,
                                const std::string& folder) {
  Rng rng(11);
  restore::CodeIndex index(layout, folder);
  for (const auto& picture : pictures) index.add(picture, random_code(layout, rng));
  return index;
}

std::vector<restore::FolderPicture> made_up_pictures() {
  std::vector<restore::FolderPicture> pictures;
  for (int i = 0; i < kPicturesSearched; ++i)
    pictures.push_back({fmt::format("holidays/img_{:05}.jpg", i), {i, i, i}});
  return pictures;
}

void add_times(Report& report, const std::string& name, const Times& times, bool has_aim,
               const std::string& detail) {
  Figure figure{.name = name, .value = 1e3 * median(times), .unit = "ms", .detail = detail};
  if (has_aim) figure.at_most = kSearchAimMs;
  report.add(std::move(figure));
}

/// `width`: of the part that is searched; the whole code has half as much again.
void search_in_memory(benchmark::State& state, Report& report, std::int64_t width) {
  const restore::CodeLayout layout{"bench",
                                   {{"content", width, true}, {"degradation", width / 2, false}}};
  const auto index = random_index(layout, made_up_pictures(), "photos");
  Rng rng(12);
  auto query = random_code(layout, rng);
  query.resize(static_cast<std::size_t>(width));
  const auto bytes = index.bytes();
  const auto times = take_turns(
      state,
      {{.run = [&] { benchmark::DoNotOptimize(nearest(index, 0, query, kNearest)); }}, {.run = [&] {
         benchmark::DoNotOptimize(restore::CodeIndex::parse(bytes, layout, "bench"));
       }}});
  const std::string name = fmt::format("search/{}", width);
  const std::string what = fmt::format("{} codes, {} values, exact", kPicturesSearched, width);
  add_times(report, name + "/nearest", times[0], true, what);
  add_times(report, name + "/read", times[1], false,
            fmt::format("{:.1f} MB, checked", 1e-6 * static_cast<double>(bytes.size())));
}

/// From the start of the process to its end. The files are empty: nobody looks into them.
void search_by_program(benchmark::State& state, const Setting& setting, Report& report) {
  const test::TemporaryFolder folder;
  const fs::path photos = folder / "photos";
  fs::create_directories(photos);
  for (int i = 0; i < kPicturesSearched; ++i)
    std::ofstream(photos / fmt::format("img_{:05}.jpg", i)).put('x');
  bundle::Bundle encoder = test::code_bundle({{"content", 64, true}, {"degradation", 32, false}});
  bundle::write_bundle(folder / "encoder.chiaro", encoder.manifest, encoder.members);
  const auto manifest = bundle::read_manifest(folder / "encoder.chiaro");
  const auto index = random_index(restore::code_layout(manifest, "encoder"),
                                  restore::list_folder(photos), fs::canonical(photos).string());
  write_file_atomically(folder / "photos.codes", index.bytes());
  const auto command = fmt::format(
      "retrieve '{0}/photos/img_00000.jpg' --in '{0}/photos' --by content --bundle "
      "'{0}/encoder.chiaro' --index '{0}/photos.codes' --json",
      folder.path().string());
  launch(setting, command);
  Times walls;
  for ([[maybe_unused]] auto iteration : state) {
    walls.push_back(launch(setting, command).wall_s);
    state.SetIterationTime(walls.back());
  }
  add_times(report, "search/program", walls, false,
            fmt::format("chiaro retrieve, start of process to its end, {} pictures in the folder",
                        kPicturesSearched));
}

}  // namespace

void add_search(const Setting& setting, Report& report) {
  for (const std::int64_t width : {64, 512}) {
    benchmark::RegisterBenchmark(
        fmt::format("search/{}", width).c_str(),
        [&report, width](benchmark::State& state) { search_in_memory(state, report, width); })
        ->UseManualTime()
        ->Iterations(setting.rounds)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark(
      "search/program",
      [&setting, &report](benchmark::State& state) { search_by_program(state, setting, report); })
      ->UseManualTime()
      ->Iterations(setting.rounds)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace chiaro::bench
