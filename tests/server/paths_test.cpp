// What the server answers and what its description says it answers are the same.
#include <set>

#include "apps/server/assets.h"
#include "apps/server/gate.h"
#include "chiaro/base/text.h"
#include "tests/server/served.h"

namespace chiaro::paths_test {
namespace {

using nlohmann::json;
using test::Serve;
using test::Server;

TEST(Paths, AreThoseOfTheDescription) {
  const json description = json::parse(server::kOpenApiJson);
  std::set<std::string> described;
  for (const auto& [path, methods] : description["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) described.insert(method + " " + path);
  }
  std::set<std::string> answered;
  for (const server::Path& path : server::paths()) {
    if (path.of_page) continue;
    const std::string name(path.path);
    const std::string method = path.methods == "POST" ? "post" : "get";  // HEAD goes with GET
    answered.insert(method + " " + name);
    const json operation =
        description["paths"].value(name, json::object()).value(method, json::object());
    EXPECT_EQ(operation.contains("security"), path.open) << name;
    EXPECT_EQ(operation.contains("requestBody"), path.takes_body) << name;
  }
  EXPECT_EQ(answered, described);
}

TEST_F(Serve, EveryPathAnswersAndNoOther) {
  Server server;
  auto client = server.client();
  const auto done = client.Post("/v1/restore?wait=1", picture(5, 5), kBinary);
  ASSERT_EQ(done->status, 200) << done->body;
  for (const server::Path& path : server::paths()) {
    std::string asked(path.path);
    if (const auto at = asked.find("{id}"); at != std::string::npos)
      asked.replace(at, 4, done->get_header_value("X-Job-Id"));
    const auto answer = path.methods == "POST"
                            ? client.Post(asked, path.takes_body ? picture(5, 5) : "", kBinary)
                            : client.Get(asked);
    ASSERT_TRUE(answer) << asked;
    const int expected = asked == "/v1/restore" ? 202 : asked == "/v1/inspect" ? 501 : 200;
    EXPECT_EQ(answer->status, expected) << asked << answer->body;
    EXPECT_EQ(client.Get(asked + "x")->status, 404) << asked;
  }
}

}  // namespace
}  // namespace chiaro::paths_test
