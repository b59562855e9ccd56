// chiaro serve: restores pictures over HTTP, with a page for the browser.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/interruption.h"
#include "apps/cli/serve_work.h"
#include "apps/server/service.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/restorer_pool.h"

namespace chiaro::cli {
namespace {

using namespace std::chrono_literals;

/// For jobs that were told to stop to do so.
constexpr auto kLastPatience = 10s;

constexpr const char* kServeExample =
    "Examples:\n"
    "  chiaro serve\n"
    "  chiaro serve --port 9000 --max-pixels 20\n"
    "  chiaro serve --host 0.0.0.0 --token-file token.txt\n"
    "  curl --data-binary @in.jpg 'http://127.0.0.1:8080/v1/restore?wait=1' -o out.jpg";

struct ServeArguments {
  server::ServeOptions options;
  EngineFlags engine;
  OutputFlags show;
  std::string token_file;
  std::string max_body = "64M";
  std::string max_memory;
  double max_megapixels = 50;
  int engines = 0;  ///< 0: as many as are fastest
};

void settle(ServeArguments& arguments) {
  server::ServeOptions& options = arguments.options;
  options.max_body_bytes = static_cast<std::size_t>(parse_bytes(arguments.max_body, "max-body"));
  options.max_memory_bytes = promise_memory_ceiling(arguments.max_memory);
  CHIARO_CHECK(arguments.max_megapixels > 0 && arguments.max_megapixels <= 1e6, Usage,
               "[cli.serve] --max-pixels: got {}; expected megapixels, above 0 and up to 1000000",
               arguments.max_megapixels);
  options.max_pixels = static_cast<std::int64_t>(arguments.max_megapixels * 1e6);
  if (!arguments.token_file.empty()) {
    options.token = std::string(trim(read_text(arguments.token_file)));
    CHIARO_CHECK(!options.token.empty(), Usage, "[cli.serve] '{}' holds no token",
                 arguments.token_file);
  } else if (const char* token = std::getenv("CHIARO_SERVE_TOKEN")) {
    options.token = token;
  }
  constexpr std::size_t kMany = 1000;
  options.restorers =
      arguments.engines != 0
          ? arguments.engines
          : restore::fastest_restorers(kMany, arguments.engine.threads, options.max_memory_bytes);
  CHIARO_CHECK(arguments.engines <= 1 || options.max_memory_bytes == 0, Usage,
               "[cli.serve] --max-memory is kept with one engine; leave --engines out");
  server::check(options);
}

std::string models_json() {
  Json models = Json::array();
  for (const auto& path : restore::list_bundles()) {
    try {
      const bundle::Manifest manifest = bundle::read_bundle(path).manifest;
      models.push_back({{"name", manifest.name},
                        {"kind", manifest.kind},
                        {"summary", manifest.summary},
                        {"license", manifest.license},
                        {"scale", manifest.scale}});
    } catch (const Error& error) {  // one that is damaged must not keep the others from working
      spdlog::warn("{}", error.what());
    }
  }
  return Json{{"models", models}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void announce(const ServeArguments& arguments, int port) {
  const std::string& host = arguments.options.host;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  const std::string url = fmt::format("http://{}:{}", is_ipv6 ? "[" + host + "]" : host, port);
  if (arguments.show.json) {
    print_event("listening", {{"url", url}, {"port", port}});
  } else {
    fmt::print("listening on {}\n", url);
    std::fflush(stdout);
  }
}

/// Errors: Resource (the limit leaves no room for even the smallest picture).
void expect_to_serve(const restore::Restorer& restorer, const server::ServeOptions& options) {
  if (options.max_memory_bytes == 0) return;
  try {
    restorer.plan(1, 1,
                  {.max_memory_bytes = options.max_memory_bytes,
                   .beside_bytes = server::ServeOptions::kBesideBytes});
  } catch (const Error& error) {
    fail(error.code(), "[cli.serve] --max-memory leaves no room for any picture: {}", error.what());
  }
}

void run(ServeArguments& arguments) {
  begin_output(arguments.show);
  settle(arguments);
  watch_for_interruption();
  share_few_heaps();
  return_large_blocks_at_once();
  image::start_codecs();
  auto bundle = bundle::read_bundle(restore::find_bundle(arguments.engine.bundle));
  auto engine = engine_options(arguments.engine);
  engine.many_shapes = arguments.options.max_memory_bytes == 0;  // what it takes is in no plan
  std::optional<restore::Inspector> inspector;
  if (bundle.manifest.condition) inspector.emplace(bundle, engine);
  restore::RestorerPool restorers(
      restore::open_restorers(std::move(bundle), engine, arguments.options.restorers));
  const restore::Restorer& restorer = restorers.any();
  expect_to_serve(restorer, arguments.options);
  server::Jobs jobs(arguments.options, restore_work(restorers, arguments.options));
  server::Service service(
      arguments.options, jobs,
      {.models_json = models_json(),
       .bundle = restorer.manifest().name,
       .precision = std::string(engine::precision_name(restorer.precision())),
       .threads = restorer.threads(),
       .scale = restorer.manifest().scale,
       .inspect = inspector ? inspect_work(*inspector, restorers, arguments.options) : nullptr,
       .check = check_work(restorers, arguments.options),
       .kinds = restorer.manifest().condition ? restorer.manifest().condition->types
                                              : std::vector<std::string>{}});
  service.start();
  announce(arguments, service.port());
  while (!interrupted() && service.is_running()) std::this_thread::sleep_for(100ms);
  CHIARO_CHECK(interrupted(), Resource, "[cli.serve] the system no longer gives connections");
  spdlog::info("stopping: no new jobs; those that are there have {:.0f} s",
               arguments.options.drain_seconds);
  const double end = monotonic_s() + arguments.options.drain_seconds;
  jobs.refuse_new();
  const bool all_ended = jobs.drain(
      std::chrono::milliseconds(static_cast<std::int64_t>(arguments.options.drain_seconds * 1000)),
      kLastPatience);
  std::this_thread::sleep_for(500ms);  // for those who ask for the last result
  while (service.answering() > 0 && monotonic_s() < end) std::this_thread::sleep_for(50ms);
  if (!all_ended) {  // its thread cannot be waited for
    spdlog::warn("a job is in the middle of something that cannot be stopped; ending without it");
    std::fflush(nullptr);
    std::_Exit(EXIT_SUCCESS);
  }
  service.stop();
}

}  // namespace

void add_serve(CLI::App& root) {
  auto* command = root.add_subcommand("serve", "Restore pictures over HTTP, with a page");
  auto arguments = std::make_shared<ServeArguments>();
  server::ServeOptions& options = arguments->options;
  command->footer(kServeExample);
  command
      ->add_option("--host", options.host,
                   "address to listen on; others than loopback need a token")
      ->capture_default_str();
  command->add_option("--port", options.port, "0: any that is free; one that is taken ends with 6")
      ->capture_default_str();
  command->add_option("--token-file", arguments->token_file,
                      "file with the token that requests must carry; or CHIARO_SERVE_TOKEN");
  command->add_option("--max-body", arguments->max_body, "largest upload")->capture_default_str();
  command->add_option("--max-pixels", arguments->max_megapixels, "largest picture, in megapixels")
      ->capture_default_str();
  command->add_option("--max-queue", options.max_queue, "pictures that may wait")
      ->capture_default_str();
  command
      ->add_option("--engines", arguments->engines,
                   "networks that work side by side, each on a picture; 0: as many as are fastest")
      ->capture_default_str();
  command->add_option("--max-seconds", options.max_job_seconds, "longest time for one picture")
      ->capture_default_str();
  command
      ->add_option("--keep-seconds", options.keep_result_seconds, "how long results can be fetched")
      ->capture_default_str();
  command
      ->add_option("--patience", options.patience_seconds,
                   "seconds that a slow client may keep a connection waiting")
      ->capture_default_str();
  command
      ->add_option("--drain-seconds", options.drain_seconds,
                   "after SIGTERM, time for the jobs that are there")
      ->capture_default_str();
  command->add_option("--max-memory", arguments->max_memory, "ceiling for the process, e.g. 2G");
  add_engine_flags(*command, arguments->engine);
  add_output_flags(*command, arguments->show);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace chiaro::cli
