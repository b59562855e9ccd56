// Requests made from the server's own description: right ones, ones at the edge, broken ones.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/base/rng.h"

namespace chiaro::test {

/// How the bytes of a request reach the server.
enum class Manner {
  Whole,
  Pieces,      ///< with short pauses between them
  Dribble,     ///< byte by byte, for longer than the server's patience
  CutOff,      ///< the client goes away in the middle
  HalfClosed,  ///< the client sends all and closes its sending side before it reads
  Deaf         ///< the client sends all and goes away without reading
};

/// What is sent, and what may be expected of the answer.
struct ApiRequest {
  std::string bytes = {};   ///< as they go over the wire
  std::string method = {};  ///< of an intact request
  std::string path = {};    ///< as the description writes it; "": it does not know such a path
  bool intact = true;       ///< HTTP that can be read: an answer has to come
  Manner manner = Manner::Whole;
};

/// "/v1/jobs/{id}" for "/v1/jobs/0123…"; "" where the description has no such path. `target`: as
/// on the request line, percent signs and query included.
std::string described_path(const nlohmann::json& description, std::string_view target);

/// Draws requests. The same seed and stream give the same requests, but for ids of jobs.
class ApiRequests {
 public:
  /// `pictures`: files to send. `port`: of the server, which may be called by no other name.
  ApiRequests(const nlohmann::json& description, const std::vector<std::string>& pictures, int port,
              std::uint64_t seed, std::uint64_t stream);

  /// The next one; `ids` are of jobs that the server has told.
  ApiRequest next(const std::vector<std::string>& ids);

 private:
  struct Operation {
    std::string path;
    std::string method;  // upper case
    nlohmann::json parameters;
    bool takes_body = false;
  };

  std::size_t below(std::size_t count) {
    return static_cast<std::size_t>(rng_.integer(0, static_cast<std::int64_t>(count) - 1));
  }
  template <typename Container>
  const auto& any_of(const Container& values) {
    return values[below(values.size())];
  }
  std::string nonsense(std::size_t most);
  std::string value_of(const nlohmann::json& schema);
  std::string query_of(const Operation& operation);
  std::string path_of(const Operation& operation, const std::vector<std::string>& ids);
  std::string mangled(std::string path);
  std::string headers();
  std::string body(std::string& type);
  std::string form(std::string& type);
  std::string framed(const std::string& body);
  std::string in_chunks(const std::string& body);
  std::string message(const std::vector<std::string>& ids, ApiRequest& made);
  void damage(std::string& bytes);

  std::vector<Operation> operations_;
  const nlohmann::json& description_;
  const std::vector<std::string>& pictures_;
  std::string host_;
  Rng rng_;
};

}  // namespace chiaro::test
