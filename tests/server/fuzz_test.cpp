// Requests made from the server's own description, right and wrong ones: each answer is one that
// the description names, and the server lives on.
#include <algorithm>
#include <set>

#include "chiaro/base/log.h"
#include "tests/server/served.h"

namespace chiaro {
namespace {

using nlohmann::json;
using test::body_of;
using test::Serve;
using test::Server;

class ServeFuzz : public Serve {
 protected:
  std::size_t below(std::size_t count) {
    return static_cast<std::size_t>(rng_.uniform() * static_cast<double>(count));
  }
  bool chance(double probability) { return rng_.uniform() < probability; }

  std::string nonsense(std::size_t most) {
    std::string text(below(most), '\0');
    for (char& c : text) c = static_cast<char>(below(256));
    return text;
  }

  static std::string encoded(const std::string& text) {
    std::string result;
    for (const unsigned char c : text) result += fmt::format("%{:02x}", c);
    return result;
  }

  /// A value that the schema allows, one beside it, or nonsense.
  std::string value_of(const json& schema) {
    if (chance(0.1)) return encoded(nonsense(40));
    if (schema.contains("enum")) {
      const json& word = schema["enum"][below(schema["enum"].size())];
      std::string text = word.is_string() ? word.get<std::string>() : word.dump();
      return chance(0.8) ? text : text + "x";
    }
    if (schema.contains("pattern")) return chance(0.7) ? std::string(32, 'a') : "..%2f..%2fetc";
    const double low = schema.value("minimum", -1e300);
    const double high = schema.value("maximum", 1e300);
    const std::vector<std::string> edges{fmt::format("{}", low),
                                         fmt::format("{}", high),
                                         fmt::format("{}", (low + high) / 2),
                                         fmt::format("{}", high * 2 + 1),
                                         "-1",
                                         "1e999",
                                         "nan",
                                         "0x1",
                                         "",
                                         "99999999999999999999"};
    return edges[below(edges.size())];
  }

  std::string query_of(const json& parameters) {
    std::string query;
    for (const json& parameter : parameters) {
      if (parameter.value("in", "") != "query" || chance(0.6)) continue;
      for (int times = chance(0.05) ? 2 : 1; times > 0; --times)
        query += (query.empty() ? "?" : "&") + parameter["name"].get<std::string>() + "=" +
                 value_of(parameter["schema"]);
    }
    if (chance(0.05)) query += (query.empty() ? "?" : "&") + encoded(nonsense(20)) + "=1";
    return query;
  }

  std::string path_of(std::string path, const std::vector<std::string>& ids) {
    if (const auto at = path.find("{id}"); at != std::string::npos) {
      const std::string id = !ids.empty() && chance(0.8) ? ids[below(ids.size())]
                             : chance(0.7)               ? std::string(32, 'a')
                                                         : encoded(nonsense(20));
      path.replace(at, 4, id);
    }
    return path;
  }

  /// A small picture of some format, as it is or with damage.
  std::string picture_like() {
    static const std::vector<std::string> kFormats{"png", "jpeg", "webp", "tiff", "ppm"};
    std::string file = picture(1 + static_cast<int>(below(12)), 1 + static_cast<int>(below(12)),
                               kFormats[below(kFormats.size())]);
    if (chance(0.3)) return file;
    if (chance(0.1)) return nonsense(200);
    for (std::size_t i = below(6); i > 0 && !file.empty(); --i)
      file[below(file.size())] = static_cast<char>(below(256));
    if (chance(0.3)) file.resize(below(file.size() + 1));
    return file;
  }

  httplib::Headers headers() {
    httplib::Headers made;
    const auto maybe = [&](const char* name, const std::string& value) {
      if (chance(0.04)) made.emplace(name, value);
    };
    maybe("Origin", "http://elsewhere.example");
    maybe("Host", "elsewhere.example");
    maybe("Range", "bytes=1-2,1-2,-5");
    maybe("Content-Encoding", "gzip");
    maybe("Authorization", "Bearer x");
    maybe("Cookie", std::string(3000, 'c'));
    maybe("X-Forwarded-For", "1.2.3.4");
    return made;
  }

  Rng rng_{17};
};

TEST_F(ServeFuzz, AnswersAsItsDescriptionSays) {
  use("told");
  Server server({"--max-queue", "8", "--max-pixels", "0.0001", "--max-body", "100K"});
  auto client = server.client();
  const json description = body_of(client.Get("/v1/openapi.json"));
  std::vector<std::string> ids;
  std::set<std::string> seen;
  for (int round = 0; round < 40; ++round) {
    for (const auto& [path, methods] : description["paths"].items()) {
      for (const auto& [method, operation] : methods.items()) {
        const json parameters = operation.value("parameters", json::array());
        const std::string target = path_of(path, ids) + query_of(parameters);
        const auto answer = method == "get" ? client.Get(target, headers())
                            : operation.contains("requestBody")
                                ? client.Post(target, headers(), picture_like(), kBinary)
                                : client.Post(target, headers(), "", kBinary);
        ASSERT_TRUE(answer) << method << ' ' << target;
        const std::string status = std::to_string(answer->status);
        // A nonsense id is another path: nothing is there.
        const bool known = operation["responses"].contains(status) || answer->status == 404;
        ASSERT_TRUE(known) << method << ' ' << target << ": " << status << ' ' << answer->body;
        seen.insert(method + path + status);
        if (answer->status >= 400) {
          ASSERT_TRUE(body_of(answer)["error"]["message"].is_string()) << answer->body;
          ASSERT_TRUE(body_of(answer)["error"]["code"].is_string()) << answer->body;
        } else if (answer->status == 202) {
          const json job = body_of(answer);
          for (const json& field : description["components"]["schemas"]["Job"]["required"])
            ASSERT_TRUE(job.contains(field.get<std::string>())) << job;
          ids.push_back(job["id"]);
        }
      }
    }
  }
  // It was no monologue of refusals.
  for (const char* reached :
       {"post/v1/restore202", "post/v1/restore400", "post/v1/restore415", "post/v1/inspect200",
        "get/v1/jobs/{id}200", "get/v1/jobs/{id}/result200", "get/v1/jobs/{id}/events200",
        "post/v1/jobs/{id}/cancel200"})
    EXPECT_TRUE(seen.contains(reached)) << reached;
  EXPECT_EQ(server.stop(SIGTERM), 0);
}

TEST_F(ServeFuzz, BytesThatAreNoRequestsDoNotStopIt) {
  Server server({"--patience", "0.2"});
  const std::string good = picture(4, 4);
  const std::string request =
      "POST /v1/restore?wait=1&strength=0.5 HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
      std::to_string(good.size()) + "\r\nContent-Type: image/png\r\n\r\n" + good;
  for (int round = 0; round < 60; ++round) {
    std::string text = request;
    for (std::size_t i = 1 + below(8); i > 0; --i) {
      const std::size_t at = below(std::min<std::size_t>(text.size(), 180));
      if (chance(0.5)) text[at] = static_cast<char>(below(256));
      if (chance(0.2)) text.erase(at, below(20));
      if (chance(0.2)) text.insert(at, nonsense(30));
    }
    const std::string answer = server.raw(text);
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 ")) << answer;
  }
  EXPECT_EQ(server.client().Get("/healthz")->body, "ok\n");
  EXPECT_EQ(server.stop(SIGTERM), 0);
}

}  // namespace
}  // namespace chiaro
