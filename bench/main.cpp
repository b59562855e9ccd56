// chiaro_bench: time and memory, mostly as ratios of two things measured in turns within one run.
//
//   chiaro_bench                                    everything
//   chiaro_bench --benchmark_filter='^restore/'     one room
//
// Ends with a table: figure, aim, whether it was held. Exit status 0 also where an aim was missed,
// as figures depend on what else the machine does; with --require-aims it is 7 then, 7 where
// nothing was measured, and else 77 where an aim cannot be judged on this machine.
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bench/report.h"
#include "bench/rooms.h"
#include "chiaro/base/error.h"
#include "chiaro/engine/processor.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::bench {
namespace {

constexpr int kMissed = 7;
constexpr int kUnjudged = 77;  // which ctest calls "skipped"

std::string load_text() {
  double load[3] = {};
  return ::getloadavg(load, 3) < 1 ? "unknown" : fmt::format("{:.2f}", load[0]);
}

std::string date_text() {
  const std::time_t now = std::time(nullptr);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", std::gmtime(&now));
  return text;
}

int run(int argc, char** argv) {
  Setting setting{CHIARO_BENCH_BUNDLE, CHIARO_BENCH_PROGRAM, CHIARO_BENCH_LAUNCHER};
  CLI::App app{"Measures chiaro's time and memory as ratios within one run"};
  app.allow_extras();
  app.add_option("--bundle", setting.bundle, "the bundle to run")->capture_default_str();
  app.add_option("--program", setting.program, "the chiaro to start")->capture_default_str();
  app.add_option("--threads", setting.threads, "0: all cores")->capture_default_str();
  app.add_option("--rounds", setting.rounds, "turns of each thing that is compared")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--pictures", setting.pictures, "in a folder that is restored, or sent")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  bool require_aims = false;
  app.add_flag("--require-aims", require_aims,
               "end with status 7 where an aim is missed, else 77 where one cannot be judged");
  app.footer("Options of Google Benchmark pass through, e.g. --benchmark_filter='^restore/'.");
  CLI11_PARSE(app, argc, argv);
  if (setting.threads <= 0) setting.threads = engine::available_cores();

  std::vector<std::string> words{argv[0]};
  for (auto& word : app.remaining()) words.push_back(word);
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 2;

  // Prepared graphs of this run alone, whatever lies in the user's folder of them.
  const test::TemporaryFolder cache;
  ::setenv("CHIARO_CACHE", cache.path().c_str(), 1);
  Report report;
  add_restore(setting, report);
  add_program(setting, report);
  add_folder(setting, report);
  add_serve(setting, report);
  add_search(setting, report);
#ifdef CHIARO_BENCH_TRAINING
  add_networks(setting, report);
  add_train(setting, report);
  add_methods(setting, report);
  add_contrast(setting, report);
  add_losses(setting, report);
#endif
  add_degrade(setting, report);
  add_metrics(setting, report);
  const std::string load_before = load_text();
  benchmark::RunSpecifiedBenchmarks();
  if (report.empty()) return require_aims ? kMissed : 0;
  fmt::print("\n{}, {} cores, {} threads, {}, bundle {}\nload average {} before, {} after\n\n{}",
             engine::processor_name(), engine::available_cores(), setting.threads, date_text(),
             setting.bundle.filename().string(), load_before, load_text(), report.table());
  if (!require_aims) return 0;
  if (!report.none_missed()) return kMissed;
  return report.all_held() ? 0 : kUnjudged;
}

}  // namespace
}  // namespace chiaro::bench

int main(int argc, char** argv) {
  try {
    return chiaro::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "chiaro_bench: {}\n", error.what());
    return 1;
  }
}
