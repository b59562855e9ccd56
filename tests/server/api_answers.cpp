#include "tests/server/api_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

namespace chiaro::test {
namespace {

using nlohmann::json;

/// What docs/serving.md says of requests that are at no path or cannot be read at all.
const std::set<int> kBesideTheDescription{400, 404, 405, 408, 414, 416};

const json& resolved(const json& description, const json& entry) {
  if (!entry.contains("$ref")) return entry;
  return description.at(json::json_pointer(entry["$ref"].get<std::string>().substr(1)));
}

bool number(std::string_view text, int base, std::size_t& value) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return failed == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// One line without its end; "" and false where there is none.
bool take_line(std::string_view& rest, std::string_view& line) {
  const auto end = rest.find("\r\n");
  if (end == std::string_view::npos) return false;
  line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return true;
}

bool unchunked(std::string_view& rest, std::string& body) {
  for (std::string_view line; take_line(rest, line);) {
    std::size_t size = 0;
    if (!number(line, 16, size) || rest.size() < size + 2) return false;
    body += rest.substr(0, size);
    rest.remove_prefix(size);
    if (!rest.starts_with("\r\n")) return false;
    rest.remove_prefix(2);
    if (size == 0) return true;
  }
  return false;
}

/// Status line and headers.
bool take_head(std::string_view& rest, WireAnswer& answer) {
  std::string_view line;
  std::size_t status = 0;
  if (!take_line(rest, line) || !line.starts_with("HTTP/1.1 ") || line.size() < 12 ||
      !number(line.substr(9, 3), 10, status))
    return false;
  answer.status = static_cast<int>(status);
  answer.headers.clear();
  while (take_line(rest, line)) {
    if (line.empty()) return true;
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) return false;
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    answer.headers.emplace(std::move(name), line.substr(colon + 2));
  }
  return false;
}

bool is_of_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  return type != "boolean" || value.is_boolean();
}

std::string fault_of_content(const json& description, const json& response,
                             const WireAnswer& answer) {
  if (!response.contains("content")) return "";
  const std::string type = answer.header("content-type");
  for (const auto& [described, content] : response["content"].items()) {
    const bool fits = described.ends_with("/*")
                          ? type.starts_with(described.substr(0, described.size() - 1))
                          : type == described;
    if (!fits) continue;
    if (answer.body.empty()) return "nothing in the body";
    // The library compresses for who accepts it, where it answers before the request reaches us.
    if (!answer.header("content-encoding").empty()) return "";
    if (described != "application/json") return "";
    const json value = json::parse(answer.body, nullptr, false);
    if (value.is_discarded()) return "the body is not JSON";
    return unlike_schema(description, content["schema"], value);
  }
  return "of type '" + type + "', which the description does not name";
}

/// Whether a server may take it for a HEAD, also where nothing else stands on its first line.
bool is_head(std::string_view request) {
  constexpr std::string_view kWord = "HEAD";
  return request.starts_with(kWord) && request.size() > kWord.size() &&
         std::isspace(static_cast<unsigned char>(request[kWord.size()])) != 0;
}

/// Of any answer, whatever was asked.
std::string fault_of_refusal(const json& description, const WireAnswer& answer, bool to_head) {
  if (answer.status < 400) return "";
  if ((answer.status == 429 || answer.status == 503) && answer.header("retry-after").empty())
    return "no Retry-After";
  if (answer.status == 405 && answer.header("allow").empty()) return "no Allow";
  if (to_head) return "";
  return fault_of_content(description, description["components"]["responses"]["Error"], answer);
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::set<int> all_described(const json& description) {
  std::set<int> all = kBesideTheDescription;
  for (const json& methods : description["paths"]) {
    for (const json& operation : methods) {
      for (const auto& [status, response] : operation["responses"].items())
        all.insert(std::stoi(status));
    }
  }
  return all;
}

}  // namespace

WireAnswer read_answer(std::string_view bytes, bool to_head) {
  WireAnswer answer;
  if (bytes.empty()) return answer;
  std::string_view rest = bytes;
  do {
    if (!take_head(rest, answer)) {
      answer.fault = "no HTTP";
      return answer;
    }
  } while (answer.status / 100 == 1);
  if (answer.status == 0) answer.fault = "no status";
  if (to_head) {
    if (!rest.empty()) answer.fault = "a body to HEAD";
    return answer;
  }
  if (answer.header("transfer-encoding") == "chunked") {
    if (!unchunked(rest, answer.body)) answer.fault = "chunks that do not end";
  } else {
    std::size_t length = 0;
    if (!number(answer.header("content-length"), 10, length) || rest.size() < length)
      answer.fault = "shorter than its Content-Length";
    answer.body = rest.substr(0, length);
    rest.remove_prefix(std::min(length, rest.size()));
  }
  if (answer.fault.empty() && !rest.empty()) answer.fault = "something after the answer";
  return answer;
}

std::string unlike_schema(const json& description, const json& schema_or_reference,
                          const json& value) {
  const json& schema = resolved(description, schema_or_reference);
  if (!is_of_type(value, schema.value("type", "any")))
    return fmt::format("{} is no {}", value.dump(), schema["type"].get<std::string>());
  if (schema.contains("enum") && std::ranges::find(schema["enum"], value) == schema["enum"].end())
    return fmt::format("{} is none of {}", value.dump(), schema["enum"].dump());
  for (const json& name : schema.value("required", json::array())) {
    if (!value.contains(name.get<std::string>())) return fmt::format("no {}", name.dump());
  }
  const json properties = schema.value("properties", json::object());
  for (const auto& [name, property] : properties.items()) {
    if (!value.contains(name)) continue;
    if (auto fault = unlike_schema(description, property, value[name]); !fault.empty())
      return name + ": " + fault;
  }
  if (value.is_array() && schema.contains("items")) {
    for (const json& item : value) {
      if (auto fault = unlike_schema(description, schema["items"], item); !fault.empty())
        return fault;
    }
  }
  return "";
}

std::string fault_of(const json& description, const ApiRequest& request, std::string_view bytes) {
  if (bytes.empty()) return request.intact ? "no answer" : "";
  // The library takes tabs around the method away.
  bool to_head = request.intact ? request.method == "HEAD" : is_head(request.bytes);
  WireAnswer answer = read_answer(bytes, to_head);
  // Of a head that cannot be read, the method does not count.
  if (!request.intact && to_head && !answer.fault.empty() && answer.status >= 400) {
    to_head = false;
    answer = read_answer(bytes, to_head);
  }
  // Who closes the sending side counts as gone: nothing more of a stream is sent.
  if (request.manner == Manner::HalfClosed && answer.status == 200 &&
      answer.header("content-type") == "text/event-stream")
    return "";
  if (!answer.fault.empty()) return answer.fault;
  const std::string wrong = fault_of_refusal(description, answer, to_head);
  if (!wrong.empty()) return fmt::format("{}: {}", answer.status, wrong);
  const auto undescribed = [&] { return fmt::format("{} is not described", answer.status); };
  if (!request.intact)
    return all_described(description).contains(answer.status) ? "" : undescribed();
  if (answer.status == 416 && request.bytes.find("\r\nRange: ") != std::string::npos) return "";
  if (request.path.empty()) {
    const bool page =
        answer.status == 200 && answer.header("content-type").starts_with("text/html");
    const std::set<int> refusals{400, 403, 404, 405};
    return page || refusals.contains(answer.status) ? "" : undescribed();
  }
  const json& methods = description["paths"][request.path];
  const std::string method = request.method == "HEAD" ? "get" : lower(request.method);
  if (!methods.contains(method))
    return answer.status == 405 || answer.status == 403 ? "" : undescribed();
  const json& responses = methods[method]["responses"];
  const std::string status = std::to_string(answer.status);
  if (!responses.contains(status)) return undescribed();
  if (to_head) return "";
  const std::string unlike =
      fault_of_content(description, resolved(description, responses[status]), answer);
  return unlike.empty() ? "" : fmt::format("{}: {}", answer.status, unlike);
}

}  // namespace chiaro::test
