// Answers held against the server's own description.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tests/server/api_requests.h"

namespace chiaro::test {

/// One answer as it came over the wire.
struct WireAnswer {
  int status = 0;                                        ///< 0: none came
  std::multimap<std::string, std::string> headers = {};  ///< names in lower case
  std::string body = {};                                 ///< without its chunks
  std::string fault = {};  ///< what is wrong with its form; "": nothing

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

/// Reads what a server sent until it closed: interim answers, then one answer and nothing else.
WireAnswer read_answer(std::string_view bytes, bool to_head);

/// What is wrong with an answer to this request; "": nothing. An intact request is answered as the
/// description of its path says, or with 404 or 405; any other by some status the description or
/// docs/serving.md names, or by nothing at all.
std::string fault_of(const nlohmann::json& description, const ApiRequest& request,
                     std::string_view bytes);

/// What keeps a value from being what a schema of the description says; "": nothing.
std::string unlike_schema(const nlohmann::json& description, const nlohmann::json& schema,
                          const nlohmann::json& value);

}  // namespace chiaro::test
