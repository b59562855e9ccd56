// Who may ask, and what may come with a request: decided from its head, before any body is read.
#pragma once

#include <httplib.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "apps/server/serve_options.h"

namespace chiaro::server {

/// What the server answers: nothing else gets beyond check_head.
struct Path {
  std::string_view path;  ///< `{id}` stands for the 32 digits of a job's
  std::string_view methods = "GET, HEAD";
  bool open = false;        ///< needs no token: it says nothing of pictures and jobs
  bool takes_body = false;  ///< a picture
  bool of_page = false;     ///< for browsers; openapi.json describes the others
};
std::span<const Path> paths();

/// Throws Refused, the first that applies: 403 (a name that is not ours, another site), 401 (token;
/// not for the page, /healthz and the description), 404 (nothing is at the path, whatever the
/// method), 405 (the path has no such method), 413 and 400 (a body that is too large by its
/// declared size, or where none belongs), 415 (a compressed body).
void check_head(const httplib::Request& request, const ServeOptions& options);

/// Content-Length; nothing where the body comes in chunks. Throws Refused 400 where it is no
/// number.
std::optional<std::size_t> declared_bytes(const httplib::Request& request);

}  // namespace chiaro::server
