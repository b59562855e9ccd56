#include "apps/server/service.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "apps/server/answers.h"
#include "apps/server/assets.h"
#include "apps/server/gate.h"
#include "apps/server/http_server.h"
#include "apps/server/metrics.h"
#include "apps/server/result_formats.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/text.h"
#include "chiaro/base/version.h"
#include "chiaro/image/codec.h"

namespace chiaro::server {
namespace {

using httplib::Request;
using httplib::Response;
using namespace std::chrono_literals;

/// Connections that wait for a job or an inspection; the rest stays free for short questions.
constexpr int kMostWaiting = 48;
constexpr auto kLook = 250ms;  // how often one who waits looks around

void check_parameters(const Request& request, const std::vector<std::string>& known) {
  for (const auto& [name, value] : request.params) {
    if (std::ranges::find(known, name) == known.end())
      throw Refused{400, "bad_request",
                    fmt::format("unknown parameter '{}'{}; {}", name, did_you_mean(name, known),
                                known.empty() ? "none is known here" : "known: " + join(known))};
    if (request.get_param_value_count(name) > 1)
      throw Refused{400, "bad_request", fmt::format("parameter '{}' is given twice", name)};
  }
}

template <typename Number>
Number number_of(const Request& request, const char* name, Number usual, Number low, Number high) {
  if (!request.has_param(name)) return usual;
  const std::string text = request.get_param_value(name);
  Number value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || !(value >= low && value <= high))
    throw Refused{400, "bad_request",
                  fmt::format("{}: got '{}'; expected {} to {}", name, text, low, high)};
  return value;
}

std::string word_of(const Request& request, const char* name, const std::string& usual,
                    const std::vector<std::string>& known) {
  if (!request.has_param(name)) return usual;
  std::string word = request.get_param_value(name);
  if (std::ranges::find(known, word) == known.end())
    throw Refused{400, "bad_request",
                  fmt::format("{}: got '{}'; expected {}", name, word, fmt::join(known, " or "))};
  return word;
}

std::vector<std::string> result_format_names() {
  std::vector<std::string> names;
  for (const ResultFormat& format : kResultFormats) names.emplace_back(format.name);
  return names;
}

const std::vector<std::string> kRestoreParameters{"strength", "as",     "keep_grain", "again",
                                                  "guard",    "format", "quality",    "wait"};

JobRequest job_of(const Request& request) {
  check_parameters(request, kRestoreParameters);
  JobRequest job;
  job.keep_grain = number_of(request, "keep_grain", 0.0, 0.0, 1.0);
  job.again = word_of(request, "again", "0", {"0", "1"}) == "1";
  job.stated = request.get_param_value("as");
  std::ranges::replace(job.stated, ' ', '+');  // what a query makes of a plus
  if (request.has_param("as") && job.stated.empty())
    throw Refused{400, "bad_request", "as: no damage is stated; expected e.g. 'rain(0.3)'"};
  job.strength = number_of(request, "strength", 1.0, 0.0, 1.0);
  job.guard = word_of(request, "guard", "soft", {"off", "soft", "strict"});
  job.format = word_of(request, "format", "", result_format_names());
  job.quality = number_of(request, "quality", 0, 0, 100);
  return job;
}

/// Why no connections can be had here.
std::string why_not(int error) {
  if (error == EADDRINUSE) return "another program, perhaps a second chiaro serve, listens there";
  return error == 0 ? std::string("there is no such address") : std::string(std::strerror(error));
}

/// What the library refuses before any handler sees it, in our words.
Refused refused_unseen(const Request& request, int status) {
  if (status == 404) return {404, "not_found", "there is nothing at " + request.path};
  if (status == 414)
    return {
        414, "bad_request",
        fmt::format("the path with its parameters is too long; expected a first line of at most "
                    "{} bytes",
                    CPPHTTPLIB_REQUEST_URI_MAX_LENGTH)};
  if (status == 400 && request.path.empty())
    return {400, "bad_request",
            "the first line cannot be read, or its method or version is not known; expected METHOD "
            "/PATH HTTP/1.1"};
  if (status == 400)
    return {400, "bad_request",
            fmt::format("the headers cannot be read; expected lines 'Name: value' of at most {} "
                        "bytes",
                        CPPHTTPLIB_HEADER_MAX_LENGTH)};
  if (status == 416) return {416, "bad_request", "the Range header cannot be read; leave it out"};
  return {status, "bad_request", "the request cannot be read"};
}

bool has_ended(const JobState& state) {
  return state.status != JobStatus::Queued && state.status != JobStatus::Running;
}

}  // namespace

struct Service::State {
  ServeOptions options;
  Jobs& jobs;
  ServiceFacts facts;
  HttpServer server;
  int port = 0;
  RequestMetrics requests;
  std::atomic<int> waiting = 0;
  std::mutex inspecting;
  std::atomic<bool> ended = false;
  std::thread thread;

  State(const ServeOptions& options_, Jobs& jobs_, ServiceFacts facts_)
      : options(options_),
        jobs(jobs_),
        facts(std::move(facts_)),
        server({.body_bytes = options_.max_body_bytes, .patience_s = options_.patience_seconds}) {}

  /// A place among those who wait, until the last copy is gone.
  std::shared_ptr<void> place_to_wait() {
    const bool full = ++waiting > kMostWaiting;
    std::shared_ptr<void> place(this, [](State* state) { --state->waiting; });
    if (full) throw Refused{429, "busy", "too many requests wait", jobs.retry_after_seconds()};
    return place;
  }

  /// A handler whose refusals become answers.
  template <typename Handle>
  auto guarded(Handle handle) {
    return [handle](const Request& request, Response& response) {
      try {
        check_parameters(request, {});
        handle(request, response);
      } catch (const Refused& refused) {
        answer(response, refused);
      }
    };
  }
  template <typename Handle>
  auto guarded_upload(Handle handle) {
    return
        [handle](const Request& request, Response& response, const httplib::ContentReader& reader) {
          try {
            handle(request, response, reader);
          } catch (const Refused& refused) {
            answer(response, refused);
          }
        };
  }

  std::string id_in(const Request& request) const { return request.matches[1].str(); }

  JobState known(const std::string& id) {
    const auto state = jobs.state(id);
    if (!state) throw Refused{404, "not_found", "there is no such job, or it was long ago"};
    return *state;
  }

  static void give_result(const JobState& state, Response& response) {
    const auto& result = state.result;
    if (!result) {
      if (state.status == JobStatus::Failed) throw failed_job(state);
      throw Refused{409, "not_ready", fmt::format("the job is {}", status_name(state.status))};
    }
    if (result->pages_left_out > 0)
      response.set_header("X-Pages-Left-Out", std::to_string(result->pages_left_out));
    response.set_content_provider(
        result->file.size(), result->type,
        [result = result](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
          constexpr std::size_t kPart = std::size_t{1} << 18;
          return sink.write(reinterpret_cast<const char*>(result->file.data()) + offset,
                            std::min(length, kPart));
        });
  }

  /// The job whenever it changes, as server-sent events, until it has ended.
  void give_events(const std::string& id, const Request& request, Response& response) {
    known(id);
    // The connection outlives the provider: both are on the stack of one request.
    response.set_chunked_content_provider(
        "text/event-stream", [this, id, place = place_to_wait(), is_connected = request.progress,
                              last = std::string()](std::size_t, httplib::DataSink& sink) mutable {
          try {
            if (server.is_abandoned() || (is_connected && !is_connected(0, 0))) return false;
            const auto state = last.empty() ? jobs.state(id) : jobs.wait(id, kLook);
            if (!state) return sink.done(), true;
            Json body = json_of(*state);
            body.erase("seconds");
            const std::string seen = body.dump();
            const std::string text = json_of(*state).dump();
            if (seen != last && !write(sink, "event: job\ndata: " + text + "\n\n")) return false;
            last = seen;
            if (has_ended(*state)) sink.done();
            return true;
          } catch (const std::exception& error) {
            spdlog::error("events failed: {}", error.what());
            return false;
          }
        });
  }
  static bool write(httplib::DataSink& sink, const std::string& text) {
    return sink.write(text.data(), text.size());
  }

  /// Whether it went through what is meant for forms: no picture of this length has no zero.
  static bool is_stripped(const std::vector<std::byte>& body) {
    constexpr std::size_t kLong = 400;
    return body.size() >= kLong && std::ranges::none_of(body, [](std::byte value) {
             return value == std::byte{0} || value == std::byte{'\n'} || value == std::byte{'\r'};
           });
  }

  /// A request that states no length has no body (RFC 9112, section 6.3), and reading one would
  /// wait for what does not come: `curl -X POST` sends such.
  static bool has_body(const Request& request) {
    return request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
  }

  /// A body that means nothing, which must not be taken for the next request.
  static void leave_aside(const Request& request, const httplib::ContentReader& reader) {
    if (!has_body(request)) return;
    std::size_t room = 1 << 16;
    const bool whole = reader([&](const char*, std::size_t length) {
      const bool fits = length <= room;
      room -= fits ? length : 0;
      return fits;
    });
    if (!whole) throw Refused{400, "bad_request", "the body did not arrive, or is too long"};
  }

  /// The body. Room for it is kept as long as `room` is: for what has come and a little more, so
  /// that those who say they send much, and do not, keep nobody out.
  std::vector<std::byte> upload(const Request& request, const httplib::ContentReader& reader,
                                std::unique_ptr<Room>& room) {
    if (request.is_multipart_form_data())
      throw Refused{415, "unknown_type",
                    "the body is the picture itself, not a form; curl: --data-binary @FILE"};
    if (!has_body(request)) return {};
    const auto declared = declared_bytes(request);
    const std::size_t most = declared.value_or(options.max_body_bytes);
    constexpr std::size_t kAhead = std::size_t{1} << 20;
    room = jobs.has_room(most) ? jobs.reserve(std::min(most, kAhead)) : nullptr;
    bool fits = room != nullptr;
    std::vector<std::byte> body;
    if (fits) body.reserve(declared.value_or(0));  // the system gives memory as it is written to
    bool too_many = false;
    const bool whole = fits && reader([&](const char* data, std::size_t length) {
                         too_many = length > most - body.size();
                         if (too_many) return false;
                         fits = body.size() + length <= room->bytes() ||
                                room->grow(std::min(most, body.size() + length + kAhead));
                         if (!fits) return false;
                         const auto* first = reinterpret_cast<const std::byte*>(data);
                         body.insert(body.end(), first, first + length);
                         return true;
                       });
    if (!fits)
      throw Refused{429, "queue_full", "no memory for uploads is free", jobs.retry_after_seconds()};
    if (too_many)
      throw Refused{413, "too_large", fmt::format("more than {} bytes", options.max_body_bytes)};
    if (!whole || body.size() < declared.value_or(0))
      throw Refused{408, "incomplete", "the picture did not arrive, or too slowly"};
    if (is_stripped(body))
      throw Refused{400, "bad_picture",
                    "the picture has lost its zeros and line ends, as by curl -d; curl: "
                    "--data-binary @FILE"};
    return body;
  }

  /// By content: a type nobody reads, and more pixels than allowed, are refused before decoding.
  void check_picture(const std::vector<std::byte>& picture) const {
    if (picture.empty()) throw Refused{400, "bad_request", "the body is empty; expected a picture"};
    if (!image::is_readable_type(picture))
      throw Refused{415, "unknown_type",
                    "this is no picture; expected PNG, JPEG, WebP, TIFF, PPM, GIF, BMP, HEIF, …"};
    std::int64_t pixels = 0;
    try {
      const image::Probe probe = image::probe(picture, "the picture");
      pixels = std::int64_t{probe.width} * probe.height;
    } catch (const Error& error) {
      throw Refused{400, "bad_picture", error.what()};
    }
    if (pixels > options.max_pixels)
      throw Refused{413, "too_large",
                    fmt::format("{} pixels; expected at most {}", pixels, options.max_pixels)};
  }

  void restore(const Request& request, Response& response, const httplib::ContentReader& reader) {
    JobRequest job = job_of(request);
    const bool wait = word_of(request, "wait", "0", {"0", "1"}) == "1";
    try {
      if (facts.check) facts.check(job);
    } catch (const Error& error) {
      throw Refused{400, "bad_request", error.what()};
    }
    if (const auto refusal = jobs.refusal()) throw refused_job(*refusal, jobs);
    if (wait) place_to_wait();  // or else it is refused before it sends a picture
    std::unique_ptr<Room> room;
    job.picture = upload(request, reader, room);
    check_picture(job.picture);
    const auto place = wait ? place_to_wait() : nullptr;
    Jobs::Refusal refusal{};
    const auto id = jobs.submit(std::move(job), refusal, room.get());
    room.reset();  // from here on the job keeps its own account
    if (!id) throw refused_job(refusal, jobs);
    if (!wait) {
      response.set_header("Location", "/v1/jobs/" + *id);
      return answer(response, json_of(known(*id)), 202);
    }
    std::optional<JobState> state;
    while (state = jobs.wait(*id, kLook), state && !has_ended(*state)) {
      if (server.is_abandoned() || !HttpServer::is_connected(request)) {
        jobs.cancel(*id);  // nobody would get the picture
        throw Refused{499, "cancelled", "the client has gone"};
      }
    }
    response.set_header("X-Job-Id", *id);
    give_result(state ? *state : known(*id), response);
  }

  void inspect(const Request& request, Response& response, const httplib::ContentReader& reader) {
    check_parameters(request, {});
    if (!facts.inspect)
      throw Refused{501, "not_available", "the bundle in use has no controller that could tell"};
    if (jobs.refusal() == Jobs::Refusal::Stopping) throw refused_job(Jobs::Refusal::Stopping, jobs);
    place_to_wait();  // or else it is refused before it sends a picture
    std::unique_ptr<Room> room;
    const std::vector<std::byte> picture = upload(request, reader, room);
    check_picture(picture);
    const auto place = place_to_wait();
    // One at a time: a decoded picture takes far more memory than its file.
    const std::lock_guard lock(inspecting);
    if (server.is_abandoned() || !HttpServer::is_connected(request))
      throw Refused{499, "cancelled", "the client has gone"};
    const MessagesAbout about("an inspection");
    try {
      response.set_content(facts.inspect(picture) + "\n", "application/json");
    } catch (const Error& error) {
      if (error.code() == ErrorCode::Input) throw Refused{400, "bad_picture", error.what()};
      if (error.code() == ErrorCode::Resource) throw Refused{413, "out_of_memory", error.what()};
      if (error.code() == ErrorCode::Interrupted)
        throw Refused{504, "timeout",
                      fmt::format("it took longer than {} s", options.max_job_seconds)};
      throw;
    }
  }

  Json capabilities() const {
    return {{"version", version()},
            {"bundle", facts.bundle},
            {"precision", facts.precision},
            {"threads", facts.threads},
            {"scale", facts.scale},
            {"inspects", static_cast<bool>(facts.inspect)},
            {"kinds", facts.kinds},
            {"result_formats", result_format_names()},
            {"parameters", kRestoreParameters},
            {"limits",
             {{"body_bytes", options.max_body_bytes},
              {"pixels", options.max_pixels},
              {"queue", options.max_queue},
              {"job_seconds", options.max_job_seconds},
              {"keep_result_seconds", options.keep_result_seconds}}},
            {"token_required", !options.token.empty()}};
  }

  void add_page() {
    const auto give = [this](const char* path, std::string_view text, const char* type) {
      server.Get(path, [text, type](const Request&, Response& response) {
        response.set_content(text.data(), text.size(), type);
      });
    };
    give("/", kPageHtml, "text/html; charset=utf-8");
    give("/page\\.css", kPageCss, "text/css; charset=utf-8");
    give("/page\\.js", kPageJs, "text/javascript; charset=utf-8");
    give("/compare\\.css", kCompareCss, "text/css; charset=utf-8");
    give("/compare\\.js", kCompareJs, "text/javascript; charset=utf-8");
    give("/zip\\.js", kZipJs, "text/javascript; charset=utf-8");
    give("/v1/openapi\\.json", kOpenApiJson, "application/json");
    give("/healthz", "ok\n", "text/plain; charset=utf-8");
  }

  void add_interface() {
    server.Post("/v1/restore", guarded_upload([this](auto& request, auto& response, auto& reader) {
                  restore(request, response, reader);
                }));
    server.Post("/v1/inspect", guarded_upload([this](auto& request, auto& response, auto& reader) {
                  inspect(request, response, reader);
                }));
    const std::string job = R"(/v1/jobs/([0-9a-f]{32}))";
    server.Get(job, guarded([this](const Request& request, Response& response) {
                 answer(response, json_of(known(id_in(request))));
               }));
    server.Get(job + "/events", guarded([this](const Request& request, Response& response) {
                 give_events(id_in(request), request, response);
               }));
    server.Get(job + "/result", guarded([this](const Request& request, Response& response) {
                 give_result(known(id_in(request)), response);
               }));
    server.Post(job + "/cancel",
                guarded_upload([this](auto& request, auto& response, auto& reader) {
                  leave_aside(request, reader);
                  const std::string id = id_in(request);
                  known(id);
                  jobs.cancel(id);
                  answer(response, json_of(known(id)));
                }));
    server.Get("/v1/models", guarded([this](const Request&, Response& response) {
                 response.set_content(facts.models_json, "application/json");
               }));
    server.Get("/v1/capabilities", guarded([this](const Request&, Response& response) {
                 answer(response, capabilities());
               }));
    server.Get("/metrics", guarded([this](const Request&, Response& response) {
                 response.set_content(metrics_text(jobs.counts(), requests),
                                      "text/plain; version=0.0.4; charset=utf-8");
               }));
  }

  /// Before a body is read, and before a client that asks for leave sends one.
  void add_gate() {
    server.set_pre_routing_handler([this](const Request& request, Response& response) {
      try {
        check_head(request, options);
        return httplib::Server::HandlerResponse::Unhandled;
      } catch (const Refused& refused) {
        answer(response, refused);
        return httplib::Server::HandlerResponse::Handled;
      }
    });
    server.set_expect_100_continue_handler([this](const Request& request, Response& response) {
      try {
        check_head(request, options);
        return 100;
      } catch (const Refused& refused) {
        answer(response, refused);
        return refused.status;
      }
    });
  }

  void add_answers_to_the_rest() {
    const httplib::Server::HandlerWithResponse fill = [](const Request& request,
                                                         Response& response) {
      if (!response.body.empty()) return httplib::Server::HandlerResponse::Handled;
      answer(response, refused_unseen(request, response.status));
      return httplib::Server::HandlerResponse::Handled;
    };
    server.set_error_handler(fill);
    server.set_exception_handler([](const Request&, Response& response, std::exception_ptr fault) {
      try {
        std::rethrow_exception(fault);
      } catch (const std::bad_alloc&) {
        answer(response, Refused{503, "out_of_memory", "not enough memory now", 5});
      } catch (const std::exception& error) {
        spdlog::error("a request failed: {}", error.what());
        answer(response, Refused{500, "internal", "a fault of the server"});
      }
    });
    server.set_logger([this](const Request& request, const Response& response) {
      requests.count(response.status);
      spdlog::debug("{} {} {}", request.method, request.path, response.status);
    });
  }
};

Service::Service(const ServeOptions& options, Jobs& jobs, ServiceFacts facts) {
  check(options);
  state_ = std::make_unique<State>(options, jobs, std::move(facts));
  HttpServer& server = state_->server;
  server.set_payload_max_length(options.max_body_bytes);
  server.set_default_headers(
      {{"Cache-Control", "no-store"},
       {"X-Content-Type-Options", "nosniff"},
       {"X-Frame-Options", "DENY"},
       {"Referrer-Policy", "no-referrer"},
       {"Cross-Origin-Resource-Policy", "same-origin"},
       {"Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}});
  state_->add_gate();
  state_->add_page();
  state_->add_interface();
  state_->add_answers_to_the_rest();
  errno = 0;
  state_->port = options.port == 0 ? server.bind_to_any_port(options.host)
                 : server.bind_to_port(options.host, options.port) ? options.port
                                                                   : -1;
  CHIARO_CHECK(state_->port > 0, Resource,
               "[server.Service] cannot listen on {} port {}: {}; expected a port that is free: "
               "--port takes another one, --port 0 any",
               options.host, options.port, why_not(errno));
  server.lengthen_queue();
}

Service::~Service() {
  stop();
}

int Service::port() const {
  return state_->port;
}

void Service::start() {
  state_->thread = std::thread([state = state_.get()] {
    state->server.listen_after_bind();
    state->ended = true;
  });
  // Before it listens, a stop would have no effect.
  while (!state_->server.is_running() && !state_->ended) std::this_thread::sleep_for(1ms);
}

bool Service::is_running() const {
  return !state_->ended;
}

int Service::answering() const {
  return state_->server.answering();
}

void Service::stop() {
  state_->server.abandon();
  state_->server.stop();
  if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace chiaro::server
