#include "tests/server/api_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace chiaro::test {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 7> kMethods{"GET",    "POST",    "HEAD", "PUT",
                                              "DELETE", "OPTIONS", "PATCH"};

std::string percent(const std::string& text) {
  std::string result;
  for (const unsigned char c : text) result += fmt::format("%{:02x}", c);
  return result;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

int digit(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto at = kDigits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return c == '\0' || at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool whole =
        text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    if (!whole) {
      result += text[i];
      continue;
    }
    result += static_cast<char>(16 * digit(text[i + 1]) + digit(text[i + 2]));
    i += 2;
  }
  return result;
}

bool is_id(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string described_path(const json& description, std::string_view target) {
  const std::string path = decoded(target.substr(0, target.find_first_of("?#")));
  constexpr std::string_view kId = "{id}";
  for (const auto& [known, methods] : description["paths"].items()) {
    const auto at = known.find(kId);
    if (at == std::string::npos) {
      if (path == known) return known;
      continue;
    }
    const std::string_view before = std::string_view(known).substr(0, at);
    const std::string_view after = std::string_view(known).substr(at + kId.size());
    const bool fits = path.size() == before.size() + 32 + after.size() &&
                      path.starts_with(before) && path.ends_with(after) &&
                      is_id(std::string_view(path).substr(at, 32));
    if (fits) return known;
  }
  return "";
}

ApiRequests::ApiRequests(const json& description, const std::vector<std::string>& pictures,
                         int port, std::uint64_t seed, std::uint64_t stream)
    : description_(description),
      pictures_(pictures),
      host_(fmt::format("127.0.0.1:{}", port)),
      rng_(seed, {stream}) {
  for (const auto& [path, methods] : description["paths"].items()) {
    for (const auto& [method, operation] : methods.items())
      operations_.push_back({path, upper(method), operation.value("parameters", json::array()),
                             operation.contains("requestBody")});
  }
}

std::string ApiRequests::nonsense(std::size_t most) {
  std::string text(below(most + 1), '\0');
  for (char& c : text) c = static_cast<char>(below(256));
  return text;
}

/// A value that the schema allows, one at its edge, one beside it, or nonsense.
std::string ApiRequests::value_of(const json& schema) {
  if (rng_.chance(0.08)) return percent(nonsense(40));
  if (schema.contains("enum")) {
    const json& word = any_of(schema["enum"]);
    std::string text = word.is_string() ? word.get<std::string>() : word.dump();
    return rng_.chance(0.85) ? text : any_of(std::array{text + "x", upper(text), text + "%00"});
  }
  if (schema.contains("example") && rng_.chance(0.5)) return schema["example"];
  if (rng_.chance(0.5)) {
    const double low = schema.value("minimum", 0.0);
    const double value = low + (schema.value("maximum", 1.0) - low) * rng_.uniform();
    return schema.value("type", "") == "integer" ? fmt::format("{}", static_cast<int>(value))
                                                 : fmt::format("{:.3f}", value);
  }
  const double low = schema.value("minimum", -1e300);
  const double high = schema.value("maximum", 1e300);
  return any_of(std::array<std::string, 12>{fmt::format("{}", low), fmt::format("{}", high),
                                            fmt::format("{}", high + 1), "-1", "-0", "1e999", "nan",
                                            "inf", "0x1", "", "99999999999999999999", "0.5.5"});
}

std::string ApiRequests::query_of(const Operation& operation) {
  std::string query;
  const auto add = [&](const std::string& name, const std::string& value) {
    query += (query.empty() ? "?" : "&") + name + "=" + value;
  };
  for (const json& parameter : operation.parameters) {
    if (parameter.value("in", "") != "query" || rng_.chance(0.72)) continue;
    for (int times = rng_.chance(0.04) ? 2 : 1; times > 0; --times)
      add(parameter["name"].get<std::string>(), value_of(parameter["schema"]));
  }
  if (rng_.chance(0.03)) add(percent(nonsense(20)), "1");
  if (rng_.chance(0.01)) query += any_of(std::array{"&&&&", "?", "&=", "&a", "#x", "&%", "&%zz=1"});
  if (rng_.chance(0.002)) add("a", std::string(9000, 'a'));
  return query;
}

std::string ApiRequests::path_of(const Operation& operation, const std::vector<std::string>& ids) {
  std::string path = operation.path;
  if (const auto at = path.find("{id}"); at != std::string::npos) {
    const std::string id = !ids.empty() && rng_.chance(0.8) ? any_of(ids)
                           : rng_.chance(0.7)               ? std::string(32, 'a')
                                                            : percent(nonsense(20));
    path.replace(at, 4, id);
  }
  return rng_.chance(0.05) ? mangled(path) : path;
}

std::string ApiRequests::mangled(std::string path) {
  switch (below(10)) {
    case 0:
      return path + "/";
    case 1:
      return "/" + path;
    case 2:
      return path + "/../../../etc/passwd";
    case 3:
      return "/..%2f..%2f" + path;
    case 4:
      return upper(path);
    case 5:
      return path + "%00.png";
    case 6:
      return path + ";a=b";
    case 7:  // the same path, written otherwise
      return "/" + percent(path.substr(1));
    case 8:
      return path.substr(0, below(path.size()) + 1);
    default:
      return path + std::string(below(3000), 'x');
  }
}

std::string ApiRequests::headers() {
  std::string text;
  const auto maybe = [&](double probability, const std::string& line) {
    if (rng_.chance(probability)) text += line + "\r\n";
  };
  text += rng_.chance(0.97) ? "Host: " + host_ + "\r\n"
                            : any_of(std::array<std::string, 6>{
                                  "Host: elsewhere.example\r\n", "Host: localhost\r\n",
                                  "Host: [::1]:80\r\n", "Host: \r\n", "", "Host: 127.1\r\n"});
  maybe(0.02, "Origin: http://elsewhere.example");
  maybe(0.02, "Origin: http://" + host_);
  maybe(0.01, "Origin: null");
  maybe(0.03, "Range: bytes=1-2,1-2,-5");
  maybe(0.02, "Range: " + std::string(below(200), '-'));
  maybe(0.01, "Content-Encoding: gzip");
  maybe(0.02, "Accept-Encoding: gzip, br;q=0.5");
  maybe(0.02, "Authorization: Bearer x");
  maybe(0.02, "Cookie: " + std::string(below(6000), 'c'));
  maybe(0.02, "X-Forwarded-For: 1.2.3.4");
  maybe(0.01, "X-HTTP-Method-Override: DELETE");
  maybe(0.01, "If-None-Match: *");
  maybe(0.02, "Connection: keep-alive, Upgrade");
  maybe(0.01, "Upgrade: h2c");
  maybe(0.02, "Expect: 100-continue");
  maybe(0.02, "Accept: application/xml;q=0.1, text/*");
  if (rng_.chance(0.01)) {
    for (std::size_t i = 0; i < 200; ++i) text += fmt::format("X-{}: {}\r\n", i, i);
  }
  return text;
}

/// A form, which the interface does not take: whole, or with its borders wrong.
std::string ApiRequests::form(std::string& type) {
  const std::string border = any_of(std::array<std::string, 4>{"b", "----x9", "a b", ""});
  type = "multipart/form-data" + (rng_.chance(0.9) ? "; boundary=" + border : std::string());
  std::string text;
  for (std::size_t part = 0; part <= below(3); ++part) {
    text += "--" + border + "\r\nContent-Disposition: form-data; name=\"image\"";
    if (rng_.chance(0.7)) text += "; filename=\"../../a.png\"";
    text += "\r\n";
    if (rng_.chance(0.5)) text += "Content-Type: image/png\r\n";
    text += "\r\n" + any_of(pictures_) + "\r\n";
  }
  if (rng_.chance(0.8)) text += "--" + border + "--\r\n";
  return text;
}

std::string ApiRequests::body(std::string& type) {
  type = "application/octet-stream";
  const double draw = rng_.uniform();
  if (draw < 0.06) return form(type);
  if (draw < 0.09) return "";
  if (draw < 0.13) return nonsense(300);
  if (draw < 0.16) {
    type = any_of(std::array{"application/json", "application/x-www-form-urlencoded", "text/plain",
                             "", "image/png; charset=x", "multipart/mixed"});
    return any_of(std::array{"{\"picture\":[1,2,3", "strength=1&wait=1", "%PDF-1.4", "<svg/>"});
  }
  std::string file = any_of(pictures_);
  if (draw < 0.6) return file;
  for (std::size_t i = below(6); i > 0 && !file.empty(); --i)
    file[below(file.size())] = static_cast<char>(below(256));
  if (rng_.chance(0.3)) file.resize(below(file.size() + 1));
  if (rng_.chance(0.1)) file += nonsense(100);
  return file;
}

std::string ApiRequests::in_chunks(const std::string& body) {
  std::string text = "Transfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t size = std::min(body.size() - at, 1 + below(400));
    text += fmt::format("{:x}", size);
    if (rng_.chance(0.05)) text += ";name=value";
    text += "\r\n" + body.substr(at, size) + (rng_.chance(0.995) ? "\r\n" : "");
    at += size;
  }
  if (rng_.chance(0.03))
    return text + any_of(std::array{"ffffffffffffffff\r\nx", "-1\r\n\r\n", "zz\r\n\r\n", "\r\n"});
  return text + any_of(std::array{"0\r\n\r\n", "0\r\n\r\n", "000\r\n\r\n", "0\r\nA: b\r\n\r\n"});
}

/// The body with the headers that say where it ends, which now and then is a lie.
std::string ApiRequests::framed(const std::string& body) {
  const auto with = [&](const std::string& length) {
    return "Content-Length: " + length + "\r\n\r\n" + body;
  };
  const std::string right = std::to_string(body.size());
  const double draw = rng_.uniform();
  if (draw < 0.8) return with(right);
  if (draw < 0.9) return in_chunks(body);
  if (draw < 0.92) return with(std::to_string(below(body.size() + 1)));
  if (draw < 0.933) return with(std::to_string(body.size() + 1 + below(100)));
  if (draw < 0.94) return with("99999999999999999999999");
  if (draw < 0.95) return with("9999999999");
  if (draw < 0.96) return with(right + "\r\nContent-Length: " + std::to_string(below(100)));
  if (draw < 0.97) return with(right + "\r\nTransfer-Encoding: chunked");
  if (draw < 0.98) return "\r\n" + body;  // no word of it
  return with(
      any_of(std::array<std::string, 7>{"-5", "abc", "+" + right, "0x10", "5 5", "", "1e3"}));
}

std::string ApiRequests::message(const std::vector<std::string>& ids, ApiRequest& made) {
  const Operation& operation = any_of(operations_);
  made.method = rng_.chance(0.92)                               ? operation.method
                : operation.method == "GET" && rng_.chance(0.3) ? "HEAD"
                                                                : any_of(kMethods);
  const std::string target = path_of(operation, ids) + query_of(operation);
  made.path = described_path(description_, target);
  std::string version = "HTTP/1.1";
  if (rng_.chance(0.02)) version = "HTTP/1.0";
  if (rng_.chance(0.005)) {
    version = any_of(std::array{"HTTP/2.0", "HTTP/1.9", "", "HTTP/1.1 x", "http/1.1"});
    made.intact = false;
  }
  // Longer than the library takes; it says so, but not in our words alone.
  if (target.size() > 8000) made.intact = false;
  std::string text = made.method + " " + target + " " + version + "\r\n" + headers();
  if (operation.takes_body || rng_.chance(0.03)) {
    std::string type;
    const std::string content = body(type);
    if (!type.empty()) text += "Content-Type: " + type + "\r\n";
    return text + framed(content);
  }
  if (made.method != "GET" && made.method != "HEAD") text += "Content-Length: 0\r\n";
  return text + "\r\n";
}

/// Bits, bytes and pieces of the head, mostly, go wrong.
void ApiRequests::damage(std::string& bytes) {
  for (std::size_t i = 1 + below(6); i > 0 && !bytes.empty(); --i) {
    const std::size_t at =
        below(rng_.chance(0.8) ? std::min<std::size_t>(bytes.size(), 200) : bytes.size());
    switch (below(6)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(below(256));
        break;
      case 2:
        bytes.erase(at, 1 + below(20));
        break;
      case 3:
        bytes.insert(at, nonsense(30));
        break;
      case 4:
        bytes.insert(at, bytes.substr(at, below(60)));
        break;
      default:
        bytes.insert(at, any_of(std::array{"\r\n", "\n", "\r", " ", "\t", ":", "%", "%0d%0a",
                                           "\r\n ", "HTTP/1.1", "\r\n\r\n"}));
    }
  }
}

ApiRequest ApiRequests::next(const std::vector<std::string>& ids) {
  ApiRequest made;
  made.bytes = message(ids, made);
  if (rng_.chance(0.03)) {
    ApiRequest ignored;
    made.bytes += message(ids, ignored);
  }
  if (rng_.chance(0.15)) {
    damage(made.bytes);
    made.intact = false;
  }
  const double draw = rng_.uniform();
  made.manner = draw < 0.9     ? Manner::Whole
                : draw < 0.93  ? Manner::Pieces
                : draw < 0.932 ? Manner::Dribble
                : draw < 0.96  ? Manner::CutOff
                : draw < 0.98  ? Manner::HalfClosed
                               : Manner::Deaf;
  return made;
}

}  // namespace chiaro::test
