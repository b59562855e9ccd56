#include "apps/server/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "apps/server/answers.h"
#include "chiaro/base/text.h"

namespace chiaro::server {
namespace {

using httplib::Request;

constexpr auto kPaths = std::to_array<Path>({
    {.path = "/", .open = true, .of_page = true},
    {.path = "/page.css", .open = true, .of_page = true},
    {.path = "/page.js", .open = true, .of_page = true},
    {.path = "/compare.css", .open = true, .of_page = true},
    {.path = "/compare.js", .open = true, .of_page = true},
    {.path = "/zip.js", .open = true, .of_page = true},
    {.path = "/healthz", .open = true},
    {.path = "/metrics"},
    {.path = "/v1/openapi.json", .open = true},
    {.path = "/v1/models"},
    {.path = "/v1/capabilities"},
    {.path = "/v1/restore", .methods = "POST", .takes_body = true},
    {.path = "/v1/inspect", .methods = "POST", .takes_body = true},
    {.path = "/v1/jobs/{id}"},
    {.path = "/v1/jobs/{id}/events"},
    {.path = "/v1/jobs/{id}/result"},
    {.path = "/v1/jobs/{id}/cancel", .methods = "POST"},
});

bool is_at(const Path& path, std::string_view asked) {
  constexpr std::string_view kId = "{id}";
  constexpr std::size_t kIdLength = 32;
  const auto begin = path.path.find(kId);
  if (begin == std::string_view::npos) return asked == path.path;
  const std::string_view rest = path.path.substr(begin + kId.size());
  return asked.size() == begin + kIdLength + rest.size() &&
         asked.starts_with(path.path.substr(0, begin)) && asked.ends_with(rest) &&
         asked.substr(begin, kIdLength).find_first_not_of("0123456789abcdef") ==
             std::string_view::npos;
}

/// nullptr: there is nothing.
const Path* path_at(std::string_view asked) {
  const auto* found =
      std::ranges::find_if(kPaths, [asked](const Path& path) { return is_at(path, asked); });
  return found == kPaths.end() ? nullptr : found;
}

/// Takes the same time wherever they differ.
bool same_secret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    const char other = given.empty() ? '\0' : given[i % given.size()];
    difference |= static_cast<unsigned char>(other) ^ static_cast<unsigned char>(secret[i]);
  }
  return difference == 0;
}

/// The name of the machine in a Host header, without port.
std::string host_in(std::string_view header) {
  if (header.starts_with('[')) return std::string(header.substr(0, header.find(']') + 1));
  return std::string(header.substr(0, header.find(':')));
}

/// A page of another site must not use this server through the visitor's browser: neither by a name
/// that its owner points here, nor by a request that it begins. Where a token guards, a proxy may
/// give the server any name; it must hand the name on, since that is what Origin is compared with.
void check_site(const Request& request, const ServeOptions& options) {
  const std::string header = request.get_header_value("Host");
  if (options.token.empty()) {  // on loopback, then
    const std::string host = host_in(header);
    if (!is_loopback(host) && host != "[::1]")
      throw Refused{403, "forbidden", "this server does not go by the name '" + host + "'"};
  }
  if (!request.has_header("Origin")) return;
  const std::string origin = request.get_header_value("Origin");
  const auto scheme = origin.find("://");
  if (scheme == std::string::npos || origin.substr(scheme + 3) != header)
    throw Refused{403, "forbidden", "requests from other sites are not answered"};
}

void check_token(const Request& request, const ServeOptions& options) {
  const Path* path = path_at(request.path);
  if (options.token.empty() || (path != nullptr && path->open)) return;
  constexpr std::string_view kScheme = "Bearer ";
  const std::string given = request.get_header_value("Authorization");
  if (!given.starts_with(kScheme) ||
      !same_secret(std::string_view(given).substr(kScheme.size()), options.token))
    throw Refused{401, "unauthorized", "a token is required: Authorization: Bearer TOKEN"};
}

void check_method(const Request& request) {
  const Path* path = path_at(request.path);
  if (path == nullptr) throw Refused{404, "not_found", "there is nothing at " + request.path};
  const std::string methods(path->methods);
  for (const std::string& method : split(methods, ',')) {
    if (trim(method) == request.method) return;
  }
  throw Refused{405, "bad_method",
                fmt::format("{} {}: expected {}", request.method, request.path, methods), 0,
                methods};
}

void check_body(const Request& request, const ServeOptions& options) {
  const auto declared = declared_bytes(request);
  const bool chunked = request.has_header("Transfer-Encoding");
  const Path* path = path_at(request.path);
  if (path == nullptr || !path->takes_body) {
    if (chunked || declared.value_or(0) > 0)
      throw Refused{400, "bad_request", "this request takes no body"};
    return;
  }
  if (request.has_header("Content-Encoding"))
    throw Refused{415, "unknown_type", "the body must not be compressed"};
  if (chunked && (declared || request.get_header_value("Transfer-Encoding") != "chunked"))
    throw Refused{400, "bad_request", "Content-Length or Transfer-Encoding: chunked, not both"};
  if (declared.value_or(0) > options.max_body_bytes)
    throw Refused{413, "too_large",
                  fmt::format("{} bytes; expected at most {}", *declared, options.max_body_bytes)};
}

}  // namespace

std::span<const Path> paths() {
  return kPaths;
}

std::optional<std::size_t> declared_bytes(const Request& request) {
  const std::size_t times = request.get_header_value_count("Content-Length");
  if (times == 0) return std::nullopt;
  const std::string text = request.get_header_value("Content-Length");
  std::size_t size = 0;
  const char* end = text.data() + text.size();
  const auto [last, failed] = std::from_chars(text.data(), end, size);
  if (times > 1 || failed == std::errc::invalid_argument || last != end)
    throw Refused{400, "bad_request", "Content-Length is no number"};
  if (failed != std::errc()) return std::string::npos;  // larger than any
  return size;
}

void check_head(const Request& request, const ServeOptions& options) {
  check_site(request, options);
  check_token(request, options);
  check_method(request);
  check_body(request, options);
}

}  // namespace chiaro::server
