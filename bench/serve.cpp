// chiaro serve under load: how many pictures a second against `chiaro restore`, how long one
// request takes at half of that, memory over two thousand. The clients are threads of this program,
// on the same cores.
#include <httplib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <exception>
#include <filesystem>
#include <functional>
#include <iterator>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/pictures.h"
#include "bench/rooms.h"
#include "bench/started.h"
#include "bench/timing.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/restorer.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kClients = 4;
constexpr double kAimThroughput = 0.9;
constexpr double kAimTail = 1.5;
constexpr double kAimOverBare = 1.1;
constexpr double kServeFlatMib = 10;
constexpr const char* kTarget = "/v1/restore?wait=1&guard=off";

std::vector<std::string> files_of(const fs::path& folder) {
  std::vector<std::string> files;
  for (const fs::path& file : image::list_pictures(folder)) files.push_back(read_text(file));
  return files;
}

/// The program as a server on any port.
class Served {
 public:
  explicit Served(const Setting& setting)
      : program_({setting.program, "serve", "--port", "0", "--json", "--quiet", "--bundle",
                  setting.bundle, "--threads", std::to_string(setting.threads), "--max-queue",
                  "1000", "--keep-seconds", "1"}) {
    std::string line;
    CHIARO_CHECK(program_.read_line(line), CheckFailed, "[bench.serve] the server does not start");
    port_ = nlohmann::json::parse(line)["port"];
  }
  ~Served() { program_.signal(SIGTERM); }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  /// Seconds until the restored picture is here.
  double seconds_for(const std::string& file) const {
    return seconds_of([&] {
      httplib::Client client("127.0.0.1", port_);
      client.set_read_timeout(300, 0);
      const auto answer = client.Post(kTarget, file, "image/jpeg");
      CHIARO_CHECK(answer && answer->status == 200, CheckFailed,
                   "[bench.serve] a request was not answered with a picture; got {}",
                   answer ? answer->status : 0);
    });
  }
  double resident_mib() const { return program_.resident_mib(); }

  /// Seconds for all files, by clients that each send the next one when theirs has come.
  double seconds_for_all(const std::vector<std::string>& files) const {
    return seconds_of([&] {
      std::atomic<std::size_t> next = 0;
      together(kClients, [&](int) {
        for (std::size_t i = next++; i < files.size(); i = next++) seconds_for(files[i]);
      });
    });
  }

  /// Calls of `work` in so many threads. The first error of any is thrown.
  static void together(int threads, const std::function<void(int)>& work) {
    std::vector<std::exception_ptr> errors(static_cast<std::size_t>(threads));
    {
      std::vector<std::jthread> running;
      for (int i = 0; i < threads; ++i) {
        running.emplace_back([&, i] {
          try {
            work(i);
          } catch (...) {
            errors[static_cast<std::size_t>(i)] = std::current_exception();
          }
        });
      }
    }
    for (const auto& error : errors) {
      if (error) std::rethrow_exception(error);
    }
  }

 private:
  Started program_;
  int port_ = 0;
};

/// The time that `chiaro restore` says it took, without its start.
double restore_seconds(const Setting& setting, const fs::path& in, const fs::path& out) {
  Started program({setting.program, "restore", in, "-o", out, "--overwrite", "--json", "--quiet",
                   "--guard", "off", "--bundle", setting.bundle, "--threads",
                   std::to_string(setting.threads)});
  double seconds = 0;
  for (std::string line; program.read_line(line);) {
    const auto event = nlohmann::json::parse(line);
    if (event["event"] == "summary") seconds = event["seconds"];
  }
  program.expect_success();
  return seconds;
}

void throughput(benchmark::State& state, const Setting& setting, Report& report) {
  const test::TemporaryFolder folder;
  write_mixed_jpegs(folder / "in", setting.pictures);
  const auto files = files_of(folder / "in");
  const Served server(setting);
  server.seconds_for(files.front());
  Times alone;
  Times served;
  for ([[maybe_unused]] auto iteration : state) {
    alone.push_back(restore_seconds(setting, folder / "in", folder / "out"));
    served.push_back(server.seconds_for_all(files));
    state.SetIterationTime(served.back());
  }
  report.add({.name = "serve/throughput",
              .value = median_ratio(alone, served),
              .unit = "x",
              .at_least = kAimThroughput,
              .detail = fmt::format("{} JPEGs, chiaro restore / {} clients: {}", setting.pictures,
                                    kClients, pair_text(alone, served))});
}

double quantile(Times times, double share) {
  std::ranges::sort(times);
  const auto last = static_cast<double>(times.size() - 1);
  return times[static_cast<std::size_t>(share * last + 0.5)];
}

/// Latencies of `work` that arrives whether or not earlier has been answered.
Times open_loop(const Times& arrivals, const std::function<double()>& work) {
  Times latencies(arrivals.size());
  const auto start = std::chrono::steady_clock::now();
  Served::together(static_cast<int>(arrivals.size()), [&](int i) {
    const auto index = static_cast<std::size_t>(i);
    std::this_thread::sleep_until(start + std::chrono::duration<double>(arrivals[index]));
    latencies[index] = work();
  });
  return latencies;
}

/// The same restoration in this program, with nothing around it.
class Bare {
 public:
  Bare(const Setting& setting, image::Image picture)
      : picture_(std::move(picture)),
        restorer_(bundle::read_bundle(setting.bundle),
                  engine::EngineOptions{.threads = setting.threads}) {
    options_.guard = restore::GuardMode::Off;
  }

  /// From the call on, one after the other as in the server.
  double seconds() {
    return seconds_of([&] {
      const std::lock_guard lock(mutex_);
      restorer_.restore(picture_, options_);
    });
  }

 private:
  image::Image picture_;
  restore::Restorer restorer_;
  restore::RestoreOptions options_;
  std::mutex mutex_;
};

/// Multiplications of 128 numbers, again and again, on as many threads as the network and about as
/// long: no memory beyond the nearest cache, no library. What is uneven in this, the machine is
/// (cores that are shared with others).
class Arithmetic {
 public:
  Arithmetic(int threads, double about_s) : threads_(threads) {
    Times trials;
    for (int trial = 0; trial < 9; ++trial) trials.push_back(seconds());
    repeats_ = static_cast<int>(repeats_ * about_s / quantile(trials, 0.5));
  }

  /// From the call on, one after the other as in the server.
  double seconds() {
    return seconds_of([&] {
      const std::lock_guard lock(mutex_);
      Served::together(threads_, [&](int) { multiply(repeats_); });
    });
  }

 private:
  static void multiply(int repeats) {
    std::array<float, 128> values;  // chains enough for every unit of a core to be busy
    values.fill(1.5F);
    for (int i = 0; i < repeats; ++i) {
      for (float& value : values) value = value * 0.999F + 0.001F;
      benchmark::ClobberMemory();
    }
    benchmark::DoNotOptimize(values);
  }

  int threads_;
  int repeats_ = 500'000;
  std::mutex mutex_;
};

/// At even distances, in turns of so many, so that all meet what the machine does meanwhile.
constexpr int kTurn = 20;

struct EvenTimes {
  Times served;
  Times bare;
  Times arithmetic;
};

EvenTimes evenly(int turns, double apart_s, const std::function<double()>& served, Bare& bare,
                 Arithmetic& arithmetic) {
  Times arrivals;
  for (int i = 0; i < kTurn; ++i) arrivals.push_back(apart_s * i);
  EvenTimes times;
  const auto go = [&](Times& into, const std::function<double()>& work) {
    std::ranges::copy(open_loop(arrivals, work), std::back_inserter(into));
  };
  for (int turn = 0; turn < turns; ++turn) {
    go(times.served, served);
    go(times.bare, [&] { return bare.seconds(); });
    go(times.arithmetic, [&] { return arithmetic.seconds(); });
  }
  return times;
}

double tail(const Times& times) {
  return quantile(times, 0.99) / quantile(times, 0.5);
}

void report_tails(const EvenTimes& even, const Times& random, double apart_s, Report& report) {
  const auto text = [&](const Times& times) {
    return fmt::format("p99 / p50 of {}, one each {:.0f} ms: {:.0f} / {:.0f} ms", times.size(),
                       1e3 * apart_s, 1e3 * quantile(times, 0.99), 1e3 * quantile(times, 0.5));
  };
  // Of equal work, against what the machine can do: its median may be slow already.
  const double machine = quantile(even.arithmetic, 0.99) / quantile(even.arithmetic, 0.1);
  report.add({.name = "serve/tail_even",
              .value = tail(even.served),
              .unit = "x",
              .at_most = kAimTail,
              .detail = text(even.served),
              .unjudged = machine <= kAimTail ? "" : "mere arithmetic varies as much here"});
  report.add({.name = "serve/tail_bare",
              .value = tail(even.bare),
              .unit = "x",
              .detail = text(even.bare)});
  report.add({.name = "serve/tail_arithmetic",
              .value = machine,
              .unit = "x",
              .detail = fmt::format("p99 / p10, from {:.0f} to {:.0f} ms; {}",
                                    1e3 * quantile(even.arithmetic, 0),
                                    1e3 * quantile(even.arithmetic, 1), text(even.arithmetic))});
  report.add({.name = "serve/tail_over_bare",
              .value = tail(even.served) / tail(even.bare),
              .unit = "x",
              .at_most = kAimOverBare,
              .detail = "what the server adds to the unrest of machine and network"});
  report.add(
      {.name = "serve/tail_poisson", .value = tail(random), .unit = "x", .detail = text(random)});
}

void latency(benchmark::State& state, const Setting& setting, Report& report) {
  const int requests = 5 * setting.pictures;
  const auto picture = test_picture(384, 512);
  const auto bytes = image::encode(picture, {.format = "jpeg", .quality = 90});
  const std::string file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const Served server(setting);
  Bare bare(setting, picture);
  server.seconds_for(file);
  bare.seconds();
  Times alone;
  for (int i = 0; i < 9; ++i) alone.push_back(bare.seconds());
  Arithmetic arithmetic(setting.threads, quantile(alone, 0.5));
  const std::vector<std::string> same(static_cast<std::size_t>(setting.pictures), file);
  const double apart_s = 2 * server.seconds_for_all(same) / setting.pictures;
  const auto served = [&] { return server.seconds_for(file); };
  EvenTimes even;
  Times random;
  for ([[maybe_unused]] auto iteration : state) {
    state.SetIterationTime(seconds_of([&] {
      even = evenly(std::max(1, 3 * requests / kTurn), apart_s, served, bare, arithmetic);
      Times by_chance;
      Rng rng(5);
      double when = 0;
      for (int i = 0; i < requests; ++i)
        by_chance.push_back(when += -apart_s * std::log(1 - rng.uniform()));
      random = open_loop(by_chance, served);
    }));
  }
  report_tails(even, random, apart_s, report);
}

/// Resident memory on the mean of five readings of the last 500 of 2000 requests, less that of the
/// 500 that follow the first 500: single readings differ by some MiB.
void server_growth(benchmark::State& state, const Setting& setting, Report& report) {
  constexpr int kReadings = 20;
  constexpr int kShare = 5;
  const test::TemporaryFolder folder;
  write_small_jpegs(folder / "in", 100);
  const auto files = files_of(folder / "in");
  const Served server(setting);
  std::vector<double> resident_mib;
  for ([[maybe_unused]] auto iteration : state) {
    state.SetIterationTime(seconds_of([&] {
      for (int reading = 0; reading < kReadings; ++reading) {
        server.seconds_for_all(files);
        resident_mib.push_back(server.resident_mib());
      }
    }));
  }
  const auto mean = [](auto from) { return std::accumulate(from, from + kShare, 0.0) / kShare; };
  const double early = mean(resident_mib.begin() + kShare);
  const double late = mean(resident_mib.end() - kShare);
  report.add(
      {.name = "serve/growth",
       .value = late - early,
       .unit = "MiB",
       .at_most = kServeFlatMib,
       .detail = fmt::format("{:.1f} MiB after 600 to 1000 requests, {:.1f} after 1600 to 2000",
                             early, late)});
}

}  // namespace

void add_serve(const Setting& setting, Report& report) {
  const auto add = [&](const char* name, int rounds,
                       void (*body)(benchmark::State&, const Setting&, Report&)) {
    benchmark::RegisterBenchmark(
        name, [&setting, &report, body](benchmark::State& state) { body(state, setting, report); })
        ->UseManualTime()
        ->Iterations(rounds)
        ->Unit(benchmark::kMillisecond);
  };
  add("serve/throughput", std::max(1, setting.rounds / 5), throughput);
  add("serve/tail", 1, latency);
  add("serve/growth", 1, server_growth);
}

}  // namespace chiaro::bench
